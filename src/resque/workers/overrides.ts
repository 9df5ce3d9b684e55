/**
 * What operators have set by hand for the runner of a config on a host: a hash with a field for each decision. It outlives the
 * runner, so the next one continues with it. Several runners of the same config on one host share it: each writes only the
 * fields that it changes, and the last change wins. All reject with RedisError.
 */
import { runScript, script, scriptChecks } from '../redis/script.ts';
import type { CommandSender } from '../redis/send.ts';

/** Differs from the config until someone goes back to it. */
export interface Override {
  /** Who set it; '' if unknown. */
  readonly by: string;
  /** By the runner's clock. */
  readonly sinceMs: number;
  /** The slots of an entry; left out for a pause. */
  readonly slots?: number;
}

/** What an override is about: the fields of the hash. */
export const overrideOf = {
  everyQueue: 'all',
  queue: (name: string) => `queue:${name}`,
  /** All queues of an entry that has several. */
  entry: (key: string) => `entry:${key}`,
  slots: (key: string) => `slots:${key}`,
} as const;

const kinds = ['all', 'queue', 'entry', 'slots'] as const;

/** @returns `null` if this version doesn't know such overrides */
export function readAbout(
  about: string,
): { readonly kind: (typeof kinds)[number]; readonly name: string } | null {
  const [word = '', ...name] = about.split(':');
  const kind = kinds.find((known) => known === word);
  return kind === undefined ? null : { kind, name: name.join(':') };
}

/** Long enough for a machine that is away for a while, and short enough that a removed config leaves nothing for good. */
const keptSeconds = 30 * 24 * 60 * 60;
/** The latest possible date. */
const latestMs = 8.64e15;

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

/** By what they are about; without fields that this version can't read. */
export async function readOverrides(
  sender: CommandSender,
  key: string,
): Promise<ReadonlyMap<string, Override>> {
  const fields = await sender.command((commands) => commands.hgetall(key));
  const found = new Map<string, Override>();
  for (const [about, text] of Object.entries(fields)) {
    const override = readOverride(text);
    if (override !== null) found.set(about, override);
  }
  return found;
}

/** Writes these fields, and keeps all for another 30 days. @param changes `null` removes an override */
export async function saveOverrides(
  sender: CommandSender,
  { key, prefix }: { readonly key: string; readonly prefix: string },
  changes: ReadonlyMap<string, Override | null>,
): Promise<void> {
  const fields = [...changes].flatMap(([about, override]) => [
    about,
    override === null ? '' : JSON.stringify(override),
  ]);
  await runScript(sender, saveScript, 0, [prefix, key, keptSeconds, ...fields]);
}

/** @returns `null` if this version can't read it */
function readOverride(text: string): Override | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return null;
    const { by, sinceMs, slots } = value as Partial<Override>;
    if (typeof by !== 'string' || typeof sinceMs !== 'number' || !(Math.abs(sinceMs) <= latestMs))
      return null;
    if (slots === undefined) return { by, sinceMs };
    return Number.isSafeInteger(slots) && slots >= 1 ? { by, sinceMs, slots } : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
