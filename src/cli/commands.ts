/**
 * All commands: what each takes, what its help says, and where it is. Help, completion, the list in docs/commands.md and the
 * reader of the command line all follow from here. Loading this loads none of them.
 *
 * Long because it is one table.
 */
import type { Argument, CommandSpec } from './command-line/command-spec.ts';
import type { FlagName } from './command-line/flags.ts';

const config: Argument = { name: 'CONFIG', isOptional: true, completes: 'file' };
const queue: Argument = { name: 'QUEUE', completes: 'nothing' };
const failures: Argument = { name: 'ID', isOptional: true, isRepeated: true, completes: ['last'] };

/** Of commands that look into Redis. */
const whereFlags = ['config', 'redis', 'namespace'] as const satisfies FlagName[];
const filterFlags = ['queue', 'class', 'exception', 'exit', 'text'] as const satisfies FlagName[];

/** Of commands for a runner that is running. */
const runnerFlags = ['config', 'socket', 'json'] as const satisfies FlagName[];
const runnerFlagWords = {
  socket: "the runner's socket, instead of the runner of a config",
} as const;
const runnerText = `It changes the runner of this config (--config, $RR_CONFIG or ./cfg.json), or all of them if several run. Without a
config, it changes the only runner of this user. When the command ends, the runner has done it; a second time changes
nothing. Exits 1 if no runner is running, 2 if the runner has no such queue.`;

const idText = `An ID is what \`failed list\` shows, such as 12@3fa9c1d2: the index in the list and a check of the entry. If others
change the list in between, the command finds that entry or reports that it is gone. \`last\` is the newest failure, the first
that \`failed list\` shows. An index alone is safe only while no other program changes the list. Index 0 is the oldest failure.`;

const table = {
  run: {
    summary: 'run jobs; on a terminal, with a screen',
    arguments: [config],
    flags: ['config', 'redis', 'drain', 'logFormat', 'ui', 'socket'],
    hiddenFlags: ['linkFd'],
    about: '',
    examples: ['cfg.json', 'cfg.json --no-ui --log-format json'],
    load: () => import('./run/start.ts'),
  },
  attach: {
    summary: 'the screen of a runner that is running',
    arguments: [config],
    flags: ['config', 'socket', 'readOnly'],
    flagWords: {
      socket:
        "the runner's socket, if attach doesn't find it: in another directory, or as root another user's",
    },
    about: `Opens the screen of a runner that is running: the one of this config (CONFIG, $RR_CONFIG or ./cfg.json). Without a
config, it is the one that runs, or the one that you choose. q leaves the runner as it is, Q asks whether to stop it. Several
screens may be open at once.`,
    examples: ['attach', 'attach /etc/resque-runner/cfg.json --read-only'],
    load: () => import('./control/attach.ts'),
  },
  pause: {
    summary: 'stop taking jobs of a queue, until resume',
    arguments: [{ name: 'QUEUE', isOptional: true, isRepeated: true, completes: 'nothing' }],
    flags: ['all', ...runnerFlags],
    flagWords: { all: 'every queue of the runner, also those to come', ...runnerFlagWords },
    about: `Makes a running runner stop taking jobs of these queues; running jobs go on. A pause lasts until \`resume\`, or until the
runner ends. Workers elsewhere go on.

${runnerText}`,
    examples: ['pause mail images', 'pause --all --config /etc/resque-runner/cfg.json'],
    load: () => import('./control/control-commands.ts').then(({ pause }) => ({ run: pause })),
  },
  resume: {
    summary: 'take jobs of a paused queue again',
    arguments: [{ name: 'QUEUE', isOptional: true, isRepeated: true, completes: 'nothing' }],
    flags: ['all', ...runnerFlags],
    flagWords: {
      all: 'ends `pause --all`; a queue that was paused by name stays paused',
      ...runnerFlagWords,
    },
    about: `Ends the pause of queues. A queue with another reason to be paused, such as a script that can't be started, stays
paused, and the reason is printed.

${runnerText}`,
    examples: ['resume mail images', 'resume --all'],
    load: () => import('./control/control-commands.ts').then(({ resume }) => ({ run: resume })),
  },
  slots: {
    summary: 'change how many jobs of a queue may run at once',
    arguments: [queue, { name: 'N', completes: 'nothing' }],
    flags: [...runnerFlags],
    flagWords: runnerFlagWords,
    about: `Sets the slots of the entry of "runners" that QUEUE belongs to; QUEUE may also be the entry itself, such as "image_*". If
there are fewer slots than running jobs, these go on. It lasts until the runner ends or reads its config again (HUP).

${runnerText}`,
    examples: ['slots mail 10', 'slots "image_*" 2 --json'],
    load: () => import('./control/control-commands.ts').then(({ slots }) => ({ run: slots })),
  },
  check: {
    summary: 'test config, Redis and scripts; repair what Redis holds',
    arguments: [config],
    flags: ['config', 'redis', 'repair', 'json'],
    about: `Tests the config, Redis (reachable, version, latency, permissions), each script, and what Redis holds of
workers, failures and queues: dead workers and their jobs, entries that break resque-web, heartbeats that crash Ruby
workers. Prints one line for each result. Exits 0 if nothing is wrong or everything was repaired, else 1.`,
    examples: ['check', 'check /etc/resque-runner/cfg.json --repair'],
    load: () => import('./check/check-command.ts'),
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
      class: 'a job of this class with the ARGs, instead of a FILE',
      watch: 'run it again whenever the script, the config or FILE changes, until Ctrl-C',
      redis: 'with --from-failed: this Redis, whatever the config says',
      json: "the result as one JSON document on STDOUT; the job's output goes to STDERR",
    },
    about: `Runs one job through the script of QUEUE as a worker would: the same command line, STDIN, environment and timeout.
It shows the job's output as it comes, then the result: exit code or signal, duration, memory and CPU, the failure record
that Redis would get, and what resque-web would show. Nothing is written to Redis.

FILE holds the job, {"class": …, "args": […]}, without a line break at its end. If FILE is missing or is -, the job is
read from STDIN.

The exit code is the job's. It is 128 plus the signal's number if a signal ended the job, 124 after a timeout, and 1 if
the job failed in another way or didn't start. Ctrl-C ends the job as a worker's shutdown does: TERM, then KILL after
"killAfter". A second Ctrl-C kills it at once. The exit code is then 130, or 143 after TERM.

With --watch, a change during a run ends that run and starts the job again.`,
    examples: [
      'exec mail job.json',
      'exec mail --class SendMail bob@example.org \'{"urgent": true}\'',
      'exec mail job.json --watch',
      'exec mail --from-failed last',
    ],
    load: () => import('./exec/exec-command.ts'),
  },
  enqueue: {
    summary: 'put a job on a queue, or a file of jobs',
    arguments: [
      queue,
      { name: 'CLASS', isOptional: true, completes: 'nothing' },
      { name: 'ARG', isOptional: true, isRepeated: true, completes: 'nothing' },
    ],
    flags: ['file', 'count', 'atHead', 'fromLine', 'resume', 'json', ...whereFlags],
    flagWords: {
      atHead:
        'ahead of the waiting jobs; a FILE in one step, its first line first: at most 100,000 jobs, 64 MiB',
    },
    about: `Puts jobs on a queue, as any Resque client would. An ARG that is JSON counts as JSON, anything else as a
string, with a warning if it looks like JSON. After "--" an ARG may begin with "-". If neither the config nor a registered
worker takes jobs of QUEUE, the job is enqueued and STDERR says so.

With --file, each line is a job and goes onto the queue byte for byte. The whole file is checked first: if lines are
wrong, they are listed and nothing is enqueued. STDIN and pipes can't be checked first: their jobs are enqueued up to the
first wrong line, and --from-line goes on there.

If the connection is lost, enqueue waits half a minute for Redis; no job is enqueued twice, and none is left out. If it has
to give up, or after Ctrl-C, it prints the --resume ID with which the same command goes on. With --json, STDOUT then says
how far it got.`,
    examples: [
      'enqueue mail SendMail bob@example.org \'{"urgent": true}\' 3',
      'enqueue mail --file jobs.ndjson',
      'enqueue mail SendMail bob@example.org --count 1000 --at-head',
    ],
    load: () => import('./enqueue/enqueue-command.ts'),
  },
  'failed list': {
    summary: 'what has failed, newest first',
    arguments: [],
    flags: [...filterFlags, 'limit', 'before', 'json', ...whereFlags],
    about: `Lists failures, newest first. A failure must match all filters; upper and lower case are the same.

On a terminal it prints a table, cut to the terminal's width, and the command for the next page. Elsewhere it prints one
uncut line per failure: ID, failed at, retried at, queue, class, args, exception and error, separated by tabs. With --json,
"next" is the --before of the next page, or null. Texts beyond 64 KiB are cut; \`failed show\` has the whole text.`,
    examples: [
      'failed list --queue mail --exception Timeout',
      'failed list --json --limit 1000 --redis redis://localhost:6379/0',
    ],
    load: () => import('./failed/list.ts'),
  },
  'failed show': {
    summary: 'one failure, with all details',
    arguments: [{ name: 'ID', isOptional: true, completes: ['last'] }],
    flags: ['json', ...whereFlags],
    flagWords: { json: 'the record, byte for byte as in Redis; if that is not JSON, an object that says so' },
    about: `Shows a failure: its job, exception, error, backtrace and output. Without ID it is the newest, as with \`last\`.

${idText}`,
    examples: ['failed show', 'failed show 12@3fa9c1d2 --json'],
    load: () => import('./failed/show.ts'),
  },
  'failed retry': {
    summary: 'put failed jobs back onto their queues',
    arguments: [failures],
    flags: [...filterFlags, 'all', 'yes', 'json', ...whereFlags],
    flagWords: { all: "every failure that wasn't retried yet" },
    about: `Puts jobs back onto their queues, byte for byte as they were, and notes that on the failures: those with an ID, those
that match, or all. With a filter or --all it skips failures that were retried already, and it counts and asks first. Jobs
that fail after that are left alone. Ctrl-C stops it between two steps, and it says how far it got.

${idText}
All IDs are looked up before anything is changed. Exits 1 if an entry was gone by then or has no job to retry.`,
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
    about: `Deletes failures and their jobs: those with an ID, those that match, or all. It counts and asks first. Jobs that fail
after that are left alone. Ctrl-C stops it between two steps, and it says how far it got.

${idText}
All IDs are looked up before anything is changed. Exits 1 if an entry was gone by then.`,
    examples: ['failed remove 12@3fa9c1d2', 'failed remove --class Newsletter --yes'],
    load: () => import('./failed/change.ts').then(({ remove }) => ({ run: remove })),
  },
  'failed clear': {
    summary: 'empty the list',
    arguments: [],
    flags: ['yes', 'json', ...whereFlags],
    about: 'Deletes all failures that are on the list now, and their jobs. It counts and asks first.',
    examples: ['failed clear', 'failed clear --yes --namespace staging'],
    load: () => import('./failed/change.ts').then(({ clear }) => ({ run: clear })),
  },
  status: {
    summary: 'queues, workers of every kind, running jobs, from Redis',
    arguments: [config],
    flags: ['config', 'watch', 'interval', 'json', 'redis', 'namespace'],
    flagWords: { json: 'one JSON document instead of text; with --watch, one per line' },
    about: `Shows what Redis knows: the queues and their waiting jobs, the workers of every kind and host, the running jobs and
for how long they run. "!" marks what needs attention: a queue with jobs and no worker, a script that can't be started, a
worker that is dead or silent for five minutes. WORKERS are slots in use and all slots; a paused queue says why. Writes
nothing to Redis.`,
    examples: ['status', 'status --watch --interval 5', 'status --json --redis redis://localhost:6379/0'],
    load: () => import('./status/status-command.ts'),
  },
  init: {
    summary: 'write a cfg.json: asks, and tests the answers',
    arguments: [{ name: 'FILE', isOptional: true, completes: 'file' }],
    flags: ['redis', 'queue', 'script', 'namespace', 'yes', 'force'],
    flagWords: {
      redis: 'the Redis of the jobs: host:port, a URL, or `embedded` for a private one',
      queue: 'the queue to run jobs of',
      namespace: 'prefix of the keys; "resque" by default',
      yes: "don't ask; the template has what no flag gives",
    },
    about: `Writes a config: asks for Redis, a queue and the script, and tests each answer. Without a terminal it asks nothing and
takes what the flags don't give from the template. FILE is cfg.json by default, and is not overwritten without --force.`,
    examples: ['init', 'init --redis redis://localhost:6379/0 --queue mail --script ./job.sh --yes'],
    load: () => import('./init/init-command.ts'),
  },
  demo: {
    summary: 'a private Redis and example jobs, without any setup',
    arguments: [],
    flags: ['logFormat', 'ui'],
    flagWords: { ui: 'log lines only' },
    about: 'Starts a private Redis and runs example jobs until q or Ctrl-C; leaves nothing behind.',
    examples: ['demo', 'demo --no-ui'],
    load: () => import('./run/demo.ts'),
  },
  completion: {
    summary: 'print the completion script of a shell',
    arguments: [{ name: 'SHELL', completes: ['bash', 'zsh', 'fish'] }],
    flags: [],
    about: `Prints a script with which a shell completes commands, flags and their values. SHELL is bash, zsh or fish:

  bash    in ~/.bashrc: eval "$(resque-runner completion bash)"
  zsh     in ~/.zshrc, after compinit: source <(resque-runner completion zsh)
  fish    once: resque-runner completion fish > ~/.config/fish/completions/resque-runner.fish`,
    examples: ['completion bash', 'completion fish'],
    load: () => import('./completion/completion-command.ts'),
  },
} as const satisfies Record<string, CommandSpec>;

export type CommandName = keyof typeof table;

/** Commands that are one word with several actions: the action that is meant where none is named. */
export const groups = {
  failed: { summary: 'look at failures, retry and remove them', otherwise: 'failed list' },
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
