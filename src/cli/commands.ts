/**
 * The table of all commands: arguments, flags, help and the module to load. Help, completion, docs/commands.md and the
 * parser of the command line all use it. Loading this file loads no command.
 *
 * Long because it is one table.
 */
import type { Argument, CommandSpec } from './command-line/command-spec.ts';
import type { FlagName } from './command-line/flags.ts';

const config: Argument = { name: 'CONFIG', isOptional: true, completes: 'file' };
const queue: Argument = { name: 'QUEUE', completes: 'nothing' };
const delayedJobs: Argument = { name: 'ID', isOptional: true, isRepeated: true, completes: 'nothing' };
const failures: Argument = { name: 'ID', isOptional: true, isRepeated: true, completes: ['last'] };

/** For commands that read Redis. */
const whereFlags = ['config', 'redis', 'namespace'] as const satisfies FlagName[];
const filterFlags = [
  'queue',
  'class',
  'exception',
  'exit',
  'text',
  'olderThan',
] as const satisfies FlagName[];

const delayedFilterFlags = ['queue', 'class', 'args'] as const satisfies FlagName[];
const delayedFlagWords = {
  queue: 'only jobs of this queue; * matches anything',
  class: 'only jobs whose class contains this',
  all: 'every delayed job',
} as const;

/** For commands that change a runner. */
const runnerFlags = ['config', 'socket', 'json'] as const satisfies FlagName[];
const runnerFlagWords = {
  socket: "the runner's socket; without it, the config selects the runner",
} as const;
const keptWhere = 'for 30 days, in Redis, per host and config';
const runnerText = `It changes the runner of this config (--config, $RR_CONFIG or ./cfg.json), or all of them if there are several.
Without a config, it changes your only runner. It waits until the runner has applied the change. Repeating the command
changes nothing. Exits 1 if no runner is running, 2 if the runner has no such queue.`;

const idText = `\`failed list\` shows the ID of each failure, such as 12@3fa9c1d2: its index in the list and a check of the entry. If
other programs change the list, the command still finds the entry, or reports that it is gone. \`last\` is the newest failure,
at the top of \`failed list\`. Index 0 is the oldest failure. An index alone is safe only if no other program changes the list.`;

const delayedIdText = `\`delayed list\` shows the ID of each job, such as 1795533619@3fa9c1d2: its time and a check of its bytes. Equal jobs that are
due at the same time share an ID; the command changes all of them. It looks up all IDs before it changes anything. Exits 1
if a job is gone by then.`;

const table = {
  run: {
    summary: 'run jobs; on a terminal, show a screen',
    arguments: [config],
    flags: ['config', 'redis', 'drain', 'logFormat', 'logLevel', 'ui', 'mouse', 'quiet', 'socket', 'metrics'],
    hiddenFlags: ['linkFd'],
    about: '',
    examples: ['cfg.json', 'cfg.json --no-ui --log-format json'],
    load: () => import('./run/start.ts'),
  },
  attach: {
    summary: 'open the screen of a runner',
    arguments: [config],
    flags: ['config', 'socket', 'wait', 'readOnly', 'mouse', 'quiet'],
    flagWords: {
      socket: "the runner's socket, if it is in another directory or, for root, another user's",
    },
    about: `Opens the screen of the runner of this config (CONFIG, $RR_CONFIG or ./cfg.json). Without a config, it opens the
screen of your runner; if you have several, you choose one. q closes the screen and leaves the runner running; Q asks
whether to stop the runner. Several screens can be open at once.

If the runner ends, the screen stays and waits for the next runner of this config, or at this --socket. Esc leaves.`,
    examples: ['attach', 'attach --wait', 'attach /etc/resque-runner/cfg.json --read-only'],
    load: () => import('./control/attach.ts'),
  },
  pause: {
    summary: 'stop taking jobs from a queue until resume',
    arguments: [{ name: 'QUEUE', isOptional: true, isRepeated: true, completes: 'nothing' }],
    flags: ['all', ...runnerFlags],
    flagWords: { all: 'every queue of the runner, including new ones', ...runnerFlagWords },
    about: `Stops a runner from taking jobs from these queues. Running jobs continue. A pause lasts until \`resume\`,
also over a restart (${keptWhere}). Other workers are not affected.

${runnerText}`,
    examples: ['pause mail images', 'pause --all --config /etc/resque-runner/cfg.json'],
    load: () => import('./control/control-commands.ts').then(({ pause }) => ({ run: pause })),
  },
  resume: {
    summary: 'take jobs from a paused queue again',
    arguments: [{ name: 'QUEUE', isOptional: true, isRepeated: true, completes: 'nothing' }],
    flags: ['all', ...runnerFlags],
    flagWords: {
      all: 'end `pause --all`; queues that were paused by name stay paused',
      ...runnerFlagWords,
    },
    about: `Ends the pause of these queues. A queue stays paused if there is another reason, such as a script that can't be
started. The command prints that reason.

${runnerText}`,
    examples: ['resume mail images', 'resume --all'],
    load: () => import('./control/control-commands.ts').then(({ resume }) => ({ run: resume })),
  },
  slots: {
    summary: 'change how many jobs of a queue can run at once',
    arguments: [queue, { name: 'N', completes: 'nothing' }],
    flags: [...runnerFlags],
    flagWords: runnerFlagWords,
    about: `Sets the slots of the entry of "runners" that QUEUE belongs to. QUEUE can also be the entry itself, such as
"image_*". If more jobs are running than the new number allows, they continue. The change lasts until \`reset\`, also over HUP
and a restart (${keptWhere}).

${runnerText}`,
    examples: ['slots mail 10', 'slots "image_*" 2 --json'],
    load: () => import('./control/control-commands.ts').then(({ slots }) => ({ run: slots })),
  },
  reset: {
    summary: 'go back to the config: end pauses, reset slots',
    arguments: [{ name: 'QUEUE', isOptional: true, isRepeated: true, completes: 'nothing' }],
    flags: ['all', ...runnerFlags],
    flagWords: { all: 'everything that was set by hand', ...runnerFlagWords },
    about: `Ends pauses and resets slots that were set by hand, with \`pause\` and \`slots\` or on the screen. QUEUE can also be an
entry of "runners", such as "image_*": its slots, and the pauses of all its queues. A queue stays paused if there is another
reason, such as a script that can't be started. The command prints that reason.

${runnerText}`,
    examples: ['reset mail', 'reset --all'],
    load: () => import('./control/control-commands.ts').then(({ reset }) => ({ run: reset })),
  },
  health: {
    summary: 'test whether a runner is alive, or ready',
    arguments: [{ ...config, shown: 'CONFIG|PID' }],
    flags: ['ready', 'config', 'socket'],
    flagWords: { socket: "the runner's socket, instead of a CONFIG or PID" },
    about: `For health checks of containers. Asks the runner of this config (CONFIG, $RR_CONFIG or ./cfg.json), or the one with this
process id; without either, your only runner. Exits 0 if it is healthy. Exits 1 with the reason on STDERR if it is not, if no
runner is running, or if it doesn't answer within 2 seconds.

A runner is alive if it answers and isn't stuck, even during an outage of Redis. It is ready if it is alive, Redis is usable and
the runner isn't stopping. A Redis that hangs is noticed within 14 seconds.`,
    examples: ['health', 'health --ready --socket /run/resque-runner/runner.sock'],
    load: () => import('./control/health.ts'),
  },
  check: {
    summary: 'test config, Redis and scripts; repair data in Redis',
    arguments: [config],
    flags: ['config', 'redis', 'repair', 'json'],
    about: `Tests the config, Redis (connection, version, latency, permissions), each script, and the data of workers, failures
and queues in Redis. It finds dead workers and their jobs, entries that break resque-web, and heartbeats that crash Ruby
workers. Prints one line per result. Exits 0 if there is no problem or all are repaired, otherwise 1.`,
    examples: ['check', 'check /etc/resque-runner/cfg.json --repair'],
    load: () => import('./check/check-command.ts'),
  },
  config: {
    summary: 'show the effective config, and where each value comes from',
    arguments: [config],
    flags: ['config', 'redis', 'json'],
    about: `Prints every field of the config as a runner would use it, with defaults and absolute paths, and where its value comes
from: the line of a file and its environment variables, a flag, $REDIS_URL, or the default. It needs no Redis.

Passwords are masked. So are values of "env" that come from the environment, or whose names look like a secret. If the config
has mistakes, it lists them and exits 2.`,
    examples: ['config', 'config /etc/resque-runner/cfg.json --json'],
    load: () => import('./config/config-command.ts'),
  },
  exec: {
    summary: 'run one job through its script as a worker would, without Redis',
    arguments: [
      queue,
      {
        name: 'FILE',
        shown: 'FILE|ARG',
        isOptional: true,
        isRepeated: true,
        completes: 'file',
      },
    ],
    flags: ['class', 'fromFailed', 'watch', 'json', ...whereFlags],
    flagWords: {
      class: 'run a job of this class with the ARGs, instead of a FILE',
      watch: 'run it again when the script, the config or FILE changes, until Ctrl-C',
      redis: "with --from-failed: use this Redis instead of the config's",
      json: "print the result as one JSON document on STDOUT; the job's output goes to STDERR",
    },
    about: `Runs one job through the script of QUEUE as a worker would: with the same command line, STDIN, environment and
timeout. It prints the job's output as it arrives, then the exit code or signal, duration, CPU time and peak memory. It
also shows the failure record that Redis would get, and what resque-web would show. It writes nothing to Redis.

FILE holds the job: {"class": …, "args": […]}. A line break at its end is ignored. Without FILE, or if FILE is -, the job
comes from STDIN.

The exit code is the job's. It is 128 plus the signal's number if a signal ended the job, 124 after a timeout, and 1 if
the job failed in another way or didn't start. Ctrl-C stops the job like the shutdown of a worker: TERM, then KILL after
"killAfter". A second Ctrl-C kills it immediately. The exit code is then 130, or 143 after TERM.

With --watch, a change during a run stops that run and starts the job again.`,
    examples: [
      'exec mail job.json',
      'exec mail --class SendMail bob@example.org \'{"urgent": true}\'',
      'exec mail job.json --watch',
      'exec mail --from-failed last',
    ],
    load: () => import('./exec/exec-command.ts'),
  },
  enqueue: {
    summary: 'put a job, or a file of jobs, on a queue',
    arguments: [
      queue,
      { name: 'CLASS', isOptional: true, completes: 'nothing' },
      { name: 'ARG', isOptional: true, isRepeated: true, completes: 'nothing' },
    ],
    flags: ['file', 'count', 'in', 'at', 'atHead', 'unique', 'fromLine', 'resume', 'json', ...whereFlags],
    flagWords: {
      atHead:
        'ahead of the waiting jobs; a FILE keeps its order and goes in one step: at most 100,000 jobs, 64 MiB',
    },
    about: `Puts jobs on a queue like any Resque client. An ARG that is valid JSON is passed as JSON. Any other ARG is passed
as a string, with a warning if it looks like JSON. After "--", an ARG can begin with "-". If neither the config nor a
registered worker takes jobs from QUEUE, the job is still enqueued, with a warning on STDERR.

With --file, each line is a job and goes to the queue byte for byte. The whole file is checked first: if it has invalid
lines, they are listed and nothing is enqueued. STDIN and pipes can't be checked first: their jobs are enqueued up to the
first invalid line. After you fix it, --from-line continues there.

With --in or --at, jobs wait until they are due. Then a scheduler moves them to the queue: a runner with
"scheduler": "on", or one of another Resque client. A delayed job keeps only its class and args.

With --unique, the job takes a lock of its queue, class and args, the same as node-resque's QueueLock. While the lock
exists, the same job isn't enqueued, and the command exits with 3. A worker releases the lock when it takes the job: a
runner with "locks": ["node"], or a node-resque worker with this plugin. Otherwise the lock expires after SECONDS. A whole
number after --unique is always its SECONDS. --unique can't be combined with --count, --file, --in or --at.

If the connection is lost, enqueue waits up to 30 seconds for Redis. No job is enqueued twice or skipped. If it gives up,
or after Ctrl-C, it prints a --resume ID. The same command with that ID continues. With --json, STDOUT then says how many
jobs were enqueued.`,
    examples: [
      'enqueue mail SendMail bob@example.org \'{"urgent": true}\' 3',
      'enqueue mail --file jobs.ndjson',
      'enqueue mail SendMail bob@example.org --count 1000 --at-head',
      'enqueue mail SendMail bob@example.org --in 10m',
      'enqueue mail Newsletter --unique',
    ],
    load: () => import('./enqueue/enqueue-command.ts'),
  },
  'failed list': {
    summary: 'list failures, newest first',
    arguments: [],
    flags: [...filterFlags, 'limit', 'before', 'json', ...whereFlags],
    about: `Lists failures, newest first. A failure must match all filters. Filters ignore case.

On a terminal it prints a table, cut to the terminal's width, and the command for the next page. Otherwise it prints one
uncut line per failure with tabs between its fields: ID, failed at, retried at, queue, class, args, exception and error.
With --json, "next" is the --before of the next page, or null. Texts over 64 KiB are cut; \`failed show\` prints them whole.`,
    examples: [
      'failed list --queue mail --exception Timeout',
      'failed list --json --limit 1000 --redis redis://localhost:6379/0',
    ],
    load: () => import('./failed/list.ts'),
  },
  'failed show': {
    summary: 'show one failure with all details',
    arguments: [{ name: 'ID', isOptional: true, completes: ['last'] }],
    flags: ['json', ...whereFlags],
    flagWords: { json: 'the record byte for byte as in Redis; if it is not JSON, an object that says so' },
    about: `Shows a failure: its job, exception, error, backtrace and output. Without an ID, it shows the newest failure.

${idText}`,
    examples: ['failed show', 'failed show 12@3fa9c1d2 --json'],
    load: () => import('./failed/show.ts'),
  },
  'failed retry': {
    summary: 'put failed jobs back on their queues',
    arguments: [failures],
    flags: [...filterFlags, 'all', 'yes', 'json', ...whereFlags],
    flagWords: { all: 'every failure that was not retried yet' },
    about: `Puts jobs back on their queues, byte for byte, and marks the failures as retried. Select failures by ID, by filters,
or with --all. With a filter or --all, it skips failures that were already retried, says how many remain, and asks. Jobs
that fail after the question are left alone. Ctrl-C stops it between two steps; it says how many were retried.

${idText}
It looks up all IDs before it changes anything. Exits 1 if an entry is gone by then or can't be retried.`,
    examples: [
      'failed retry last',
      'failed retry 12@3fa9c1d2',
      'failed retry --queue mail --exception Timeout --yes',
    ],
    load: () => import('./failed/change.ts').then(({ retry }) => ({ run: retry })),
  },
  'failed remove': {
    summary: 'delete failures and their jobs',
    arguments: [failures],
    flags: [...filterFlags, 'all', 'yes', 'json', ...whereFlags],
    about: `Deletes failures and their jobs. Select failures by ID, by filters, or with --all. It says how many there are, and
asks. Jobs that fail after the question are left alone. Ctrl-C stops it between two steps; it says how many were deleted.

--older-than uses the time in the failure. It keeps failures without a readable time, and says how many there are.

${idText}
It looks up all IDs before it changes anything. Exits 1 if an entry is gone by then.`,
    examples: ['failed remove 12@3fa9c1d2', 'failed remove --class Newsletter --older-than 30d --yes'],
    load: () => import('./failed/change.ts').then(({ remove }) => ({ run: remove })),
  },
  'failed clear': {
    summary: 'delete all failures and their jobs',
    arguments: [],
    flags: ['yes', 'json', ...whereFlags],
    about:
      'Deletes all failures that are on the list now, and their jobs. It says how many there are, and asks.',
    examples: ['failed clear', 'failed clear --yes --namespace staging'],
    load: () => import('./failed/change.ts').then(({ clear }) => ({ run: clear })),
  },
  'delayed list': {
    summary: 'list delayed jobs, the next one first',
    arguments: [],
    flags: [...delayedFilterFlags, 'limit', 'after', 'json', ...whereFlags],
    flagWords: delayedFlagWords,
    about: `Lists jobs that wait for their time, by the time when they are due, whichever Resque client delayed them. A job must
match all filters. Filters ignore case.

On a terminal it prints a table, cut to the terminal's width, and the command for the next page. "!" marks jobs that are
overdue. Otherwise it prints one uncut line per job with tabs between its fields: ID, due at, queue, class and args. With
--json, "next" is the --after of the next page, or null.`,
    examples: [
      'delayed list --queue mail',
      'delayed list --json --limit 1000 --redis redis://localhost:6379/0',
    ],
    load: () => import('./delayed/list.ts'),
  },
  'delayed run': {
    summary: 'move delayed jobs to their queues now',
    arguments: [delayedJobs],
    flags: [...delayedFilterFlags, 'all', 'yes', 'json', ...whereFlags],
    flagWords: delayedFlagWords,
    about: `Moves jobs to the ends of their queues before they are due, byte for byte. Select jobs by ID, by filters, or with
--all. With a filter or --all, it says how many there are, and asks. Ctrl-C stops it between two steps.

${delayedIdText}`,
    examples: ['delayed run 1795533619@3fa9c1d2', 'delayed run --queue mail --class Newsletter --yes'],
    load: () => import('./delayed/change.ts').then(({ run }) => ({ run })),
  },
  'delayed remove': {
    summary: 'delete delayed jobs',
    arguments: [delayedJobs],
    flags: [...delayedFilterFlags, 'all', 'yes', 'json', ...whereFlags],
    flagWords: delayedFlagWords,
    about: `Deletes jobs before they are due. Select jobs by ID, by filters, or with --all. It says how many there are, and asks.
Ctrl-C stops it between two steps.

${delayedIdText}`,
    examples: [
      'delayed remove 1795533619@3fa9c1d2',
      'delayed remove --class Newsletter --args bob@example.org',
    ],
    load: () => import('./delayed/change.ts').then(({ remove }) => ({ run: remove })),
  },
  'schedule list': {
    summary: 'list schedules, the next one first',
    arguments: [],
    flags: ['json', ...whereFlags],
    about: `Lists recurring jobs: the "schedules" of the config, and those that resque-scheduler keeps in Redis. Shows the next time of
each schedule, and when any scheduler last enqueued it.

On a terminal it prints a table. Otherwise it prints one line per schedule with tabs between its fields: name, cron line or
interval, next time, last time, queue, class, args, source (config or redis), and why it can't be enqueued.`,
    examples: ['schedule list', 'schedule list --json --config /etc/resque-runner/cfg.json'],
    load: () => import('./schedule/schedule-commands.ts').then(({ list }) => ({ run: list })),
  },
  'schedule run': {
    summary: 'enqueue the job of a schedule now',
    arguments: [{ name: 'NAME', completes: 'nothing' }],
    flags: ['json', ...whereFlags],
    about: `Puts the job of a schedule on its queue now, and says so. If the schedule is "unique" and the same job is still waiting,
it enqueues nothing. The times of the schedule don't change. NAME is a schedule of the config or in Redis.`,
    examples: ['schedule run nightly', 'schedule run nightly --json'],
    load: () => import('./schedule/schedule-commands.ts').then(({ run }) => ({ run })),
  },
  status: {
    summary: 'show queues, workers of every kind and running jobs',
    arguments: [config],
    flags: ['config', 'watch', 'interval', 'json', 'redis', 'namespace'],
    flagWords: { json: 'one JSON document instead of text; with --watch, one per line' },
    about: `Shows data from Redis: queues and their waiting jobs, workers of every kind and host, and running jobs with their
age. "!" marks problems: a queue with jobs but no worker, a script that can't be started, a worker that is dead or has been
silent for five minutes. WORKERS shows the slots in use and all slots. A paused queue shows the reason. The command writes
nothing to Redis.`,
    examples: ['status', 'status --watch --interval 5', 'status --json --redis redis://localhost:6379/0'],
    load: () => import('./status/status-command.ts'),
  },
  init: {
    summary: 'write a cfg.json: ask questions and test the answers',
    arguments: [{ name: 'FILE', isOptional: true, completes: 'file' }],
    flags: ['redis', 'queue', 'script', 'namespace', 'yes', 'force'],
    flagWords: {
      redis: 'the Redis with the jobs: host:port, a URL, or `embedded` for a private one',
      queue: 'the queue to take jobs from',
      namespace: 'prefix of the keys; "resque" by default',
      yes: "don't ask; missing flags get the template's values",
    },
    about: `Writes a config. It asks for Redis, a queue and the script, and tests each answer. Without a terminal it doesn't ask:
missing flags get the template's values. FILE is cfg.json by default. An existing file is overwritten only with --force.`,
    examples: ['init', 'init --redis redis://localhost:6379/0 --queue mail --script ./job.sh --yes'],
    load: () => import('./init/init-command.ts'),
  },
  demo: {
    summary: 'run example jobs on a private Redis, without any setup',
    arguments: [],
    flags: ['logFormat', 'logLevel', 'ui', 'mouse', 'quiet'],
    flagWords: { ui: 'log lines only' },
    about:
      'Starts a private Redis and runs example jobs until q or Ctrl-C. It removes all its files at the end.',
    examples: ['demo', 'demo --no-ui'],
    load: () => import('./run/demo.ts'),
  },
  completion: {
    summary: 'print the completion script for a shell',
    arguments: [{ name: 'SHELL', completes: ['bash', 'zsh', 'fish'] }],
    flags: [],
    about: `Prints a script that makes a shell complete commands, flags and values. SHELL is bash, zsh or fish:

  bash    in ~/.bashrc: eval "$(resque-runner completion bash)"
  zsh     in ~/.zshrc, after compinit: source <(resque-runner completion zsh)
  fish    once: resque-runner completion fish > ~/.config/fish/completions/resque-runner.fish`,
    examples: ['completion bash', 'completion fish'],
    load: () => import('./completion/completion-command.ts'),
  },
} as const satisfies Record<string, CommandSpec>;

export type CommandName = keyof typeof table;

/** Commands that have several actions, with their default action. */
export const groups = {
  failed: { summary: 'list, show, retry and remove failures', otherwise: 'failed list' },
  delayed: { summary: 'list, run and remove delayed jobs', otherwise: 'delayed list' },
  schedule: { summary: 'list and run schedules', otherwise: 'schedule list' },
} as const satisfies Record<string, { readonly summary: string; readonly otherwise: CommandName }>;

export type GroupName = keyof typeof groups;

export const commands: Readonly<Record<CommandName, CommandSpec>> = table;

export const commandNames = Object.keys(commands) as readonly CommandName[];

export function actionsOf(group: GroupName): CommandName[] {
  return commandNames.filter((name) => name.startsWith(`${group} `));
}

/** First words of all commands. */
export const firstWords: readonly string[] = [
  ...new Set(commandNames.filter((name) => name !== 'run').map((name) => name.split(' ')[0] ?? '')),
];
