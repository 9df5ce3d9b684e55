/** What a shell can complete: the description of all commands, as far as that matters to a shell. */
import { type Argument, type CommandSpec, flagAbout } from '../command-line/command-spec.ts';
import { type Flag, type FlagName, flags as flagTable, optionOf } from '../command-line/flags.ts';

/** The description. It comes from outside, since the file of it can load this one. */
export interface CommandLine {
  /** `failed retry` and so on; that of no command is `run`. */
  readonly specs: Readonly<Record<string, CommandSpec>>;
  readonly groups: Readonly<Record<string, { readonly summary: string; readonly otherwise: string }>>;
  /** First words of all commands. */
  readonly firstWords: readonly string[];
}

export interface Completed {
  readonly firstWords: readonly CompletedWord[];
  /** First words that are commands by themselves. */
  readonly singleWords: readonly string[];
  readonly groups: readonly CompletedGroup[];
  readonly commands: readonly CompletedCommand[];
  /** Every flag that takes a value, of whatever command, once: what the value is, is the same everywhere. */
  readonly valuedFlags: readonly ValuedFlag[];
}

export interface CompletedWord {
  readonly word: string;
  readonly about: string;
}

export interface CompletedGroup {
  readonly name: string;
  /** The command that it is without an action. */
  readonly otherwise: string;
  readonly actions: readonly CompletedWord[];
}

export interface CompletedCommand {
  readonly name: string;
  readonly flags: readonly CompletedFlag[];
  readonly arguments: readonly CompletedArgument[];
}

/** What a word of the command line may be: the path of a file, one of a few words, or anything. */
export type Kind = 'file' | 'anything' | readonly string[];

export interface CompletedFlag {
  /** As it is typed: `--log-format`. */
  readonly option: string;
  readonly about: string;
  /** `null` where it takes none. */
  readonly value: { readonly name: string; readonly kind: Kind } | null;
}

export interface ValuedFlag {
  readonly option: string;
  readonly kind: Kind;
}

export interface CompletedArgument {
  readonly name: string;
  readonly kind: Kind;
  readonly isOptional: boolean;
  /** As often as one likes; only the last can be. */
  readonly isRepeated: boolean;
}

const flags: Readonly<Record<FlagName, Flag>> = flagTable;
const help: CompletedFlag = { option: '--help', about: 'what it does and takes', value: null };
const version: CompletedFlag = { option: '--version', about: 'which version this is', value: null };

export function completed({ specs, groups, firstWords }: CommandLine): Completed {
  const commands = Object.entries(specs).map(([name, spec]) => ({
    name,
    flags: [
      ...spec.flags.map((flag) => completedFlag(flag, spec)),
      help,
      ...(name === 'run' ? [version] : []),
    ],
    arguments: spec.arguments.map(completedArgument),
  }));
  const valued = commands
    .flatMap((command) => command.flags)
    .flatMap(({ option, value }): [string, ValuedFlag][] =>
      value === null ? [] : [[option, { option, kind: value.kind }]],
    );
  return {
    firstWords: firstWords.map((word) => ({
      word,
      about: groups[word]?.summary ?? specs[word]?.summary ?? '',
    })),
    singleWords: firstWords.filter((word) => !Object.hasOwn(groups, word)),
    groups: Object.entries(groups).map(([name, { otherwise }]) => ({
      name,
      otherwise,
      actions: actionsOf(name, specs),
    })),
    commands,
    valuedFlags: [...new Map(valued).values()],
  };
}

function actionsOf(group: string, specs: CommandLine['specs']): CompletedWord[] {
  const prefix = `${group} `;
  return Object.entries(specs)
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, { summary }]) => ({ word: name.slice(prefix.length), about: summary }));
}

function completedFlag(name: FlagName, spec: CommandSpec): CompletedFlag {
  return { option: optionOf(name), about: firstClause(flagAbout(name, spec)), value: flagValue(flags[name]) };
}

function flagValue(flag: Flag): CompletedFlag['value'] {
  if (flag.kind === 'switch' || flag.kind === 'off-switch') return null;
  if (flag.kind === 'choice') return { name: flag.value, kind: flag.choices };
  const isFile = flag.kind === 'text' && flag.completes === 'file';
  return { name: flag.value, kind: isFile ? 'file' : 'anything' };
}

function completedArgument({ name, isOptional, isRepeated, completes }: Argument): CompletedArgument {
  return {
    name,
    kind: completes === 'nothing' ? 'anything' : completes,
    isOptional: isOptional === true,
    isRepeated: isRepeated === true,
  };
}

/** A shell shows a line for each flag; what follows the first clause is for the help. */
function firstClause(text: string): string {
  return text.split(/[;.] /, 1)[0] ?? text;
}

/** In single quotes, for bash and zsh. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
