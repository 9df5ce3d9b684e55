/** What a command is to the command line: what it takes, and what its help says. */

import { type Completes, type FlagName, type Flags, flags } from './flags.ts';
import type { Io } from './io.ts';

export interface Invocation<Name extends string = string> {
  readonly command: Name;
  readonly input: readonly string[];
  readonly flags: Flags;
}

/** What a command is given. */
export interface CommandContext {
  readonly invocation: Invocation;
  readonly version: string;
  readonly io: Io;
}

/** @returns the exit code. @throws UsageError, OperatingError */
export type RunCommand = (context: CommandContext) => Promise<number>;

export interface Argument {
  /** `FILE` */
  readonly name: string;
  /** A word for help and messages where the name isn't one: `FILE, - or ARG`. */
  readonly shown?: string;
  readonly isOptional?: boolean;
  readonly isRepeated?: boolean;
  readonly completes: Completes | readonly string[];
}

export interface CommandSpec {
  /** A line for the list of all commands. */
  readonly summary: string;
  readonly arguments: readonly Argument[];
  readonly flags: readonly FlagName[];
  /** Flags that no help or completion shows. */
  readonly hiddenFlags?: readonly FlagName[];
  /** What a flag means here, where that is more or other than it says of itself. */
  readonly flagWords?: Partial<Readonly<Record<FlagName, string>>>;
  /** Its help: paragraphs. */
  readonly about: string;
  /** Command lines without `resque-runner`. */
  readonly examples: readonly [string, string, ...string[]];
  readonly load: () => Promise<{ readonly run: RunCommand }>;
}

/** As help shows it: `[FILE]`, `ARG…`. */
export function shownArgument({ name, shown, isOptional, isRepeated }: Argument): string {
  const text = `${shown ?? name}${isRepeated === true ? '…' : ''}`;
  return isOptional === true ? `[${text}]` : text;
}

/** What a flag means for a command. */
export function flagAbout(name: FlagName, spec: CommandSpec): string {
  return spec.flagWords?.[name] ?? flags[name].about;
}

/** Least and most. */
export function argumentCount(spec: CommandSpec): [number, number] {
  const least = spec.arguments.filter(({ isOptional }) => isOptional !== true).length;
  const isOpen = spec.arguments.some(({ isRepeated }) => isRepeated === true);
  return [least, isOpen ? Number.POSITIVE_INFINITY : spec.arguments.length];
}
