/**
 * Reads what metrics show of Redis in one round trip: the lengths of queues, their oldest jobs, failures and delayed jobs. What
 * this Redis user may not read, and keys of another type, count as unknown.
 */
import type { ResqueKeys } from '../format/keys.ts';
import { runScript, script } from '../redis/script.ts';
import type { CommandSender } from '../redis/send.ts';

export interface RedisFigures {
  /** Waiting jobs of each queue, in the order of the request; `null` if unknown. */
  readonly lengths: readonly (number | null)[];
  /** The payloads at the heads of queues; `null` for an empty queue, and for one that is too large for this. */
  readonly heads: readonly (Buffer | null)[];
  readonly failures: number | null;
  /** A lower bound: beyond `mostTimes`, each time counts as one job. */
  readonly delayed: number | null;
}

/** Queues in one script. Redis does nothing else while a script runs. */
const chunkSize = 100;
/** A larger job is not worth the time to send and parse it. */
const longestHeadBytes = 16 * 1024;
/** Of all heads together. */
const headsLimitBytes = 1024 * 1024;
/** Times of delayed jobs. Each has its own list, whose length must be read. */
const mostTimes = 1_000;

/** ARGV: bytes for heads, the longest head, the queues' keys. */
const queuesScript = script(`
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

/** ARGV: most times, the keys of failures and of the schedule, what the keys of its times begin with. */
const listsScript = script(`
local function known(reply) return type(reply) == 'number' and reply or -1 end
local failures = known(redis.pcall('LLEN', ARGV[2]))
local times = known(redis.pcall('ZCARD', ARGV[3]))
local first = times > 0 and redis.pcall('ZRANGE', ARGV[3], 0, ARGV[1] - 1) or {}
if first.err then return { failures, -1 } end
local delayed = times < 0 and -1 or times - #first
for _, time in ipairs(first) do
  delayed = delayed + math.max(0, known(redis.pcall('LLEN', ARGV[4] .. time)))
end
return { failures, delayed }
`);

/**
 * Rejects with RedisError.
 *
 * @param withHeads for this many queues, the first ones, it also reads their heads
 */
export async function readFigures(
  sender: CommandSender,
  keys: ResqueKeys,
  queues: readonly string[],
  withHeads: number,
): Promise<RedisFigures> {
  const chunks = Array.from({ length: Math.ceil(queues.length / chunkSize) }, (_, at) =>
    queues.slice(at * chunkSize, (at + 1) * chunkSize),
  );
  const chunksWithHeads = Math.ceil(Math.min(queues.length, withHeads) / chunkSize);
  const headBytes = Math.floor(
    Math.min(headsLimitBytes, (sender.replyLimit ?? headsLimitBytes) / 2) / Math.max(1, chunksWithHeads),
  );
  const [lists, ...found] = (await Promise.all([
    runScript(sender, listsScript, 0, [mostTimes, keys.failed, keys.delayedSchedule, keys.delayed('')]),
    ...chunks.map((chunk, at) => {
      const bytes = at < chunksWithHeads ? headBytes : 0;
      return runScript(sender, queuesScript, 0, [bytes, longestHeadBytes, ...chunk.map(keys.queue)]);
    }),
  ])) as [number[], ...(number | Buffer | null)[][]];
  const all = found.flat();
  const [failures, delayed] = lists;
  return {
    lengths: queues.map((_, at) => known(all[2 * at])),
    heads: queues.map((_, at) => headOf(all[2 * at + 1])),
    failures: known(failures),
    delayed: known(delayed),
  };
}

function known(reply: number | Buffer | null | undefined): number | null {
  return typeof reply === 'number' && reply >= 0 ? reply : null;
}

function headOf(reply: number | Buffer | null | undefined): Buffer | null {
  return Buffer.isBuffer(reply) ? reply : null;
}
