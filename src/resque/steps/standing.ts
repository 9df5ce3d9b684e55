/**
 * What Redis knows of a runner process that has just connected, compared with what the process knows. The same script
 * registers it.
 *
 *     dead     others declared it dead and settled its jobs: it must start again with a new nonce
 *     known    Redis knows its last confirmed step, or this is its first connection
 *     older    Redis knows fewer steps than it has confirmed: it lost its data, or went back to an older copy
 */
import type { ResqueKeys } from '../format/keys.ts';
import { runScript, script, scriptChecks } from '../redis/script.ts';
import type { CommandSender } from '../redis/send.ts';
import { type RunnerEntry, writeEntry } from '../workers/runner-entry.ts';
import type { StepOwner } from './step.ts';

export type Standing =
  /** `lastStep`: the last step before the recovery. */
  | { readonly kind: 'dead'; readonly lastStep: number }
  | { readonly kind: 'known' }
  /** `lastStep`: the last step that Redis knows; the one before its first if none. */
  | { readonly kind: 'older'; readonly lastStep: number };

/**
 * ARGV: prefix, owner, nonce, the step before its first one, its last confirmed step, its entry. A step key of another nonce
 * is from before this process was declared dead: Redis came back older.
 */
const standingScript = script(`
local prefix, owner, nonce, entry = ARGV[1], ARGV[2], ARGV[3], ARGV[6]
local first, confirmed = tonumber(ARGV[4]), tonumber(ARGV[5])
${scriptChecks}
local stepKey = prefix .. 'runner:' .. owner .. ':step'
needType('string', stepKey)
needType('hash', prefix .. 'runners')
need('SET', stepKey, '')
need('HSET', prefix .. 'runners', owner, '')
local tombstone = read('GET', prefix .. 'runner:dead:' .. nonce)
if refusal then return redis.error_reply(refusal) end
if tombstone then return { 'dead', tombstone } end
local knownNonce, step = (redis.call('GET', stepKey) or ''):match('^(%S+) (%d+)$')
local last = knownNonce == nonce and tonumber(step) or first
if last < confirmed or knownNonce and knownNonce ~= nonce then return { 'older', tostring(last) } end
if knownNonce ~= nonce then redis.call('SET', stepKey, nonce .. ' ' .. first, 'EX', 604800) end
redis.call('HSET', prefix .. 'runners', owner, entry)
return { 'known', '' }
`);

/** Rejects with RedisError. */
export async function readStanding(
  sender: CommandSender,
  keys: ResqueKeys,
  owner: StepOwner,
  first: number,
  confirmed: number,
  entry: RunnerEntry,
): Promise<Standing> {
  const args = [keys.prefix, owner.name, owner.nonce, first, confirmed, writeEntry(entry)];
  const reply = (await runScript(sender, standingScript, 0, args)) as readonly [Buffer, Buffer];
  const [kind, detail] = reply.map(String) as [Standing['kind'], string];
  switch (kind) {
    case 'dead':
    case 'older':
      return { kind, lastStep: Number(detail) };
    case 'known':
      return { kind };
  }
}
