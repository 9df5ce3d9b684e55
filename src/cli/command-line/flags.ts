/** The table of all flags: name, kind of value, and description. Help, completion and the parser all use it. */
interface Described {
  /** Description in the help of commands that have none of their own for it. */
  readonly about: string;
}

/** Off until it is given. */
export interface Switch extends Described {
  readonly kind: 'switch';
}

/** On until `--no-NAME` is given. */
export interface OffSwitch extends Described {
  readonly kind: 'off-switch';
}

/** How a shell completes a value. */
export type Completes = 'file' | 'nothing';

interface Valued extends Described {
  /** Placeholder of the value: `FILE`. */
  readonly value: string;
  /** A sample value, for messages. */
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
  /** The value if none is given. Left out if a value is required. */
  readonly otherwise?: number;
}

export interface ChoiceFlag extends Valued {
  readonly kind: 'choice';
  readonly choices: readonly [string, string, ...string[]];
}

export type Flag = Switch | OffSwitch | TextFlag | NumberFlag | ChoiceFlag;

export const flags = {
  config: {
    kind: 'text',
    value: 'FILE',
    example: 'cfg.json',
    completes: 'file',
    about: 'the config; by default $RR_CONFIG, then ./cfg.json',
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
    about: 'prefix of the keys; by default the one in the config, or "resque"',
  },
  logFormat: {
    kind: 'choice',
    value: 'FORMAT',
    example: 'json',
    choices: ['pretty', 'json', 'logfmt'],
    about:
      'print a log instead of the screen: pretty (default on a terminal), json (default elsewhere) or logfmt',
  },
  logLevel: {
    kind: 'choice',
    value: 'LEVEL',
    example: 'warn',
    choices: ['info', 'warn', 'error'],
    about:
      'print a log instead of the screen, only lines of this level and above: info (default), warn or error',
  },
  drain: { kind: 'switch', about: 'exit when every queue is empty and no job is running' },
  ui: {
    kind: 'off-switch',
    about: 'log lines only, even on a terminal; --log-format and --log-level do the same',
  },
  mouse: {
    kind: 'off-switch',
    about: 'leave the mouse to the terminal, which then selects text by itself',
  },
  socket: {
    kind: 'text',
    value: 'PATH',
    example: '/run/user/1000/resque-runner/4431-9f2c1a.sock',
    completes: 'file',
    about: 'create the socket for `attach` here instead of in your runtime directory',
  },
  metrics: {
    kind: 'text',
    value: 'ADDRESS',
    example: '127.0.0.1:9464',
    completes: 'nothing',
    about:
      'serve metrics for Prometheus and health checks over HTTP at HOST:PORT or unix:PATH; overrides "metrics" in the config',
  },
  wait: { kind: 'switch', about: 'without a runner, wait for the first one' },
  readOnly: { kind: 'switch', about: 'view only; change nothing' },
  ready: { kind: 'switch', about: 'test whether it is ready to take jobs, not only whether it is alive' },
  quiet: {
    kind: 'switch',
    about: 'no bell and no title of the terminal when there is trouble; `:bell` turns them on',
  },
  repair: {
    kind: 'switch',
    about:
      "repair problems in Redis, and report each repair; without --repair, nothing is written. It also ends programs that dead runners left on this machine; run it as the runners' user",
  },
  /** Internal: connects the screen to the engine that it starts. Help doesn't show it. */
  linkFd: { kind: 'number', value: 'FD', example: '3', least: 0, about: '' },
  json: { kind: 'switch', about: 'one JSON document instead of text' },
  watch: { kind: 'switch', about: 'repeat until Ctrl-C' },
  interval: {
    kind: 'number',
    value: 'SECONDS',
    example: '2',
    least: 1,
    about: 'with --watch: seconds between updates; 2 by default',
  },
  yes: { kind: 'switch', about: "don't ask; required without a terminal" },
  queue: {
    kind: 'text',
    value: 'QUEUE',
    example: 'mail',
    completes: 'nothing',
    about: 'only failures of this queue; * matches anything',
  },
  class: {
    kind: 'text',
    value: 'CLASS',
    example: 'SendMail',
    completes: 'nothing',
    about: 'only failures whose class contains this',
  },
  exception: {
    kind: 'text',
    value: 'NAME',
    example: 'TimeoutError',
    completes: 'nothing',
    about: 'only failures whose exception contains this',
  },
  exit: {
    kind: 'text',
    value: 'CODE',
    example: '137',
    completes: 'nothing',
    about: 'only failures with this exit code or signal',
  },
  text: {
    kind: 'text',
    value: 'WORDS',
    example: '"user 7"',
    completes: 'nothing',
    about: 'only failures with this in class, args, exception, error, queue or worker',
  },
  olderThan: {
    kind: 'text',
    value: 'DURATION',
    example: '30d',
    completes: 'nothing',
    about: 'only jobs that failed longer ago than this: 30s, 5m, 12h, 30d or 2w',
  },
  all: { kind: 'switch', about: 'every failure on the list' },
  limit: { kind: 'number', value: 'N', example: '20', least: 1, about: 'maximum number; 20 by default' },
  before: {
    kind: 'number',
    value: 'INDEX',
    example: '480',
    least: 0,
    about: 'only failures with a lower index, for the next page',
  },
  args: {
    kind: 'text',
    value: 'TEXT',
    example: 'bob@example.org',
    completes: 'nothing',
    about: 'only jobs whose args, as JSON, contain this',
  },
  after: {
    kind: 'text',
    value: 'PLACE',
    example: '1795533619:20',
    completes: 'nothing',
    about: 'only jobs after this place, for the next page',
  },
  fromFailed: {
    kind: 'text',
    value: 'ID',
    example: 'last',
    completes: 'nothing',
    about: 'run the job of this failure in Redis: an ID from `failed list`, or last for the newest',
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
    about: 'enqueue the job this many times',
  },
  in: {
    kind: 'text',
    value: 'DURATION',
    example: '10m',
    completes: 'nothing',
    about: 'delay the jobs by this: 30s, 10m, 12h, 30d or 2w',
  },
  at: {
    kind: 'text',
    value: 'TIME',
    example: '2026-12-01T09:00',
    completes: 'nothing',
    about:
      'delay the jobs until this time: 2026-12-01T09:00 in local time, or with a zone such as +01:00 or Z',
  },
  unique: {
    kind: 'number',
    value: 'SECONDS',
    example: '600',
    least: 1,
    // As node-resque's QueueLock.
    otherwise: 3_600,
    about: 'enqueue only if the same job is not waiting; the lock lasts for SECONDS, 3600 by default',
  },
  atHead: { kind: 'switch', about: 'ahead of the waiting jobs, not after them' },
  fromLine: {
    kind: 'number',
    value: 'LINE',
    example: '1001',
    least: 1,
    about: 'with --file: start at this line; the first one is 1',
  },
  resume: {
    kind: 'text',
    value: 'ID',
    example: '3fa9c1d2',
    completes: 'nothing',
    about: 'continue an interrupted enqueue; it printed the ID, which is valid for a day',
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

/** The flags of all commands; each command takes some of them. `null`: not given. */
export type Flags = { readonly [Name in FlagName]: ValueOf<(typeof flags)[Name]> };

/** `logFormat` as the user types it: `--log-format`. A flag that is on by default is typed as `--no-NAME`. */
export function optionOf(name: FlagName): string {
  const dashed = dashedName(name);
  return flags[name].kind === 'off-switch' ? `--no-${dashed}` : `--${dashed}`;
}

/** `logFormat` → `log-format` */
function dashedName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
