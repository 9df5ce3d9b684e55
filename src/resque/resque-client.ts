/**
 * Everything that a fleet of workers does with Redis, as typed operations on one session. All reject with
 * `RedisTrouble`.
 */
import {
  type AdvanceBatch,
  type AdvanceReply,
  advanceArguments,
  advanceReply,
  type HeldJob,
  prepareScript,
  type StepOwner,
} from './advance.ts';
import { advanceScript } from './advance-script.ts';
import type { Clock } from './clock.ts';
import type { ReachableRedis, Redis } from './connection.ts';
import { FailedList } from './failed-list.ts';
import { heartbeatScript } from './heartbeat.ts';
import { type ResqueKeys, resqueKeys } from './keys.ts';
import { leaveScript } from './leave-script.ts';
import { stopsAll } from './pause-all.ts';
import { type Payload, readPayload } from './payload.ts';
import { runScript } from './run-script.ts';
import { type RunnerAbout, writeEntry } from './runner-entry.ts';
import { RedisSession, type SessionHooks, type SessionMeans } from './session.ts';
import { heartbeatText, startedText } from './timestamps.ts';
import { answerLimitMs } from './within-limit.ts';
import { payloadOfRecord, queueOfRecord } from './worker-record.ts';

/** A job that BLPOP brought: it is in no key until `advance` begins or returns it. */
export interface PoppedJob {
  readonly queue: string;
  readonly payload: Buffer;
  /** BLMOVE brought it: it is on the list of held jobs. */
  readonly isHeld: boolean;
}

/**
 * Redis may hold the connection of a host that is gone for ten minutes and more, and goes on to hand it jobs. So
 * waits end by themselves, long before such a host is recovered as dead: nothing comes to it after that.
 */
const longestWaitSeconds = 60;
const waitLimitMs = longestWaitSeconds * 1_000 + answerLimitMs;

export class ResqueClient {
  readonly keys: ResqueKeys;
  readonly session: RedisSession;
  readonly failed: FailedList;
  /** Redis' clock minus ours, in milliseconds. */
  #clockOffsetMs = 0;

  readonly #owner: StepOwner;

  readonly clock: Clock;

  /** @param owner the process whose steps `advance` takes; its name is `HOST:PID` */
  constructor(
    redis: ReachableRedis,
    namespace: string,
    owner: StepOwner,
    hooks: SessionHooks,
    means: SessionMeans,
  ) {
    this.#owner = owner;
    this.clock = means.clock;
    this.keys = resqueKeys(namespace);
    this.session = new RedisSession(redis, hooks, means);
    this.failed = new FailedList(this.session, this.keys);
  }

  /** `HOST:PID` of this process. */
  get owner(): string {
    return this.#owner.name;
  }

  /** Tells this process from an earlier or later one of the same name. */
  get nonce(): string {
    return this.#owner.nonce;
  }

  /**
   * To be called on fresh connections, before the first `advance`.
   *
   * @param lastStep the last one that is known to be done, 0 at first
   */
  async prepare(lastStep: number): Promise<void> {
    await this.session.command((commands) => commands.script('LOAD', advanceScript.source));
    await runScript(this.session, prepareScript, 0, [
      this.keys.runnerStep(this.#owner.name),
      this.#owner.nonce,
      lastStep,
    ]);
  }

  /**
   * Takes a step. There is no second try with the script's text, as for other scripts: it would come after
   * steps that were sent meanwhile. A Redis that has forgotten the script is prepared anew, like after an
   * outage, and every step of then repeated in its order.
   */
  async advance(batch: AdvanceBatch): Promise<AdvanceReply> {
    const args = advanceArguments(this.keys, this.#owner, batch, this.#now(), this.#redisNow());
    const reply = await this.session.command((commands) =>
      commands.callBuffer('EVALSHA', [advanceScript.sha1, 0, ...args]),
    );
    return advanceReply(batch, reply);
  }

  /**
   * Waits until one of the queues has a job and takes it, first queue first.
   *
   * @returns `null` when `endWait` ended the wait, or it was as long as a wait may be
   */
  async waitForJob(queues: readonly string[]): Promise<PoppedJob | null> {
    const keys = queues.map((queue) => this.keys.queue(queue));
    const popped = await this.session.blockingCommand(
      (blocker) => blocker.blpopBuffer(keys, longestWaitSeconds),
      waitLimitMs,
    );
    if (popped === null) return null;
    const [key, payload] = popped as [Buffer, Buffer];
    return { queue: key.toString('utf8').slice(this.keys.queue('').length), payload, isHeld: false };
  }

  /**
   * The same for one at-least-once queue, on a connection of its own: the job moves onto the list of held ones.
   */
  async waitForHeldJob(queue: string): Promise<PoppedJob | null> {
    const { keys, owner } = this;
    // First of all: a list that nobody knows of would be recovered by nobody.
    await this.session.command((commands) => commands.sadd(keys.heldQueues(owner), queue));
    const payload = await this.session.extraBlockingCommand(
      queue,
      (blocker) =>
        blocker.blmoveBuffer(keys.queue(queue), keys.held(owner, queue), 'LEFT', 'RIGHT', longestWaitSeconds),
      waitLimitMs,
    );
    return payload === null ? null : { queue, payload, isHeld: true };
  }

  endHeldWait(queue: string): Promise<boolean> {
    return this.session.unblockExtra(queue);
  }

  /** All that is on our lists of held jobs, oldest first. */
  async heldJobs(): Promise<HeldJob[]> {
    const { keys, owner } = this;
    const queues = await this.session.command((commands) => commands.smembers(keys.heldQueues(owner)));
    const lists = await Promise.all(
      queues.map(async (queue) => {
        const payloads = await this.session.command((commands) =>
          commands.lrangeBuffer(keys.held(owner, queue), 0, -1),
        );
        return payloads.map((payload) => ({ queue, payload }));
      }),
    );
    return lists.flat();
  }

  /** True where a wait was ended; false where there was none (any more). */
  endWait(): Promise<boolean> {
    return this.session.unblock();
  }

  /**
   * Sign of life of the workers that there are at the moment of writing, by Redis' clock; registers those that
   * are not (or no longer) registered.
   *
   * @param about what others need to know of this process should it die; `null`: nobody is to recover it
   */
  async heartbeat(workers: () => readonly string[], about: RunnerAbout | null = null): Promise<void> {
    const before = this.clock.nowMs();
    const [seconds, micros] = await this.session.command((commands) => commands.time());
    this.#clockOffsetMs = Number(seconds) * 1000 + Number(micros) / 1000 - before;
    // Asked for only now: one that was unregistered meanwhile must not come back.
    const ids = workers();
    if (ids.length === 0 && about === null) return;
    const seenAtMs = this.#redisNow().getTime();
    const entry = about === null ? '' : writeEntry({ ...about, nonce: this.nonce, seenAtMs });
    const times = [startedText(this.#now()), heartbeatText(this.#redisNow())];
    const args = [this.keys.prefix, ...times, this.owner, entry, ...ids];
    await runScript(this.session, heartbeatScript, 0, args);
  }

  /** How many of these queues hold jobs. */
  filledQueues(queues: readonly string[]): Promise<number> {
    const keys = queues.map((queue) => this.keys.queue(queue));
    return this.session.command((commands) => commands.exists(...keys));
  }

  /** Whether `pause-all-workers` stops everyone. */
  async isPaused(): Promise<boolean> {
    return stopsAll(await this.session.command((commands) => commands.get(this.keys.pauseAllWorkers)));
  }

  /** Names of all queues, as far as they are UTF-8. */
  queueNames(): Promise<string[]> {
    return this.session.command((commands) => commands.smembers(this.keys.queues));
  }

  /** Jobs waiting per queue; -1 where the key is no list. */
  async backlog(queues: readonly string[]): Promise<Map<string, number>> {
    const lengths = await this.#lengths(queues.map((queue) => this.keys.queue(queue)));
    return new Map(queues.map((queue, at) => [queue, lengths[at] ?? -1]));
  }

  /** The same, and how many failures there are, in one go. */
  async listLengths(
    queues: readonly string[],
  ): Promise<{ backlogs: ReadonlyMap<string, number>; failures: number }> {
    const keys = queues.map((queue) => this.keys.queue(queue));
    const [failures, ...lengths] = await this.#lengths([this.keys.failed, ...keys]);
    return {
      backlogs: new Map(queues.map((queue, at) => [queue, lengths[at] ?? -1])),
      failures: failures ?? -1,
    };
  }

  async #lengths(keys: readonly string[]): Promise<number[]> {
    const replies = await this.session.command((commands) => {
      const pipeline = commands.pipeline();
      for (const key of keys) pipeline.llen(key);
      return pipeline.exec();
    });
    return keys.map((_, at) => Number(replies?.[at]?.[1] ?? -1));
  }

  /**
   * Nothing more will be said: takes the workers off every list and forgets the step. What still is on a list of
   * held jobs, as a wait on a connection that was given up may have brought, goes back.
   */
  async leave(workers: readonly string[]): Promise<void> {
    await this.unregister(workers);
    await runScript(this.session, leaveScript, 0, [this.keys.prefix, this.owner]);
  }

  /** Takes the workers off every list. */
  async unregister(workers: readonly string[]): Promise<void> {
    if (workers.length === 0) return;
    await this.session.command(async (commands) => {
      const results = await this.#unregistration(commands, workers).exec();
      const failed = results?.find(([error]) => error !== null);
      if (failed?.[0]) throw failed[0];
    });
  }

  #unregistration(commands: Redis, workers: readonly string[]) {
    const { keys } = this;
    const transaction = commands.multi();
    transaction.srem(keys.workers, ...workers);
    for (const id of workers) {
      transaction.del(
        keys.worker(id),
        keys.workerStarted(id),
        keys.workerPayload(id),
        keys.workerProcessed(id),
        keys.workerFailed(id),
      );
    }
    transaction.hdel(keys.heartbeat, ...workers);
    return transaction;
  }

  /** The job that is recorded on a worker of ours, or `null`. */
  async recordedJob(worker: string): Promise<{ queue: string; payload: Payload } | null> {
    const [record, payload] = await this.session.command((commands) =>
      commands.mgetBuffer(this.keys.worker(worker), this.keys.workerPayload(worker)),
    );
    if (!record) return null;
    const queue = queueOfRecord(record);
    const recorded = payload ? readPayload(payload) : payloadOfRecord(record);
    return queue === null || recorded === null ? null : { queue, payload: recorded };
  }

  #now(): Date {
    return new Date(this.clock.nowMs());
  }

  #redisNow(): Date {
    return new Date(this.clock.nowMs() + this.#clockOffsetMs);
  }
}
