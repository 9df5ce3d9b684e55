/**
 * Completions for a command line whose last word is being typed. The scripts of all shells call this, so new commands
 * and flags need no new script.
 */
import { type CommandSpec, flagAbout } from '../command-line/command-spec.ts';
import { type Flag, type FlagName, flags as flagTable, optionOf } from '../command-line/flags.ts';

/** All commands. */
export interface CommandLine {
  /** By name, such as `failed retry`. `run` has no word on the command line. */
  readonly specs: Readonly<Record<string, CommandSpec>>;
  readonly groups: Readonly<Record<string, { readonly summary: string; readonly otherwise: string }>>;
  /** First words of all commands. */
  readonly firstWords: readonly string[];
}

export interface Offer {
  /** The whole word, as the user would type it. */
  readonly word: string;
  readonly about: string;
}

export interface Offers {
  readonly words: readonly Offer[];
  /** Whether file paths fit too. */
  readonly takesFiles: boolean;
}

/** The possible values of a flag or argument: a file, one of these words, or anything. */
type Choices = 'file' | 'nothing' | readonly string[];

const flags: Readonly<Record<FlagName, Flag>> = flagTable;
const flagNames = Object.keys(flags) as FlagName[];
const always: Offer = { word: '--help', about: 'show help' };
const version: Offer = { word: '--version', about: 'show the version' };

/** @param typed the words after the program's name; the last one is being typed and may be empty */
export function offersFor(typed: readonly string[], commandLine: CommandLine): Offers {
  const current = typed.at(-1) ?? '';
  const before = typed.slice(0, -1);
  const { name, rest } = commandOf(before, commandLine);
  const spec = commandLine.specs[name];
  if (spec === undefined) return none;
  const { given, argumentCount, areFlagsOver, awaited } = read(rest);

  if (awaited !== null) return choicesOf(valueChoices(awaited), current);
  const [, option, value] = /^(--[^=]+)=(.*)$/s.exec(current) ?? [];
  if (!areFlagsOver && option !== undefined && value !== undefined) {
    return choicesOf(valueChoices(option), value, `${option}=`);
  }
  if (!areFlagsOver && current.startsWith('-')) return fitting(flagsOf(name, spec, given), current);
  if (before.length === 0) return firstWordsFor(current, commandLine);
  if (before.length === 1 && Object.hasOwn(commandLine.groups, before[0] ?? '')) {
    return fitting(actionsOf(before[0] ?? '', commandLine), current);
  }
  const argument =
    spec.arguments[argumentCount] ?? spec.arguments.findLast(({ isRepeated }) => isRepeated === true);
  if (argument !== undefined) return choicesOf(argument.completes, current);
  // A command without arguments takes flags only.
  const hasOnlyFlags = spec.arguments.length === 0 && !areFlagsOver;
  return hasOnlyFlags ? fitting(flagsOf(name, spec, given), current) : none;
}

/** The output for a shell's script: lines `WORD<tab>ABOUT`, and `:files` if file paths fit too. */
export function offerLines(typed: readonly string[], commandLine: CommandLine): string {
  const { words, takesFiles } = offersFor(typed, commandLine);
  const lines = words.map(({ word, about }) => `${word}\t${about}\n`);
  return lines.join('') + (takesFiles ? ':files\n' : '');
}

const none: Offers = { words: [], takesFiles: false };

function commandOf(
  words: readonly string[],
  { specs, groups, firstWords }: CommandLine,
): { name: string; rest: readonly string[] } {
  const [first = '', second = ''] = words;
  const group = Object.hasOwn(groups, first) ? groups[first] : undefined;
  if (group !== undefined) {
    const action = `${first} ${second}`;
    return Object.hasOwn(specs, action)
      ? { name: action, rest: words.slice(2) }
      : { name: group.otherwise, rest: words.slice(1) };
  }
  return firstWords.includes(first) ? { name: first, rest: words.slice(1) } : { name: 'run', rest: words };
}

interface Typed {
  readonly given: ReadonlySet<string>;
  readonly argumentCount: number;
  /** After `--`. */
  readonly areFlagsOver: boolean;
  /** The flag that expects its value next. */
  readonly awaited: string | null;
}

function read(words: readonly string[]): Typed {
  const given = new Set<string>();
  let argumentCount = 0;
  let areFlagsOver = false;
  let awaited: string | null = null;
  for (const word of words) {
    if (awaited !== null) {
      awaited = null;
    } else if (areFlagsOver || !/^-./s.test(word)) {
      argumentCount += 1;
    } else if (word === '--') {
      areFlagsOver = true;
    } else {
      given.add(word.replace(/=.*/s, ''));
      if (valueChoices(word) !== null) awaited = word;
    }
  }
  return { given, argumentCount, areFlagsOver, awaited };
}

/** @returns `null` if this is not a flag with a value */
function valueChoices(option: string): Choices | null {
  const name = flagNames.find((candidate) => optionOf(candidate) === option);
  const flag = name === undefined ? undefined : flags[name];
  switch (flag?.kind) {
    case 'choice':
      return flag.choices;
    case 'text':
      return flag.completes;
    case 'number':
      return flag.otherwise === undefined ? 'nothing' : null;
    default:
      return null;
  }
}

function choicesOf(choices: Choices | null, typed: string, prefix = ''): Offers {
  if (choices === 'file') return { words: [], takesFiles: true };
  if (choices === null || choices === 'nothing') return none;
  return fitting(
    choices.map((choice) => ({ word: prefix + choice, about: '' })),
    prefix + typed,
  );
}

function firstWordsFor(typed: string, { specs, groups, firstWords }: CommandLine): Offers {
  const words = firstWords.map((word) => ({
    word,
    about: groups[word]?.summary ?? specs[word]?.summary ?? '',
  }));
  // The word may also be a config. For an empty word, commands are enough.
  return { ...fitting(words, typed), takesFiles: typed !== '' };
}

function actionsOf(group: string, { specs }: CommandLine): Offer[] {
  const prefix = `${group} `;
  return Object.entries(specs)
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, { summary }]) => ({ word: name.slice(prefix.length), about: summary }));
}

/** The flags of a command that the user has not typed yet. */
function flagsOf(name: string, spec: CommandSpec, given: ReadonlySet<string>): Offer[] {
  const own = spec.flags.map((flag) => ({ word: optionOf(flag), about: firstClause(flagAbout(flag, spec)) }));
  const all = [...own, always, ...(name === 'run' ? [version] : [])];
  return all.filter(({ word }) => !given.has(word));
}

function fitting(offers: readonly Offer[], typed: string): Offers {
  return { words: offers.filter(({ word }) => word.startsWith(typed)), takesFiles: false };
}

/** Shells show one line per flag. Help shows the whole text. */
function firstClause(text: string): string {
  return text.split(/[;.] /, 1)[0] ?? text;
}
