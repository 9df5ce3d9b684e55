/** The command line, taken apart: which command, its arguments, its flags. The only file that knows meow. */
import { existsSync } from 'node:fs';
import meow from 'meow';
import { visibleWithin } from '../wording/visible.ts';
import { type CommandName, type CommandSpec, commands, type FlagName } from './commands.ts';
import { UsageError } from './exit-codes.ts';
import type { LogFormat } from './log/log.ts';
import { nearestWord } from './nearest-word.ts';

/** Flags of all commands; each command takes some of them. `null`: not given. */
export interface Flags {
  readonly config: string | null;
  readonly redis: string | null;
  readonly namespace: string | null;
  readonly logFormat: LogFormat | null;
  readonly drain: boolean;
  readonly ui: boolean;
  /** Path of the unix socket that user interfaces attach to. */
  readonly socket: string | null;
  readonly readOnly: boolean;
  readonly repair: boolean;
  /** Descriptor of the connection of the user interface that has started this engine. */
  readonly linkFd: number | null;
}

export interface Invocation {
  readonly command: CommandName | 'help';
  /** The command that help is wanted for; `null` for the program as a whole. */
  readonly helpOn: CommandName | null;
  readonly input: readonly string[];
  readonly flags: Flags;
}

const flagTypes = {
  config: { type: 'string' },
  redis: { type: 'string' },
  namespace: { type: 'string' },
  logFormat: { type: 'string' },
  drain: { type: 'boolean', default: false },
  ui: { type: 'boolean', default: true },
  socket: { type: 'string' },
  readOnly: { type: 'boolean', default: false },
  repair: { type: 'boolean', default: false },
  linkFd: { type: 'string' },
  help: { type: 'boolean', default: false, shortFlag: 'h' },
} as const;

/** More than this is no word that anyone mistyped. */
const longestWord = 30;

const logFormats: readonly string[] = ['pretty', 'json'] satisfies LogFormat[];

/** @throws UsageError that says what to do */
export function readArguments(argv: readonly string[]): Invocation {
  const named = commandOf(argv[0]);
  const command = named ?? 'run';
  const spec = commands[command];
  const own = named === null ? argv : argv.slice(1);
  const { input, flags } = parse(own);
  if (flags.help === true) return { command: 'help', helpOn: named, input: [], flags: noFlags };
  if (named === null) refuseMistypedCommand(input[0] ?? argv[0] ?? '');
  refuseOtherFlags(flags, own, command, spec);
  refuseWrongCount(input, command, spec);
  return { command, helpOn: null, input, flags: typedFlags(flags) };
}

function commandOf(word: string | undefined): Exclude<CommandName, 'run'> | null {
  if (word === undefined || word === 'run' || !Object.hasOwn(commands, word)) return null;
  return word as Exclude<CommandName, 'run'>;
}

function parse(argv: readonly string[]): { input: readonly string[]; flags: Record<string, unknown> } {
  try {
    const { input, flags } = meow({
      importMeta: import.meta,
      // Without it meow searches for a package.json. The name becomes the process' title, so that a URL on
      // the command line, password and all, doesn't stay visible in `ps`.
      pkg: { name: 'resque-runner' },
      argv: [...argv],
      flags: flagTypes,
      // Ours say what to do, and don't end the process in the middle of a test.
      autoHelp: false,
      autoVersion: false,
      description: false,
    });
    return { input, flags };
  } catch (error) {
    // All that meow throws for valid options is its verdict on the arguments.
    if (error instanceof Error && error.message.includes('only be set once'))
      throw new UsageError(error.message);
    throw error;
  }
}

/** A first word that is no file and looks like a command was meant as one. */
function refuseMistypedCommand(word: string): void {
  if (word === '' || word.startsWith('-') || /[./]/.test(word) || existsSync(word)) return;
  const names = Object.keys(commands).filter((name) => name !== 'run');
  const nearest = nearestWord(word.slice(0, longestWord), names);
  const shown = visibleWithin(word, 60);
  throw new UsageError(
    nearest === null
      ? `"${shown}" is neither a command nor a config file; commands are ${names.join(', ')}`
      : `there is no command "${shown}"; did you mean "${nearest}"?`,
  );
}

function refuseOtherFlags(
  flags: Readonly<Record<string, unknown>>,
  argv: readonly string[],
  command: CommandName,
  spec: CommandSpec,
): void {
  const known = [...spec.flags, 'help'];
  const written = flagsIn(argv);
  // meow gives every flag that it knows, and any other that was written.
  for (const name of Object.keys(flags)) {
    const isForeign = !Object.hasOwn(flagTypes, name);
    const isWritten = isForeign || written.has(name);
    if (isWritten && !known.includes(name)) throw new UsageError(unknownFlag(name, command, spec));
  }
  for (const [name, value] of written) {
    const type = Object.hasOwn(flagTypes, name) ? flagTypes[name as keyof typeof flagTypes].type : null;
    if (type === 'boolean' && value !== null) throw new UsageError(`${option(name)} takes no value`);
    if (type === 'string' && (flags[name] === '' || typeof flags[name] !== 'string')) {
      throw new UsageError(`${option(name)} needs a value, such as ${option(name)} ${examples[name] ?? 'X'}`);
    }
  }
}

const examples: Readonly<Record<string, string>> = {
  redis: 'redis://localhost:6379/0',
  config: 'cfg.json',
  namespace: 'resque',
  logFormat: 'json',
  socket: '/run/user/1000/resque-runner/4431.sock',
  linkFd: '3',
};

/** The flags as written, before any `--`: name → value after `=`, `null` where there is none. */
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
  const written = visibleWithin(option(name), 60);
  const where = command === 'run' ? 'resque-runner' : `resque-runner ${command}`;
  const nearest = nearestWord(name.slice(0, longestWord), spec.flags);
  if (nearest !== null) return `${where} has no flag ${written}; did you mean ${option(nearest)}?`;
  const separator = command === 'enqueue' ? ' (put "--" before arguments that begin with "-")' : '';
  return `${where} has no flag ${written}${separator}; see ${where} --help`;
}

function refuseWrongCount(input: readonly string[], command: CommandName, spec: CommandSpec): void {
  const [least, most] = spec.argumentCount;
  if (input.length < least) {
    throw new UsageError(`${command} needs ${spec.argumentsText}; see resque-runner ${command} --help`);
  }
  if (input.length > most) {
    const surplus = visibleWithin(input[most] ?? '', 60);
    const where = command === 'run' ? 'resque-runner' : command;
    const takes = most === 0 ? 'no arguments' : `one ${spec.argumentsText} at most`;
    throw new UsageError(`${where} takes ${takes}; "${surplus}" is one too many`);
  }
}

function typedFlags(flags: Readonly<Record<string, unknown>>): Flags {
  const text = (name: FlagName): string | null => (typeof flags[name] === 'string' ? flags[name] : null);
  const logFormat = text('logFormat');
  if (logFormat !== null && !isLogFormat(logFormat)) {
    throw new UsageError(`--log-format: "${visibleWithin(logFormat, 60)}" is neither pretty nor json`);
  }
  return {
    config: text('config'),
    redis: text('redis'),
    namespace: text('namespace'),
    logFormat,
    drain: flags.drain === true,
    ui: flags.ui !== false,
    socket: text('socket'),
    readOnly: flags.readOnly === true,
    repair: flags.repair === true,
    linkFd: descriptor(text('linkFd')),
  };
}

const noFlags: Flags = {
  config: null,
  redis: null,
  namespace: null,
  logFormat: null,
  drain: false,
  ui: true,
  socket: null,
  readOnly: false,
  repair: false,
  linkFd: null,
};

function descriptor(text: string | null): number | null {
  if (text === null) return null;
  if (!/^\d{1,4}$/.test(text)) throw new UsageError('--link-fd takes the number of a descriptor');
  return Number(text);
}

function isLogFormat(text: string): text is LogFormat {
  return logFormats.includes(text);
}

function camelCase(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** `logFormat` as it is typed: `--log-format`. A single letter is a short flag; `ui` is typed to be off. */
function option(name: string): string {
  if (name === 'ui') return '--no-ui';
  if (name.length === 1) return `-${name}`;
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
