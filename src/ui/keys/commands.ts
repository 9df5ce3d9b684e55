/** The commands that `:` takes besides the actions of the keymap, as data. */

/** What follows the name of a command. */
export type CommandArgument = 'queue' | 'slots' | 'failures' | 'place' | 'switch' | 'nothing';

export interface CommandSpec {
  readonly name: string;
  /** As people write it after the name. */
  readonly usage: string;
  readonly takes: CommandArgument;
  readonly label: string;
  /** Changes something outside this screen: `--read-only` leaves it out. */
  readonly changes?: true;
}

export const commands = [
  { name: 'pause', usage: 'QUEUE|all', takes: 'queue', label: 'pause a queue', changes: true },
  { name: 'resume', usage: 'QUEUE|all', takes: 'queue', label: 'resume a queue', changes: true },
  { name: 'slots', usage: 'QUEUE N', takes: 'slots', label: 'set the slots of a queue', changes: true },
  {
    name: 'reset',
    usage: 'QUEUE|all',
    takes: 'queue',
    label: 'back to the config: end pauses, reset slots',
    changes: true,
  },
  {
    name: 'retry',
    usage: 'FILTER',
    takes: 'failures',
    label: 'retry the failures that match',
    changes: true,
  },
  {
    name: 'delete',
    usage: 'FILTER',
    takes: 'failures',
    label: 'delete the failures that match',
    changes: true,
  },
  { name: 'reload', usage: '', takes: 'nothing', label: 'read the config again', changes: true },
  {
    name: 'bell',
    usage: 'on|off',
    takes: 'switch',
    label: 'turn the bell and the title on trouble on or off',
  },
  { name: 'go', usage: 'TAB|QUEUE', takes: 'place', label: 'go to a tab or a queue' },
] as const satisfies readonly CommandSpec[];

export type CommandName = (typeof commands)[number]['name'];

export function commandsFor(isReadOnly: boolean): readonly (typeof commands)[number][] {
  return commands.filter((command) => !(isReadOnly && 'changes' in command));
}
