/** The lists on which a runner process holds jobs, one for each queue. Rejects with RedisTrouble. */
import type { ResqueKeys } from './keys.ts';
import type { LargeReads } from './large-reads.ts';
import type { CommandSender } from './send.ts';

export interface HeldList {
  readonly queue: string;
  /** Oldest first. */
  readonly payloads: readonly Buffer[];
}

export async function readHeldLists(
  sender: CommandSender,
  reads: LargeReads,
  keys: ResqueKeys,
  owner: string,
): Promise<HeldList[]> {
  const queues = await sender.command((commands) => commands.smembers(keys.heldQueues(owner)));
  return await Promise.all(
    queues.map(async (queue) => ({ queue, payloads: await reads.list(keys.held(owner, queue)) })),
  );
}
