/** The lists on which a runner process holds jobs, one for each queue. Rejects with RedisError. */
import type { ResqueKeys } from '../format/keys.ts';
import type { LargeReads } from '../redis/large-reads.ts';
import type { CommandSender } from '../redis/send.ts';

export interface HeldList {
  readonly queue: string;
  /** Oldest first. */
  readonly payloads: readonly Buffer[];
}

/** @param others queues whose lists may be there though Redis has lost the set that names them */
export async function readHeldLists(
  sender: CommandSender,
  reads: LargeReads,
  keys: ResqueKeys,
  owner: string,
  others: readonly string[] = [],
): Promise<HeldList[]> {
  const queues = await sender.command((commands) => commands.smembers(keys.heldQueues(owner)));
  return await Promise.all(
    [...new Set([...queues, ...others])].map(async (queue) => ({
      queue,
      payloads: await reads.list(keys.held(owner, queue)),
    })),
  );
}
