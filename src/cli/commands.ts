/** All commands: what each takes, what its help says, and where it is. Loading this loads none of them. */
import type { Invocation } from './arguments.ts';

export type FlagName = 'config' | 'redis' | 'namespace' | 'logFormat' | 'drain' | 'ui';

/** What a command gets to know. */
export interface CommandContext {
  readonly invocation: Invocation;
  readonly version: string;
}

/** @returns the exit code. @throws UsageError, OperatingError */
export type RunCommand = (context: CommandContext) => Promise<number>;

export interface CommandSpec {
  readonly flags: readonly FlagName[];
  /** Least and most. */
  readonly argumentCount: readonly [number, number];
  /** The arguments, for messages. */
  readonly argumentsText: string;
  readonly help: string;
  readonly load: () => Promise<{ readonly run: RunCommand }>;
}

const redisHelp = `--redis URL             this Redis, whatever the config says: redis://[user:password@]host:port/db,
                          rediss:// for TLS, unix:///path/to.sock`;
const logHelp = `--log-format FORMAT     pretty or json; by default pretty on a terminal`;

export const commands = {
  run: {
    flags: ['redis', 'logFormat', 'drain', 'ui'],
    argumentCount: [0, 1],
    argumentsText: 'CONFIG',
    help: '',
    load: () => import('./start.ts'),
  },
  check: {
    flags: ['redis'],
    argumentCount: [0, 1],
    argumentsText: 'CONFIG',
    help: `resque-runner check [CONFIG] [--redis URL]

Tests the config, Redis (reachable, version, latency, permissions) and each script, a verdict a line.
Exits 0 when a runner could work with them, 1 when not.

  ${redisHelp}`,
    load: () => import('./check.ts'),
  },
  enqueue: {
    flags: ['config', 'redis', 'namespace'],
    argumentCount: [2, Number.POSITIVE_INFINITY],
    argumentsText: 'a QUEUE and a CLASS',
    help: `resque-runner enqueue QUEUE CLASS [ARG…] [--config FILE] [--redis URL] [--namespace NAME]

Puts a job on a queue, as any Resque client would. An ARG that is JSON counts as JSON, anything else as a
string. After "--" an ARG may begin with "-".

  --config FILE           where Redis and namespace are taken from; else $RR_CONFIG, else ./cfg.json,
                          else Redis on localhost:6379
  ${redisHelp}
  --namespace NAME        prefix of the keys, "resque" by default

  resque-runner enqueue mail SendMail bob@example.org '{"urgent": true}' 3`,
    load: () => import('./enqueue.ts'),
  },
  demo: {
    flags: ['logFormat'],
    argumentCount: [0, 0],
    argumentsText: '',
    help: `resque-runner demo [--log-format FORMAT]

Starts a private Redis and runs example jobs until Ctrl-C; leaves nothing behind.

  ${logHelp}`,
    load: () => import('./demo.ts'),
  },
} as const satisfies Record<string, CommandSpec>;

export type CommandName = keyof typeof commands;

export const programHelp = `resque-runner: waits on Resque queues and starts a program for each job.

  resque-runner [CONFIG]                     run
  resque-runner check [CONFIG]               test config, Redis and scripts
  resque-runner enqueue QUEUE CLASS [ARG…]   put a job on a queue
  resque-runner demo                         a private Redis and example jobs, no set-up
  resque-runner COMMAND --help               more about a command

CONFIG is the argument, else $RR_CONFIG, else ./cfg.json.

  ${redisHelp}
  --drain                 exit once every queue is empty and no job runs
  ${logHelp}
  --no-ui                 log lines only
  --help, --version

Signals: QUIT waits for running jobs; TERM and INT give them a moment, a second one none; HUP reads the
config again; USR1 kills running jobs; USR2 pauses, CONT resumes.
Exit codes: 0 clean, 1 something outside failed, 2 a mistake in command line or config.`;
