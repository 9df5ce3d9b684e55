/** How a job's program is called, by whatever way it is started. */
import type { PoolConfig } from '../../config/config.ts';

export interface EnvironmentFacts {
  readonly queue: string;
  /** Resque worker id. */
  readonly worker: string;
  /** Tells this runner process from all others. */
  readonly mark: string;
}

/** Says in the environment of each job which runner process started it. It identifies jobs that outlived their runner. */
export const runnerVariable = 'RESQUE_RUNNER';

/** Where a persistent child finds the number of the descriptor for its results. */
export const resultVariable = 'RESQUE_RESULT_FD';

/** Copied once: each look at a variable of `process.env` is a call into the system. */
const own: NodeJS.ProcessEnv = { ...process.env };
const bases = new WeakMap<PoolConfig, readonly string[]>();

/** The program, its words, the queue, and the arguments behind. */
export function commandOf({ script, args }: PoolConfig, queue: string): [string, ...string[]] {
  const [program = '', ...words] = script;
  return [program, ...words, queue, ...args];
}

/** What a job's program gets, as `NAME=value`: ours, the config's, and what it is to know of itself. */
export function environmentOf(config: PoolConfig, { queue, worker, mark }: EnvironmentFacts): string[] {
  return [...baseOf(config), `RESQUE_QUEUE=${queue}`, `RESQUE_WORKER=${worker}`, `${runnerVariable}=${mark}`];
}

function baseOf(config: PoolConfig): readonly string[] {
  const known = bases.get(config);
  if (known !== undefined) return known;
  const base: NodeJS.ProcessEnv = { ...own, ...config.env };
  // What another runner has told us of ourselves is not for our children.
  for (const name of ['RESQUE_QUEUE', 'RESQUE_WORKER', runnerVariable, resultVariable]) delete base[name];
  const variables = Object.entries(base).map(([name, value]) => `${name}=${value ?? ''}`);
  bases.set(config, variables);
  return variables;
}
