/** Reads the first element of many lists, for people: one that is large, or that this user may not read, counts as unknown. */
import { runScript, script } from './script.ts';
import type { CommandSender } from './send.ts';

/** Keys in one script: Redis does nothing else while it runs. */
const chunkSize = 100;
/** Bytes. A large job is not worth the time to send and parse it. */
const longestHead = 16 * 1024;

/** ARGV: the longest head, the keys. */
const headsScript = script(`
local heads = {}
for i = 2, #ARGV do
  local head = redis.pcall('LINDEX', ARGV[i], 0)
  heads[i - 1] = type(head) == 'string' and #head <= tonumber(ARGV[1]) and head
end
return heads
`);

/** Rejects with RedisError. @returns `null` for a list that is empty, and for a head that is unknown */
export async function listHeads(sender: CommandSender, keys: readonly string[]): Promise<(Buffer | null)[]> {
  const heads: (Buffer | null)[] = [];
  for (let from = 0; from < keys.length; from += chunkSize) {
    const chunk = keys.slice(from, from + chunkSize);
    const reply = (await runScript(sender, headsScript, 0, [longestHead, ...chunk])) as (Buffer | null)[];
    heads.push(...chunk.map((_, at) => reply[at] ?? null));
  }
  return heads;
}
