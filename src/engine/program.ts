/** How a job's program is called, by whatever way it is started. */
import type { RunnerConfig } from '../config/config.ts';
import { runnerVariable } from './runner-variable.ts';

export interface EnvironmentFacts {
  readonly queue: string;
  /** Resque worker id. */
  readonly worker: string;
  /** Tells this runner process from all others. */
  readonly mark: string;
}

/** Copied once: each look at a variable of `process.env` is a call into the system. */
const own: NodeJS.ProcessEnv = { ...process.env };
const bases = new WeakMap<RunnerConfig, readonly string[]>();

/** The program, its words, the queue, and the arguments behind. */
export function commandOf({ script, args }: RunnerConfig, queue: string): [string, ...string[]] {
  const [program = '', ...words] = script;
  return [program, ...words, queue, ...args];
}

/** What a job's program gets, as `NAME=value`: ours, the config's, and what it is to know of itself. */
export function environmentOf(config: RunnerConfig, { queue, worker, mark }: EnvironmentFacts): string[] {
  return [...baseOf(config), `RESQUE_QUEUE=${queue}`, `RESQUE_WORKER=${worker}`, `${runnerVariable}=${mark}`];
}

function baseOf(config: RunnerConfig): readonly string[] {
  const known = bases.get(config);
  if (known !== undefined) return known;
  const { RESQUE_QUEUE: _, RESQUE_WORKER: __, [runnerVariable]: ___, ...base } = { ...own, ...config.env };
  const variables = Object.entries(base).map(([name, value]) => `${name}=${value ?? ''}`);
  bases.set(config, variables);
  return variables;
}
