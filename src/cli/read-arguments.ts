/** Parses the command line: command, arguments and flags. Only this file uses meow. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import meow from 'meow';
import { nearestWord } from '../messages/nearest-word.ts';
import { visibleWithin } from '../messages/visible.ts';
import { argumentCount, type CommandSpec, type Invocation } from './command-line/command-spec.ts';
import { UsageError } from './command-line/exit-codes.ts';
import { type Flag, type FlagName, type Flags, flags as flagTable, optionOf } from './command-line/flags.ts';
import { actionsOf, type CommandName, commands, firstWords, type GroupName, groups } from './commands.ts';

// For program.ts: another dynamic import would load another file.
export { commands };

/** The command or group to show help for; `null` for the program as a whole. */
export type HelpTopic = CommandName | GroupName | null;

export type ReadInvocation =
  | { readonly kind: 'command'; readonly invocation: Invocation<CommandName> }
  | { readonly kind: 'help'; readonly topic: HelpTopic };

const flags: Readonly<Record<FlagName, Flag>> = flagTable;
const flagNames = Object.keys(flags) as FlagName[];

/** A longer word is not a typo. */
const longestWord = 30;

/**
 * @param cwd relative paths of a CONFIG start here
 * @throws UsageError with a hint at the right command line
 */
export function readArguments(argv: readonly string[], cwd: string): ReadInvocation {
  const { name, topic, rest: words } = commandOf(argv);
  const rest = withOptionalValues(words);
  const typed = flagsIn(rest);
  const { input, written } = parse(rest, typed);
  if (written.help === true) return { kind: 'help', topic };
  if (topic === null) refuseMistypedCommand(input[0] ?? argv[0] ?? '', cwd);
  const spec = commands[name];
  refuseOtherFlags(written, typed, name, spec);
  const values = typedFlags(written);
  const all = withConfigFlag(input, values, spec);
  refuseWrongCount(all, name, spec);
  return { kind: 'command', invocation: { command: name, input: all, flags: values } };
}

interface Chosen {
  readonly name: CommandName;
  readonly topic: HelpTopic;
  readonly rest: readonly string[];
}

/** Finds the command that the first words name. */
function commandOf(argv: readonly string[]): Chosen {
  const [first = '', second] = argv;
  if (Object.hasOwn(groups, first)) return actionOf(first as GroupName, second, argv.slice(1));
  const isNamed = first !== 'run' && Object.hasOwn(commands, first) && !first.includes(' ');
  if (!isNamed) return { name: 'run', topic: null, rest: argv };
  const name = first as CommandName;
  return { name, topic: name, rest: argv.slice(1) };
}

function actionOf(group: GroupName, word: string | undefined, rest: readonly string[]): Chosen {
  if (word === undefined || word.startsWith('-')) {
    return { name: groups[group].otherwise, topic: group, rest };
  }
  const name = actionsOf(group).find((action) => action === `${group} ${word}`);
  if (name !== undefined) return { name, topic: name, rest: rest.slice(1) };
  const words = actionsOf(group).map((action) => action.slice(group.length + 1));
  const nearest = nearestWord(word.slice(0, longestWord), words);
  const hint = nearest === null ? `actions are ${words.join(', ')}` : `did you mean "${nearest}"?`;
  throw new UsageError(`${group} has no action "${visibleWithin(word, 60)}"; ${hint}`);
}

/** Only these flags, because meow takes its time for each. */
function meowFlags(typed: Iterable<string>) {
  const known = [...typed].filter((name): name is FlagName => Object.hasOwn(flags, name));
  return {
    ...Object.fromEntries(
      known.map((name) => {
        const { kind } = flags[name];
        if (kind === 'switch') return [name, { type: 'boolean', default: false } as const];
        if (kind === 'off-switch') return [name, { type: 'boolean', default: true } as const];
        return [name, { type: 'string' } as const];
      }),
    ),
    help: { type: 'boolean', default: false, shortFlag: 'h' } as const,
  };
}

function parse(
  argv: readonly string[],
  typed: ReadonlyMap<string, string | null>,
): { input: readonly string[]; written: Record<string, unknown> } {
  try {
    const result = meow({
      importMeta: import.meta,
      // Without it, meow searches for a package.json. The name becomes the process title, which hides the command
      // line from `ps`: it may contain a URL with a password.
      pkg: { name: 'resque-runner' },
      argv: withStdinValues(argv),
      flags: meowFlags(typed.keys()),
      // Ours say more, and don't end the process of a test.
      autoHelp: false,
      autoVersion: false,
      description: false,
    });
    return { input: result.input, written: result.flags };
  } catch (error) {
    // With valid options, meow throws only for a flag that is given twice.
    if (error instanceof Error && error.message.includes('only be set once'))
      throw new UsageError(error.message);
    throw error;
  }
}

/** Turns `--unique 600` into `--unique=600`, and `--unique` before anything else into `--unique=3600`. */
function withOptionalValues(argv: readonly string[]): string[] {
  const end = argv.indexOf('--');
  const words: string[] = [];
  let open: number | null = null;
  for (const [at, word] of argv.entries()) {
    const isValue: boolean = open !== null && /^\d+$/.test(word);
    if (open !== null) words[words.length - 1] += `=${isValue ? word : open}`;
    open = end === -1 || at < end ? (optionalValues.get(word) ?? null) : null;
    if (!isValue) words.push(word);
  }
  if (open !== null) words[words.length - 1] += `=${open}`;
  return words;
}

const optionalValues = new Map<string, number>(
  flagNames.flatMap((name) => {
    const flag = flags[name];
    const isOptional = flag.kind === 'number' && flag.otherwise !== undefined;
    return isOptional ? [[optionOf(name), flag.otherwise]] : [];
  }),
);

/** Turns `--file -` into `--file=-`: meow's parser treats a lone dash as an argument. */
function withStdinValues(argv: readonly string[]): string[] {
  const end = argv.indexOf('--');
  const words: string[] = [];
  for (const [at, word] of argv.entries()) {
    const flag = words.at(-1) ?? '';
    const isValue = word === '-' && (end === -1 || at < end) && textOptions.has(flag);
    if (isValue) words[words.length - 1] = `${flag}=-`;
    else words.push(word);
  }
  return words;
}

const textOptions = new Set<string>(
  flagNames.filter((name) => flags[name].kind === 'text').map((name) => optionOf(name)),
);

/** Rejects a first word that is not a file and looks like a mistyped command. */
function refuseMistypedCommand(word: string, cwd: string): void {
  if (word === '' || word.startsWith('-') || /[./]/.test(word) || existsSync(resolve(cwd, word))) return;
  const nearest = nearestWord(word.slice(0, longestWord), firstWords);
  const shown = visibleWithin(word, 60);
  throw new UsageError(
    nearest === null
      ? `"${shown}" is neither a command nor a config file; commands are ${firstWords.join(', ')}`
      : `there is no command "${shown}"; did you mean "${nearest}"?`,
  );
}

function refuseOtherFlags(
  written: Readonly<Record<string, unknown>>,
  typed: ReadonlyMap<string, string | null>,
  command: CommandName,
  spec: CommandSpec,
): void {
  const known: readonly string[] = [...spec.flags, ...(spec.hiddenFlags ?? []), 'help'];
  // meow returns the typed flags, known or not, and "help".
  for (const name of Object.keys(written)) {
    if (!known.includes(name)) throw new UsageError(unknownFlag(name, command, spec));
  }
  for (const [name, value] of typed) {
    if (!Object.hasOwn(flags, name)) continue;
    const flag = flags[name as FlagName];
    const option = optionOf(name as FlagName);
    if (flag.kind === 'switch' || flag.kind === 'off-switch') {
      if (value !== null) throw new UsageError(`${option} takes no value`);
    } else if (written[name] === '' || typeof written[name] !== 'string') {
      throw new UsageError(`${option} needs a value, such as ${option} ${flag.example}`);
    }
  }
}

/** The flags as typed, before any `--`: name → value after `=`, or `null` if there is none. */
function flagsIn(argv: readonly string[]): Map<string, string | null> {
  const end = argv.indexOf('--');
  const found = new Map<string, string | null>();
  for (const word of end === -1 ? argv : argv.slice(0, end)) {
    const [, name, value] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    if (name !== undefined) found.set(camelCase(name.replace(/^no-/, '')), value ?? null);
  }
  return found;
}

function unknownFlag(name: string, command: CommandName, spec: CommandSpec): string {
  const written = visibleWithin(typedName(name), 60);
  const where = command === 'run' ? 'resque-runner' : `resque-runner ${command}`;
  const nearest = nearestWord(name.slice(0, longestWord), spec.flags);
  if (nearest !== null) {
    return `${where} has no flag ${written}; did you mean ${optionOf(nearest as FlagName)}?`;
  }
  const takesAnything = spec.arguments.some((argument) => argument.isRepeated === true);
  const separator = takesAnything ? ' (put "--" before arguments that begin with "-")' : '';
  return `${where} has no flag ${written}${separator}; see ${where} --help`;
}

/** If a command takes CONFIG as its first argument, `--config FILE` means the same. */
function withConfigFlag(input: readonly string[], { config }: Flags, spec: CommandSpec): readonly string[] {
  if (config === null || spec.arguments[0]?.name !== 'CONFIG') return input;
  if (input.length === 0) return [config];
  throw new UsageError(
    `got two configs, "${visibleWithin(input[0] ?? '', 60)}" and --config "${visibleWithin(config, 60)}"; give one`,
  );
}

function refuseWrongCount(input: readonly string[], command: CommandName, spec: CommandSpec): void {
  const [least, most] = argumentCount(spec);
  if (input.length < least) {
    const needed = spec.arguments
      .slice(0, least)
      .map(({ name }) => `${/^([AEIOU]|N$)/.test(name) ? 'an' : 'a'} ${name}`);
    throw new UsageError(`${command} needs ${needed.join(' and ')}; see resque-runner ${command} --help`);
  }
  if (input.length > most) {
    const surplus = visibleWithin(input[most] ?? '', 60);
    const where = command === 'run' ? 'resque-runner' : command;
    const takes = most === 0 ? 'no arguments' : `one ${spec.arguments[0]?.name} at most`;
    throw new UsageError(`${where} takes ${takes}; "${surplus}" is one too many`);
  }
}

function typedFlags(written: Readonly<Record<string, unknown>>): Flags {
  return Object.fromEntries(flagNames.map((name) => [name, typedValue(name, written[name])])) as Flags;
}

function typedValue(name: FlagName, value: unknown): string | number | boolean | null {
  const flag = flags[name];
  if (flag.kind === 'switch') return value === true;
  if (flag.kind === 'off-switch') return value !== false;
  if (typeof value !== 'string') return null;
  if (flag.kind === 'text') return value;
  const shown = visibleWithin(value, 60);
  if (flag.kind === 'choice') {
    if (flag.choices.includes(value)) return value;
    throw new UsageError(`${optionOf(name)} must be ${alternatives(flag.choices)}, got "${shown}"`);
  }
  const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= flag.least) return number;
  throw new UsageError(`${optionOf(name)} must be a whole number, ${flag.least} or more, got "${shown}"`);
}

/** `pretty, json or logfmt` */
function alternatives(words: readonly string[]): string {
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

function camelCase(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** The flag as the user probably typed it, known or not. A single letter is a short flag. */
function typedName(name: string): string {
  if (Object.hasOwn(flags, name)) return optionOf(name as FlagName);
  if (name.length === 1) return `-${name}`;
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
