/**
 * What workers are called in Redis: `HOST:PID-SLOT:QUEUE`, a worker being a slot of an entry of the config. No two slots
 * of a process share a number: node-resque takes what precedes the second colon for the worker's name.
 */
import { hostname } from 'node:os';
import type { Config } from '../../config/config.ts';
import type { OutcomeWrite } from '../../resque/steps/step.ts';

/** Not the bare host name: a Ruby worker on this host would prune us as dead at its start. */
export function workerHostOf({ workerHost }: Pick<Config, 'workerHost'>): string {
  return workerHost ?? `${hostname()}.runner`;
}

/**
 * @param owner host part and pid, `HOST:PID`
 * @param key of the config's entry
 */
export function workerId(owner: string, slot: number, key: string): string {
  return `${owner}-${slot}:${key}`;
}

/**
 * Numbers slots through the whole process, in the order in which they are first asked for. A slot keeps its number until
 * the process exits, also if its entry leaves the config and comes back.
 *
 * @returns the worker id by the slot's index within its entry
 */
export function numberingSlots(workerId: (slot: number, key: string) => string): typeof workerId {
  const numbers = new Map<string, number>();
  return (index, key) => {
    const name = `${index} ${key}`;
    const slot = numbers.get(name) ?? numbers.size;
    numbers.set(name, slot);
    return workerId(slot, key);
  };
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
