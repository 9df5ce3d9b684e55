/** All commands: what each takes, what its help says, and where it is. Loading this loads none of them. */
import type { Invocation } from './arguments.ts';

export type FlagName =
  | 'config'
  | 'redis'
  | 'namespace'
  | 'logFormat'
  | 'drain'
  | 'ui'
  | 'socket'
  | 'readOnly'
  | 'repair'
  | 'linkFd';

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
const logHelp = `--log-format FORMAT     pretty or json: the log instead of the screen; by default pretty on a terminal`;

export const commands = {
  run: {
    // `linkFd` is between the user interface and the engine that it starts.
    flags: ['redis', 'logFormat', 'drain', 'ui', 'socket', 'linkFd'],
    argumentCount: [0, 1],
    argumentsText: 'CONFIG',
    help: '',
    load: () => import('./start.ts'),
  },
  attach: {
    flags: ['socket', 'readOnly'],
    argumentCount: [0, 1],
    argumentsText: 'CONFIG',
    help: `resque-runner attach [CONFIG | --socket PATH] [--read-only]

Opens the screen of a runner that is running: of the one there is, of the one with this CONFIG, or of the one
that you choose. Leaving it with q leaves the runner as it is. Several screens may be open at once.

  --socket PATH           the runner's socket, where it isn't found by itself: another user's, another
                          temporary directory
  --read-only             look, change nothing

  resque-runner attach
  resque-runner attach /etc/resque-runner/cfg.json --read-only`,
    load: () => import('./attach.ts'),
  },
  check: {
    flags: ['redis', 'repair'],
    argumentCount: [0, 1],
    argumentsText: 'CONFIG',
    help: `resque-runner check [CONFIG] [--repair] [--redis URL]

Tests the config, Redis (reachable, version, latency, permissions), each script, and what Redis holds of
workers, failures and queues: workers that died, entries that break resque-web, heartbeats that kill Ruby
workers, jobs that nobody has any more. A verdict a line.
Exits 0 when nothing is wrong or all of it was repaired, 1 when not.

  --repair                mends what it found in Redis, and says how; without it nothing is written. It ends
                          programs that dead runners of this machine left: do it as the user of the runners
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
    flags: ['logFormat', 'ui'],
    argumentCount: [0, 0],
    argumentsText: '',
    help: `resque-runner demo [--no-ui] [--log-format FORMAT]

Starts a private Redis and runs example jobs until q or Ctrl-C; leaves nothing behind.

  --no-ui                 log lines only
  ${logHelp}`,
    load: () => import('./demo.ts'),
  },
} as const satisfies Record<string, CommandSpec>;

export type CommandName = keyof typeof commands;

export const programHelp = `resque-runner: waits on Resque queues and starts a program for each job.

  resque-runner [CONFIG]                     run, with a screen where there is a terminal
  resque-runner attach [CONFIG]              the screen of a runner that is running
  resque-runner check [CONFIG] [--repair]    test config, Redis and scripts, mend what died or breaks others
  resque-runner enqueue QUEUE CLASS [ARG…]   put a job on a queue
  resque-runner demo                         a private Redis and example jobs, no set-up
  resque-runner COMMAND --help               more about a command

CONFIG is the argument, else $RR_CONFIG, else ./cfg.json.

  ${redisHelp}
  --drain                 exit once every queue is empty and no job runs
  ${logHelp}
  --no-ui                 log lines only, also on a terminal; so does --log-format
  --socket PATH           where \`attach\` finds this runner, instead of your own runtime directory
  --help, --version

Signals: QUIT waits for running jobs; TERM and INT give them a moment, a second one none; HUP reads the
config again; USR1 kills running jobs; USR2 pauses, CONT resumes.
Exit codes: 0 clean, 1 something outside failed, 2 a mistake in command line or config.`;
