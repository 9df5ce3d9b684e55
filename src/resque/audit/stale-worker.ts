/**
 * Removes a worker of another client that has been silent for too long, as Resque's own pruning does: its job is recorded as
 * failed, and its keys are deleted. Recovery removes the workers of runners. Rejects with RedisError.
 */
import type { ResqueKeys } from '../format/keys.ts';
import { readWorkerId } from '../format/worker-id.ts';
import { LargeReads } from '../redis/large-reads.ts';
import type { CommandSender } from '../redis/send.ts';
import { lostJob } from './failed-entry.ts';
import { carryOut, givenUp } from './repair.ts';

/** Everything that shows whether a worker of another client lives, as it was judged. */
export interface WorkerSigns {
  readonly id: string;
  /** '' for none. */
  readonly heartbeat: string;
  /** node-resque's; '' for none. */
  readonly ping: string;
  /** Its job; `null` for none. */
  readonly record: Buffer | null;
}

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
  { id, heartbeat, ping, record }: WorkerSigns,
): Promise<RemovedWorker> {
  const { name } = readWorkerId(id);
  const job = lostJob(id, record);
  const { seen, writes, ...status } = givenUp(keys, id, record, job);
  const byName = [keys.workerPing, keys.workerProcessed, keys.workerFailed];
  const isDone = await carryOut(sender, keys, {
    seen: [
      ...seen,
      [['SISMEMBER', keys.workers, id], 1],
      [['HGET', keys.heartbeat, id], heartbeat],
      [['GET', keys.workerPing(name)], ping],
    ],
    writes: [...writes, ...byName.map((keyOf) => ['DEL', keyOf(name)] as const)],
    ...status,
  });
  return isDone ? { kind: 'removed', failure: job.failure || null } : { kind: 'changed' };
}
