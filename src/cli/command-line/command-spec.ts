/** The description of a command: its arguments, flags and help. */

import { type Completes, type FlagName, type Flags, flags } from './flags.ts';
import type { Io } from './io.ts';

export interface Invocation<Name extends string = string> {
  readonly command: Name;
  readonly input: readonly string[];
  readonly flags: Flags;
}

/** The input of a command. */
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
  /** Replaces the name in help and messages: `FILE|ARG`. */
  readonly shown?: string;
  readonly isOptional?: boolean;
  readonly isRepeated?: boolean;
  readonly completes: Completes | readonly string[];
}

export interface CommandSpec {
  /** One line for the list of all commands. */
  readonly summary: string;
  readonly arguments: readonly Argument[];
  readonly flags: readonly FlagName[];
  /** Flags that help and completion don't show. */
  readonly hiddenFlags?: readonly FlagName[];
  /** Descriptions of flags that mean something different or more specific for this command. */
  readonly flagWords?: Partial<Readonly<Record<FlagName, string>>>;
  /** The paragraphs of its help. */
  readonly about: string;
  /** Command lines without `resque-runner`. */
  readonly examples: readonly [string, string, ...string[]];
  readonly load: () => Promise<{ readonly run: RunCommand }>;
}

/** The argument in help: `[FILE]`, `ARG…`. */
export function shownArgument({ name, shown, isOptional, isRepeated }: Argument): string {
  const text = `${shown ?? name}${isRepeated === true ? '…' : ''}`;
  return isOptional === true ? `[${text}]` : text;
}

/** The description of a flag for a command. */
export function flagAbout(name: FlagName, spec: CommandSpec): string {
  return spec.flagWords?.[name] ?? flags[name].about;
}

/** @returns the least and the most arguments */
export function argumentCount(spec: CommandSpec): [number, number] {
  const least = spec.arguments.filter(({ isOptional }) => isOptional !== true).length;
  const isOpen = spec.arguments.some(({ isRepeated }) => isRepeated === true);
  return [least, isOpen ? Number.POSITIVE_INFINITY : spec.arguments.length];
}
