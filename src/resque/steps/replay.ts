/**
 * Takes the steps of a process that is gone, under their own numbers. Redis carries out each number once, so nothing happens
 * twice if Redis had done a step after all, or if an earlier attempt was cut short. Rejects with RedisError.
 *
 * Redis knows the process as long as its step key or its entry in the registry exists. A recovery removes both: its jobs
 * are then recorded as failed or back on their queues, and its outcomes come too late. They also come too late if there is
 * a tombstone, or if Redis has failures or counts of other runners: only an empty Redis has lost everything.
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
 * ARGV: prefix, name and nonce of the process, the step before the first one to take. Restores the step key if it is gone and
 * the process was not recovered: the registry still has it, or Redis has lost everything.
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
 * ARGV: prefix, name and nonce of the process, ids of its workers. Removes what no recovery would find: counts of
 * unregistered workers, and the step key of an unregistered process.
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

  readonly #failedLimit: () => number | null;

  /** @param failedLimit see failed-limit.ts */
  constructor(
    sender: CommandSender,
    keys: ResqueKeys,
    clock: Clock = systemClock,
    failedLimit: () => number | null = () => null,
  ) {
    this.#failedLimit = failedLimit;
    this.#reads = new LargeReads(sender);
    this.#clock = clock;
    this.#sender = sender;
    this.#keys = keys;
  }

  /** @returns false if the process has been recovered; the remaining steps are then not taken */
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

  /** Call it only when the steps are no longer needed: after this, they could be taken again. */
  async forget({ owner, steps }: SpooledSteps): Promise<void> {
    const workers = new Set(steps.flatMap(({ outcomes }) => outcomes.map(({ worker }) => worker)));
    const args = [this.#keys.prefix, owner.name, owner.nonce, ...workers];
    await runScript(this.#sender, endCountScript, 0, args);
  }

  async #resumeCount({ name, nonce }: StepOwner, last: number): Promise<boolean> {
    const args = [this.#keys.prefix, name, nonce, last];
    return (await runScript(this.#sender, resumeCountScript, 0, args)) === 1;
  }

  async #takeStep(
    owner: StepOwner,
    { step, outcomes, returns, starts = [], unrun }: SpooledStep,
  ): Promise<void> {
    const back = await Promise.all(unrun.map(({ worker, isHeld }) => this.#takenBack(worker, isHeld)));
    const request = {
      // Newest first, so that the oldest ends at the head.
      outcomes: [...outcomes, ...back.reverse().flat()],
      returns,
      starts,
      begins: [],
      reservations: [],
      step,
    };
    const now = new Date(this.#clock.nowMs());
    const limit = this.#failedLimit();
    const args = stepArguments(this.#keys, owner, request, now, now, undefined, limit);
    await runScript(this.#sender, stepScript, 0, args);
  }

  /** The job on a worker's record, which has not run. */
  async #takenBack(worker: string, isHeld: boolean): Promise<OutcomeWrite[]> {
    const [record = null, beside = null] = await this.#reads.values([
      this.#keys.worker(worker),
      this.#keys.workerPayload(worker),
    ]);
    const recorded = record === null ? null : recordedJob(record, beside);
    if (recorded === null) return [];
    const { queue, payload } = recorded;
    const job = { queue, payload: payload.bytes };
    const held = isHeld ? job : null;
    return [{ kind: 'requeue', worker, held, statusName: payload.statusName, share: queue, ...job }];
  }
}
