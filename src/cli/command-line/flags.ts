/**
 * Every flag of every command: how it is typed, what it takes, what it says of itself. Help, completion and the
 * reader of the command line all follow from here.
 */

interface Described {
  /** What it does, for the help of commands that have no words of their own for it. */
  readonly about: string;
}

/** Named or not. */
export interface Switch extends Described {
  readonly kind: 'switch';
}

/** Something that is on until `--no-NAME` is given. */
export interface OffSwitch extends Described {
  readonly kind: 'off-switch';
}

/** What a shell may complete a value with. */
export type Completes = 'file' | 'nothing';

interface Valued extends Described {
  /** Stands for the value: `FILE`. */
  readonly value: string;
  /** A value that could be meant, for messages. */
  readonly example: string;
}

export interface TextFlag extends Valued {
  readonly kind: 'text';
  readonly completes: Completes;
}

/** A whole number. */
export interface NumberFlag extends Valued {
  readonly kind: 'number';
  readonly least: number;
}

export interface ChoiceFlag extends Valued {
  readonly kind: 'choice';
  readonly choices: readonly [string, string];
}

export type Flag = Switch | OffSwitch | TextFlag | NumberFlag | ChoiceFlag;

export const flags = {
  config: {
    kind: 'text',
    value: 'FILE',
    example: 'cfg.json',
    completes: 'file',
    about: 'the config; else $RR_CONFIG, else ./cfg.json',
  },
  redis: {
    kind: 'text',
    value: 'URL',
    example: 'redis://localhost:6379/0',
    completes: 'nothing',
    about:
      'use this Redis instead of the one in the config or $REDIS_URL: redis://[user:password@]host:port/db, rediss:// for TLS, unix:///path/to.sock',
  },
  namespace: {
    kind: 'text',
    value: 'NAME',
    example: 'resque',
    completes: 'nothing',
    about: 'prefix of the keys; else the config\'s, else "resque"',
  },
  logFormat: {
    kind: 'choice',
    value: 'FORMAT',
    example: 'json',
    choices: ['pretty', 'json'],
    about: 'pretty or json: the log instead of the screen; by default pretty on a terminal',
  },
  drain: { kind: 'switch', about: 'exit once every queue is empty and no job runs' },
  ui: { kind: 'off-switch', about: 'log lines only, also on a terminal; so does --log-format' },
  socket: {
    kind: 'text',
    value: 'PATH',
    example: '/run/user/1000/resque-runner/4431-9f2c1a.sock',
    completes: 'file',
    about: 'where `attach` finds this runner, instead of your own runtime directory',
  },
  readOnly: { kind: 'switch', about: 'look, change nothing' },
  repair: {
    kind: 'switch',
    about:
      'repair what it finds in Redis, and say how; without it nothing is written. It also ends programs that dead runners of this machine left: run it as the user of the runners',
  },
  /** Between the user interface and the engine that it starts: no command shows it. */
  linkFd: { kind: 'number', value: 'FD', example: '3', least: 0, about: '' },
  json: { kind: 'switch', about: 'one JSON document instead of text' },
  watch: { kind: 'switch', about: 'repeat until Ctrl-C' },
  interval: {
    kind: 'number',
    value: 'SECONDS',
    example: '2',
    least: 1,
    about: 'with --watch: seconds between two updates; 2 by default',
  },
  yes: { kind: 'switch', about: "don't ask; required without a terminal" },
  queue: {
    kind: 'text',
    value: 'QUEUE',
    example: 'mail',
    completes: 'nothing',
    about: 'failures of this queue; * stands for anything',
  },
  class: {
    kind: 'text',
    value: 'CLASS',
    example: 'SendMail',
    completes: 'nothing',
    about: 'failures of jobs with this in their class',
  },
  exception: {
    kind: 'text',
    value: 'NAME',
    example: 'TimeoutError',
    completes: 'nothing',
    about: "failures with this in their exception's name",
  },
  exit: {
    kind: 'text',
    value: 'CODE',
    example: '137',
    completes: 'nothing',
    about: 'failures with this exit code or signal',
  },
  text: {
    kind: 'text',
    value: 'WORDS',
    example: '"user 7"',
    completes: 'nothing',
    about: 'failures with this in class, args, exception, error, queue or worker',
  },
  all: { kind: 'switch', about: 'every failure on the list' },
  limit: { kind: 'number', value: 'N', example: '20', least: 1, about: 'how many at most; 20 by default' },
  before: {
    kind: 'number',
    value: 'INDEX',
    example: '480',
    least: 0,
    about: 'the next page: only failures with a lower index',
  },
  fromFailed: {
    kind: 'text',
    value: 'ID',
    example: 'last',
    completes: 'nothing',
    about:
      'the job of a failure, by the ID that `failed list` shows, or last for the newest; looks it up in Redis',
  },
  file: {
    kind: 'text',
    value: 'FILE',
    example: 'jobs.ndjson',
    completes: 'file',
    about: 'one job per line, each {"class": …, "args": […]}; - for STDIN',
  },
  count: {
    kind: 'number',
    value: 'N',
    example: '1000',
    least: 1,
    about: 'how many times to enqueue the job',
  },
  atHead: { kind: 'switch', about: 'ahead of the waiting jobs instead of behind them' },
  fromLine: {
    kind: 'number',
    value: 'LINE',
    example: '1001',
    least: 1,
    about: 'with --file: begin there, counted from 1',
  },
  resume: {
    kind: 'text',
    value: 'ID',
    example: '3fa9c1d2',
    completes: 'nothing',
    about: 'go on where an interrupted enqueue stopped; it printed the ID, which is valid for a day',
  },
  script: {
    kind: 'text',
    value: 'PATH',
    example: './job.sh',
    completes: 'file',
    about: 'the program that runs the jobs',
  },
  force: { kind: 'switch', about: 'overwrite an existing file' },
} as const satisfies Record<string, Flag>;

export type FlagName = keyof typeof flags;

type ValueOf<F extends Flag> = F extends Switch | OffSwitch
  ? boolean
  : F extends ChoiceFlag
    ? F['choices'][number] | null
    : F extends NumberFlag
      ? number | null
      : string | null;

/** Flags of all commands; each command takes some of them. `null`: not given. */
export type Flags = { readonly [Name in FlagName]: ValueOf<(typeof flags)[Name]> };

/** `logFormat` as it is typed: `--log-format`. What is on by itself is typed to be off. */
export function optionOf(name: FlagName): string {
  const dashed = dashedName(name);
  return flags[name].kind === 'off-switch' ? `--no-${dashed}` : `--${dashed}`;
}

/** `logFormat` → `log-format` */
function dashedName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
