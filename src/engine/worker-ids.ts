/** What workers are called in Redis: `HOST:PID-INDEX:QUEUE`, a worker being a slot of an entry of the config. */
import { hostname } from 'node:os';
import type { Config } from '../config/config.ts';
import type { OutcomeWrite } from '../resque/advance.ts';

/** Not the bare host name: a Ruby worker on this host would prune us as dead at its start. */
export function workerHostOf({ workerHost }: Pick<Config, 'workerHost'>): string {
  return workerHost ?? `${hostname()}.runner`;
}

/**
 * @param owner host part and pid, `HOST:PID`
 * @param key of the config's entry
 */
export function workerId(owner: string, index: number, key: string): string {
  return `${owner}-${index}:${key}`;
}

/**
 * The same outcome after its process has taken another name.
 *
 * @param from host part and pid before, `HOST:PID`
 * @param to the same now
 */
export function renamedOutcome(outcome: OutcomeWrite, from: string, to: string): OutcomeWrite {
  const { worker } = outcome;
  return { ...outcome, worker: worker.startsWith(`${from}-`) ? to + worker.slice(from.length) : worker };
}
