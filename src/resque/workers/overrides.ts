/**
 * What operators have set by hand for the runner of a config on a host: a hash with a field for each decision. It outlives the
 * runner, so the next one continues with it. Several runners of the same config on one host share it: each writes only the
 * fields that it changes, and the last change wins. All reject with RedisError.
 */
import * as v from 'valibot';
import { parsedJson } from '../format/json.ts';
import { runScript, script, scriptChecks } from '../redis/script.ts';
import type { CommandSender } from '../redis/send.ts';
import { time } from './runner-entry.ts';

/** What an override is about: every queue, a queue, all queues of an entry that has several, the slots of an entry. */
export type About = 'all' | `queue:${string}` | `entry:${string}` | `slots:${string}`;

const schema = v.object({
  /** Who set it; '' if unknown. */
  by: v.string(),
  /** By the runner's clock. */
  sinceMs: time,
  /** The slots of an entry; left out for a pause. */
  slots: v.exactOptional(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
});

/** Differs from the config until someone goes back to it. */
export type Override = Readonly<v.InferOutput<typeof schema>>;

/** Long enough for a machine that is away for a while, and short enough that a removed config leaves nothing for good. */
const keptSeconds = 30 * 24 * 60 * 60;

/** ARGV: prefix, key, seconds to keep it, then fields with their values; '' removes a field. */
const saveScript = script(`
local prefix, key, seconds = ARGV[1], ARGV[2], ARGV[3]
${scriptChecks}
needType('hash', key)
need('HSET', key, '', '')
need('HDEL', key, '')
need('EXPIRE', key, 1)
if refusal then return redis.error_reply(refusal) end
for i = 4, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    redis.call('HDEL', key, ARGV[i])
  else
    redis.call('HSET', key, ARGV[i], ARGV[i + 1])
  end
end
redis.call('EXPIRE', key, seconds)
`);

/** Without fields that can't be read. */
export async function readOverrides(
  sender: CommandSender,
  key: string,
): Promise<ReadonlyMap<About, Override>> {
  const fields = await sender.command((commands) => commands.hgetall(key));
  const found = new Map<About, Override>();
  for (const [about, text] of Object.entries(fields)) {
    const read = v.safeParse(schema, parsedJson(text));
    if (read.success) found.set(about as About, read.output);
  }
  return found;
}

/** Writes these fields, and keeps all for another 30 days. @param changes `null` removes an override */
export async function saveOverrides(
  sender: CommandSender,
  { key, prefix }: { readonly key: string; readonly prefix: string },
  changes: ReadonlyMap<About, Override | null>,
): Promise<void> {
  const fields = [...changes].flatMap(([about, override]) => [
    about,
    override === null ? '' : JSON.stringify(override),
  ]);
  await runScript(sender, saveScript, 0, [prefix, key, keptSeconds, ...fields]);
}
