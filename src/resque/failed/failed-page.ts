/**
 * Pages of the `failed` list from a server that limits its replies: larger entries come in pieces. All reject with
 * RedisError.
 */
import { inPieces } from '../redis/large-reads.ts';
import { runScript, script } from '../redis/script.ts';
import type { CommandSender } from '../redis/send.ts';

export interface ListedRecord {
  /** 0 for the oldest. */
  readonly index: number;
  readonly record: Buffer;
}

/** Adjacent entries, oldest first. */
export interface FailurePage {
  /** Length of the list when they were read. */
  readonly total: number;
  readonly entries: readonly ListedRecord[];
}

/** Fingerprint of an entry, to notice if another entry has moved to its index. */
const fingerprintOf = `
local function fingerprintOf(record) return redis.sha1hex(#record .. record:sub(1, 4096)) end
`;

/**
 * ARGV: index of the first entry and of the entry after the last, the largest reply in bytes. Reply: length of the list; the
 * newest of these entries, as many as fit, oldest first; if none fits, size and fingerprint of the newest.
 */
const partScript = script(`${fingerprintOf}
local failed, first, room = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[3])
local total = redis.call('LLEN', failed)
local records, last = {}, math.min(tonumber(ARGV[2]), total) - 1
while last >= first do
  local start = math.max(first, last - 24)
  local chunk = redis.call('LRANGE', failed, start, last)
  for at = #chunk, 1, -1 do
    room = room - #chunk[at]
    if room < 0 and #records == 0 then return { total, records, #chunk[at], fingerprintOf(chunk[at]) } end
    if room < 0 then return { total, records } end
    table.insert(records, 1, chunk[at])
  end
  last = start - 1
end
return { total, records }
`);

/** ARGV: index, fingerprint, first and last byte, counted from 1. */
const pieceScript = script(`${fingerprintOf}
local record = redis.call('LINDEX', KEYS[1], ARGV[1])
if not record or fingerprintOf(record) ~= ARGV[2] then return '' end
return record:sub(tonumber(ARGV[3]), tonumber(ARGV[4]))
`);

type PartReply = [total: number, records: Buffer[], length?: number, fingerprint?: Buffer];

/** Like a page that is read at once, except that others may change the list between the parts. */
export async function readInParts(
  sender: CommandSender,
  key: string,
  { before, size }: { readonly before: number | null; readonly size: number },
  limit: number,
): Promise<FailurePage> {
  const length = await sender.command((commands) => commands.llen(key));
  const first = Math.max(0, (before ?? length) - size);
  const entries: ListedRecord[] = [];
  let end = Math.min(before ?? length, length);
  while (end > first) {
    const args = [first, end, limit];
    const [total, records, bytes = 0, fingerprint = ''] = (await runScript(sender, partScript, 1, [
      key,
      ...args,
    ])) as PartReply;
    end = Math.min(end, total);
    if (records.length === 0 && end > first) {
      const at = end - 1;
      const record = await inPieces(bytes, limit, async (from, to) => {
        const piece = [key, at, fingerprint, from + 1, to + 1];
        return (await runScript(sender, pieceScript, 1, piece)) as Buffer;
      });
      // Another entry has moved there.
      if (record === null) continue;
      records.push(record);
    }
    end -= records.length;
    entries.unshift(...records.map((record, at) => ({ index: end + at, record })));
  }
  return { total: length, entries };
}
