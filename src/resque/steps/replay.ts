/**
 * Takes steps for a process that is gone, in its own count: Redis carries out each number once, so that what
 * Redis had done after all, or an earlier try that was cut short, is not done twice. Rejects with RedisError.
 *
 * Redis knows the process for as long as its count or its entry in the registry is there. A recovery takes both away:
 * its jobs are accounted for then, as failed or back on their queues, and its outcomes come too late. So they do if there
 * is a tombstone, or if others have counted jobs: only a Redis without any has lost everything.
 */
import type { ResqueKeys } from '../format/keys.ts';
import { recordedJob } from '../format/worker-record.ts';
import { type Clock, systemClock } from '../redis/clock.ts';
import { LargeReads } from '../redis/large-reads.ts';
import { RedisError } from '../redis/redis-error.ts';
import { runScript, script } from '../redis/script.ts';
import type { CommandSender } from '../redis/send.ts';
import type { SpooledStep, SpooledSteps } from './spooled-steps.ts';
import { type OutcomeWrite, type StepOwner, stepArguments } from './step.ts';
import { stepScript } from './step-script.ts';

/**
 * ARGV: prefix, name and nonce of the process, the step before the first that is to be taken. Sets its count going if that
 * is gone and the process was not recovered: it is in the registry still, or Redis has lost everything.
 */
const resumeCountScript = script(`
local prefix, owner, nonce, last = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if redis.call('EXISTS', prefix .. 'runner:dead:' .. nonce) == 1 then return 0 end
local stepKey = prefix .. 'runner:' .. owner .. ':step'
local knownNonce, step = (redis.call('GET', stepKey) or ''):match('^(%S+) (%d+)$')
if knownNonce == nonce then
  -- What is missing in between went down with the process.
  if tonumber(step) < tonumber(last) then redis.call('SET', stepKey, nonce .. ' ' .. last, 'EX', 604800) end
  return 1
end
local entry = redis.call('HGET', prefix .. 'runners', owner)
if entry then
  local isRead, value = pcall(cjson.decode, entry)
  if not isRead or type(value) ~= 'table' or value.nonce ~= nonce then return 0 end
elseif redis.call('EXISTS', prefix .. 'failed', prefix .. 'stat:processed') > 0 then
  return 0
end
redis.call('SET', stepKey, nonce .. ' ' .. last, 'EX', 604800)
return 1
`);

/**
 * ARGV: prefix, name and nonce of the process, ids of its workers. Nothing is left of what no recovery would find:
 * counts of workers that aren't registered, and of a process that isn't.
 */
const endCountScript = script(`
for i = 4, #ARGV do
  if redis.call('SISMEMBER', ARGV[1] .. 'workers', ARGV[i]) == 0 then
    redis.call('DEL', ARGV[1] .. 'stat:processed:' .. ARGV[i], ARGV[1] .. 'stat:failed:' .. ARGV[i])
  end
end
local stepKey = ARGV[1] .. 'runner:' .. ARGV[2] .. ':step'
if redis.call('HEXISTS', ARGV[1] .. 'runners', ARGV[2]) == 1 then return 0 end
if (redis.call('GET', stepKey) or ''):match('^(%S+) %d+$') ~= ARGV[3] then return 0 end
return redis.call('DEL', stepKey)
`);

export class Replay {
  readonly #sender: CommandSender;
  readonly #keys: ResqueKeys;
  readonly #clock: Clock;
  readonly #reads: LargeReads;

  constructor(sender: CommandSender, keys: ResqueKeys, clock: Clock = systemClock) {
    this.#reads = new LargeReads(sender);
    this.#clock = clock;
    this.#sender = sender;
    this.#keys = keys;
  }

  /** @returns false where others have recovered that process meanwhile: then the steps from there on are not taken */
  async take({ owner, steps }: SpooledSteps): Promise<boolean> {
    let last: number | null = null;
    for (const step of steps) {
      if (step.step - 1 !== last && !(await this.#resumeCount(owner, step.step - 1))) return false;
      last = step.step;
      try {
        await this.#takeStep(owner, step);
      } catch (error) {
        if (error instanceof RedisError && error.message.startsWith('FORGOTTEN')) return false;
        throw error;
      }
    }
    return true;
  }

  /** When the steps are needed no more: not before, or they could be taken again. */
  async forget({ owner, steps }: SpooledSteps): Promise<void> {
    const workers = new Set(steps.flatMap(({ outcomes }) => outcomes.map(({ worker }) => worker)));
    const args = [this.#keys.prefix, owner.name, owner.nonce, ...workers];
    await runScript(this.#sender, endCountScript, 0, args);
  }

  async #resumeCount({ name, nonce }: StepOwner, last: number): Promise<boolean> {
    const args = [this.#keys.prefix, name, nonce, last];
    return (await runScript(this.#sender, resumeCountScript, 0, args)) === 1;
  }

  async #takeStep(owner: StepOwner, { step, outcomes, returns, unrun }: SpooledStep): Promise<void> {
    const back = await Promise.all(unrun.map(({ worker, isHeld }) => this.#takenBack(worker, isHeld)));
    const request = {
      // The newest first, so that the oldest ends at the head.
      outcomes: [...outcomes, ...back.reverse().flat()],
      returns,
      begins: [],
      reservations: [],
      step,
    };
    const now = new Date(this.#clock.nowMs());
    const args = stepArguments(this.#keys, owner, request, now, now);
    await runScript(this.#sender, stepScript, 0, args);
  }

  /** The job that lies on a worker's record without having run. */
  async #takenBack(worker: string, isHeld: boolean): Promise<OutcomeWrite[]> {
    const [record = null, beside = null] = await this.#reads.values([
      this.#keys.worker(worker),
      this.#keys.workerPayload(worker),
    ]);
    const recorded = record === null ? null : recordedJob(record, beside);
    if (recorded === null) return [];
    const { queue, payload } = recorded;
    const job = { queue, payload: payload.bytes };
    return [{ kind: 'requeue', worker, held: isHeld ? job : null, statusName: payload.statusName, ...job }];
  }
}
