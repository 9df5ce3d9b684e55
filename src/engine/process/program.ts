/** The command line and environment of a job's program. */
import type { PoolConfig } from '../../config/config.ts';
import type { AttemptView } from '../../protocol/job.ts';
import type { LaunchSpec } from '../launch/launched-process.ts';

export interface EnvironmentFacts {
  readonly queue: string;
  /** Resque worker id. */
  readonly worker: string;
  /** Identifies this runner process. */
  readonly mark: string;
  /** `null` if the entry doesn't retry jobs. */
  readonly attempt: AttemptView | null;
  /** The trace of the job; left out if it has none, or if the job isn't known yet. */
  readonly traceparent?: string | null;
}

/** Says in the environment of each job which runner process started it. It identifies jobs that outlived their runner. */
export const runnerVariable = 'RESQUE_RUNNER';

/** Tells a persistent child the number of the descriptor for its results. */
const resultVariable = 'RESQUE_RESULT_FD';
const resultDescriptor = 3;

/** As OpenTelemetry names it. */
const traceVariable = 'TRACEPARENT';

const ownVariables = [
  ...['RESQUE_QUEUE', 'RESQUE_WORKER', 'RESQUE_ATTEMPT', 'RESQUE_ATTEMPTS'],
  // The runner may have been started in a trace of its own.
  ...[traceVariable, 'TRACESTATE'],
  ...[runnerVariable, resultVariable],
];
/** systemd's, about this process: a job that uses them would speak for the runner, or wait for its watchdog. */
const systemdVariables = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID', 'JOURNAL_STREAM'];

/** Copied once: each access to `process.env` is a system call. */
const own: NodeJS.ProcessEnv = { ...process.env };
const bases = new WeakMap<PoolConfig, readonly string[]>();

/** The program, its words, the queue, and the arguments after it. */
export function commandOf({ script, args }: PoolConfig, queue: string): [string, ...string[]] {
  const [program = '', ...words] = script;
  return [program, ...words, queue, ...args];
}

/** What a child is told that starts before its job is known. A persistent child runs many jobs and is told nothing. */
export function attemptInAdvance({ mode, retry }: PoolConfig): AttemptView | null {
  return retry === null || mode === 'persistent' ? null : { number: 1, of: retry.attempts };
}

/** How to start the program of a pool. Every start of a job's program goes through here. */
export function launchSpecOf(
  config: PoolConfig,
  facts: EnvironmentFacts,
  { stdin, hasResults }: Pick<LaunchSpec, 'stdin' | 'hasResults'>,
): LaunchSpec {
  const env = environmentOf(config, facts);
  if (hasResults) env.push(`${resultVariable}=${resultDescriptor}`);
  return { command: commandOf(config, facts.queue), cwd: config.cwd, env, stdin, hasResults };
}

/** The environment of a job's program, as `NAME=value`: ours, the config's, and its queue and worker. */
function environmentOf(config: PoolConfig, facts: EnvironmentFacts): string[] {
  const { queue, worker, mark, attempt, traceparent = null } = facts;
  const own = [`RESQUE_QUEUE=${queue}`, `RESQUE_WORKER=${worker}`, `${runnerVariable}=${mark}`];
  if (attempt !== null) own.push(`RESQUE_ATTEMPT=${attempt.number}`, `RESQUE_ATTEMPTS=${attempt.of}`);
  if (traceparent !== null) own.push(`${traceVariable}=${traceparent}`);
  return [...baseOf(config), ...own];
}

function baseOf(config: PoolConfig): readonly string[] {
  const known = bases.get(config);
  if (known !== undefined) return known;
  const base: NodeJS.ProcessEnv = { ...own, ...config.env };
  // If another runner started this one as a job, its variables are not for our children.
  for (const name of [...ownVariables, ...systemdVariables]) delete base[name];
  const variables = Object.entries(base).map(([name, value]) => `${name}=${value ?? ''}`);
  bases.set(config, variables);
  return variables;
}
