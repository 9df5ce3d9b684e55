/**
 * Removes a worker of another client that has been silent for too long, as Resque's own pruning does: its job is recorded as
 * failed, and its keys are deleted. Recovery removes the workers of runners. Rejects with RedisError.
 */
import type { ResqueKeys } from '../format/keys.ts';
import { readWorkerId } from '../format/worker-id.ts';
import { LargeReads } from '../redis/large-reads.ts';
import type { CommandSender } from '../redis/send.ts';
import { lostJob } from './failed-entry.ts';
import { carryOut, pruned, type WorkerSigns } from './repair.ts';

/** @returns `null` if no such worker is registered. Read it before you judge the worker. */
export async function readSigns(
  sender: CommandSender,
  keys: ResqueKeys,
  id: string,
): Promise<WorkerSigns | null> {
  const { name } = readWorkerId(id);
  const [isRegistered, heartbeat, [ping = null, record = null]] = await Promise.all([
    sender.command((commands) => commands.sismember(keys.workers, id)),
    sender.command((commands) => commands.hget(keys.heartbeat, id)),
    new LargeReads(sender).values([keys.workerPing(name), keys.worker(id)]),
  ]);
  if (isRegistered === 0) return null;
  return { id, heartbeat: heartbeat ?? '', ping: ping?.toString() ?? '', record };
}

export type RemovedWorker =
  /** `failure`: its job's record, as it was added to the failures; `null` if it had none. */
  | { readonly kind: 'removed'; readonly failure: string | null }
  /** It has shown a sign of life, or another client has removed it. */
  | { readonly kind: 'changed' };

export async function removeStaleWorker(
  sender: CommandSender,
  keys: ResqueKeys,
  signs: WorkerSigns,
): Promise<RemovedWorker> {
  const job = lostJob(signs.id, signs.record);
  const isDone = await carryOut(sender, keys, pruned(keys, signs, job));
  const { failure } = job;
  return isDone ? { kind: 'removed', failure: failure === '' ? null : failure } : { kind: 'changed' };
}
