/**
 * Reads what screens and metrics show of Redis: the lengths of queues, their first jobs, failures and delayed jobs. What this
 * Redis user may not read, and keys of another type, count as unknown.
 */
import { countDelayed, type DelayedCount } from '../delayed/delayed-count.ts';
import type { ResqueKeys } from '../format/keys.ts';
import { unlessRefused } from '../redis/bulk-reads.ts';
import { runScript, script } from '../redis/script.ts';
import type { CommandSender } from '../redis/send.ts';

export interface RedisFigures {
  /** In the order of the request. */
  readonly queues: readonly ListFigures[];
  readonly failures: number | null;
  readonly delayed: DelayedCount | null;
  /** Whether a scheduler keeps schedules in Redis. */
  readonly hasSchedules: boolean;
}

export interface ListFigures {
  /** `null` if unknown. */
  readonly length: number | null;
  /** Its first element; `null` for an empty list, and for an element that is too large for this. */
  readonly head: Buffer | null;
}

/** Lists in one script. Redis does nothing else while a script runs. */
const chunkSize = 100;
/** A larger job is not worth the time to send and parse it. */
const longestHeadBytes = 16 * 1024;
/** Of all heads in a chunk. */
const headsLimitBytes = 100 * 1024;

/** ARGV: bytes for heads, the longest head, the keys. */
const listsScript = script(`
local left, longest, found = tonumber(ARGV[1]), tonumber(ARGV[2]), {}
for i = 3, #ARGV do
  local length = redis.pcall('LLEN', ARGV[i])
  local isKnown = type(length) == 'number'
  local head = isKnown and length > 0 and left > 0 and redis.pcall('LINDEX', ARGV[i], 0)
  local isSent = type(head) == 'string' and #head <= longest and #head <= left
  if isSent then left = left - #head end
  found[#found + 1] = isKnown and length or -1
  found[#found + 1] = isSent and head
end
return found
`);

/** Rejects with RedisError. */
export async function readFigures(
  sender: CommandSender,
  keys: ResqueKeys,
  queues: readonly string[],
): Promise<RedisFigures> {
  const chunks = Array.from({ length: Math.ceil(queues.length / chunkSize) }, (_, at) =>
    queues.slice(at * chunkSize, (at + 1) * chunkSize).map(keys.queue),
  );
  const limit = (sender.replyLimit ?? Number.POSITIVE_INFINITY) / 2 / Math.max(1, chunks.length);
  const headBytes = Math.floor(Math.min(headsLimitBytes, limit));
  const [delayed, schedules, failures, ...found] = await Promise.all([
    unlessRefused(countDelayed(sender, keys)),
    unlessRefused(sender.command((commands) => commands.hlen(keys.persistentSchedules))),
    readLists(sender, [keys.failed], 0),
    ...chunks.map((chunk) => readLists(sender, chunk, headBytes)),
  ]);
  return {
    queues: found.flat(),
    failures: failures[0]?.length ?? null,
    delayed,
    hasSchedules: (schedules ?? 0) > 0,
  };
}

async function readLists(
  sender: CommandSender,
  keys: readonly string[],
  headBytes: number,
): Promise<ListFigures[]> {
  const reply = await runScript(sender, listsScript, 0, [headBytes, longestHeadBytes, ...keys]);
  const all = reply as readonly (number | Buffer | null)[];
  return keys.map((_, at) => {
    const [length = null, head = null] = all.slice(2 * at, 2 * at + 2);
    return {
      length: typeof length === 'number' && length >= 0 ? length : null,
      head: Buffer.isBuffer(head) ? head : null,
    };
  });
}
