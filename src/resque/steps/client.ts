/** Everything that a runner does with Redis, as typed operations on one session. All reject with RedisError. */
import { trimArgument } from '../failed/failed-limit.ts';
import { FailedList } from '../failed/failed-list.ts';
import { type ResqueKeys, resqueKeys, stopsAll } from '../format/keys.ts';
import { keyPrefixesOf, type Plugin } from '../format/plugin-keys.ts';
import { heartbeatText, startedText } from '../format/timestamps.ts';
import { listLengths } from '../redis/bulk-reads.ts';
import type { Clock } from '../redis/clock.ts';
import type { ReachableRedis } from '../redis/connection.ts';
import { LargeReads } from '../redis/large-reads.ts';
import { runScript } from '../redis/script.ts';
import type { SessionHooks, SessionMeans } from '../redis/session.ts';
import { RedisSession } from '../redis/session.ts';
import { type RedisFigures, readFigures } from '../waiting/queue-figures.ts';
import { readHeldLists } from '../workers/dead-runners.ts';
import { heartbeatScript, unregisterScript } from '../workers/registration.ts';
import { type RunnerAbout, type RunnerEntry, writeEntry } from '../workers/runner-entry.ts';
import { JobWaits } from './job-waits.ts';
import { permissionScript } from './permission-script.ts';
import { readStanding, type Standing } from './standing.ts';
import type { HeldJob, ReservedJob, StepOwner, StepReply, StepRequest, UnsentJob } from './step.ts';
import { stepScript } from './step-script.ts';
import { type RecordedStepJob, StepSender } from './step-sender.ts';

/** What the required permissions depend on. */
export interface PreparedFor {
  /** Whether any entry is at-least-once. */
  readonly holdsJobs: boolean;
  /** Whether any entry retries jobs. */
  readonly retriesJobs: boolean;
  /** Whether any entry has a limit over all runners. */
  readonly limitsJobs: boolean;
  readonly queues: readonly string[];
  /** The locks that any entry releases. */
  readonly locks?: readonly Plugin[];
}

/** What must grow as long as all is well. */
export interface Progress {
  /** Whether the runner has, or wants, connections to Redis. */
  readonly isOpen: boolean;
  readonly isUp: boolean;
  /** Replies, errors and tries to connect. */
  readonly redis: number;
  readonly stepsUnderWay: number;
  readonly stepsEnded: number;
}

export class ResqueClient {
  readonly keys: ResqueKeys;
  readonly session: RedisSession;
  readonly failed: FailedList;
  readonly reads: LargeReads;
  readonly waits: JobWaits;
  readonly #steps: StepSender;
  /** Redis has never seen this process. */
  isUnknown = true;
  /** The step before the first one of this nonce. */
  firstStep = 0;
  /** `leave` was sent: Redis may know nothing of this process because it has carried that out. */
  mayHaveLeft = false;
  /** Redis' clock minus our monotonic clock. The wall clock may jump, and others would take this runner for silent. */
  #clockOffsetMs = 0;
  #owner: StepOwner;
  /** The last step that is confirmed with all before it. The outbox sets this. */
  lastConfirmed: () => number = () => 0;
  /** Redis has carried out a step. The engine sets this. */
  onStep: (roundTripMs: number) => void = () => {};
  readonly clock: Clock;
  /** See failed-limit.ts. `null`: the list may grow without end. */
  failedLimit: number | null = null;

  /** For scripts that add failures. */
  get failedTrim(): string {
    return trimArgument(this.failedLimit, this.redisNow().getTime());
  }

  /** @param owner this process; its name is `HOST:PID` */
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
    this.session = new RedisSession(redis, hooks, means, owner.nonce);
    this.failed = new FailedList(this.session, this.keys);
    this.reads = new LargeReads(this.session);
    this.waits = new JobWaits(this.session, this.keys, () => this.owner);
    this.#steps = new StepSender(this.session, this.keys, this.reads, {
      elapsedMs: () => this.clock.elapsedMs(),
      replied: (roundTripMs) => this.onStep(roundTripMs),
    });
  }

  get progress(): Progress {
    const { isOpen, isUp, progress: redis } = this.session;
    return { isOpen, isUp, redis, stepsUnderWay: this.#steps.underWay, stepsEnded: this.#steps.ended };
  }

  /** Whether all queues use BLMOVE: BLPOP loses a job that is too large for a reply. */
  get waitsByMoving(): boolean {
    return this.session.server?.waitsByMoving === true;
  }

  get stepOwner(): StepOwner {
    return this.#owner;
  }

  /** `HOST:PID` of this process. */
  get owner(): string {
    return this.#owner.name;
  }

  /** Another one after others have declared this process dead. */
  get nonce(): string {
    return this.#owner.nonce;
  }

  /** This process' entry in the registry, as of now. */
  entry(about: RunnerAbout): RunnerEntry {
    const { connections } = this.session;
    const known = connections === null ? {} : { connections };
    return { ...about, nonce: this.nonce, seenAtMs: this.redisNow().getTime(), ...known };
  }

  /**
   * Call it first on new connections: reads Redis' clock, loads the script and checks permissions. Rejects with RedisError,
   * also if a permission is missing.
   */
  async prepare({ holdsJobs, retriesJobs, limitsJobs, queues, locks = [] }: PreparedFor): Promise<void> {
    const holds = holdsJobs || this.waitsByMoving;
    const isLimited = this.session.server?.replyLimit.kind === 'known';
    const trims = this.failedLimit !== null;
    const means = [holds, isLimited, trims, retriesJobs, limitsJobs].map(Number);
    const args = [this.keys.prefix, this.owner, ...means, keyPrefixesOf(locks).join(' '), ...queues];
    // All at once, in one round trip.
    const [, , mayReadPieces] = await Promise.all([
      this.#readClock(),
      this.session.command((commands) => commands.script('LOAD', stepScript.source)),
      runScript(this.session, permissionScript, 0, args),
    ]);
    this.session.mayReadPieces = mayReadPieces === 1;
  }

  /**
   * What Redis knows of this process. Registers it if that is all that Redis should know.
   *
   * @param confirmed number of the last confirmed step, 0 at first
   */
  standing(confirmed: number, about: RunnerAbout): Promise<Standing> {
    this.isUnknown = false;
    return readStanding(this.session, this.keys, this.#owner, this.firstStep, confirmed, this.entry(about));
  }

  /** Continues as a process that Redis has never seen, with the steps after this one. */
  becomeNew(nonce: string, lastStep: number): void {
    this.#owner = { ...this.#owner, nonce };
    this.firstStep = lastStep;
    this.mayHaveLeft = false;
  }

  /**
   * Takes a step. If Redis has forgotten the script, its text is not sent instead, because it would arrive after later
   * steps. That counts as an outage: `prepare` loads the script again, and the steps are repeated.
   */
  takeStep(request: StepRequest): Promise<StepReply> {
    return this.#steps.send(this.#owner, request, this.now(), this.redisNow(), this.failedLimit);
  }

  /** Reads the payload that a step's reply had no room for. */
  bring(job: UnsentJob): Promise<ReservedJob> {
    return this.#steps.bring(job);
  }

  /**
   * All held jobs of this process, oldest first.
   *
   * @param queues looked at even if the set of held queues was lost
   */
  async heldJobs(queues: readonly string[]): Promise<HeldJob[]> {
    const lists = await readHeldLists(this.session, this.reads, this.keys, this.owner, queues);
    return lists.flatMap(({ queue, payloads }) => payloads.map((payload) => ({ queue, payload })));
  }

  /**
   * Heartbeat of all current workers, by Redis' clock. Registers workers that are not (or no longer) registered.
   *
   * @param about what others need to recover this process if it dies; `null` leaves its entry unchanged
   */
  async heartbeat(workers: () => readonly string[], about: RunnerAbout | null = null): Promise<void> {
    await this.#readClock();
    // Asked only now, so that a worker unregistered during the wait doesn't come back.
    const ids = workers();
    if (ids.length === 0 && about === null) return;
    const entry = about === null ? '' : writeEntry(this.entry(about));
    const times = [startedText(this.now()), heartbeatText(this.redisNow())];
    const args = [this.keys.prefix, ...times, this.owner, this.nonce, this.lastConfirmed(), entry, ...ids];
    await runScript(this.session, heartbeatScript, 0, args);
  }

  /** How many of these queues hold jobs. */
  filledQueues(queues: readonly string[]): Promise<number> {
    const keys = queues.map((queue) => this.keys.queue(queue));
    return this.session.command((commands) => commands.exists(...keys));
  }

  /** Whether `pause-all-workers` stops all workers. */
  async isPaused(): Promise<boolean> {
    return stopsAll(await this.session.command((commands) => commands.get(this.keys.pauseAllWorkers)));
  }

  /** Names of all queues, decoded as UTF-8. */
  queueNames(): Promise<string[]> {
    return this.session.command((commands) => commands.smembers(this.keys.queues));
  }

  /** Waiting jobs per queue; -1 if the key is not a list. */
  async backlog(queues: readonly string[]): Promise<Map<string, number>> {
    const lengths = await listLengths(
      this.session,
      queues.map((queue) => this.keys.queue(queue)),
    );
    return new Map(queues.map((queue, at) => [queue, lengths[at] ?? -1]));
  }

  /** See queue-figures.ts. */
  figures(queues: readonly string[]): Promise<RedisFigures> {
    return readFigures(this.session, this.keys, queues);
  }

  /**
   * The end of this process: takes the workers off all lists and removes its keys. Jobs that are still held go back, such
   * as those that came to a connection which had been given up.
   */
  leave(workers: readonly string[]): Promise<unknown> {
    this.mayHaveLeft = true;
    return this.#unregister(true, workers);
  }

  /** Takes the workers off all lists. */
  async unregister(workers: readonly string[]): Promise<void> {
    if (workers.length > 0) await this.#unregister(false, workers);
  }

  #unregister(isEnd: boolean, workers: readonly string[]): Promise<unknown> {
    const args = [
      ...[this.keys.prefix, this.owner, this.nonce, this.lastConfirmed()],
      isEnd ? 1 : 0,
      ...workers,
    ];
    return runScript(this.session, unregisterScript, 0, args);
  }

  /** See `StepSender`. */
  async recordedJob(worker: string, step: number, hasAttempts: boolean): Promise<RecordedStepJob | null> {
    const job = await this.#steps.recordedJob(worker, step, hasAttempts);
    if (job !== null) this.suspect(job.payload.bytes);
    return job;
  }

  /** The reply with this payload was lost, perhaps because it was too large. */
  suspect(payload: Buffer): void {
    if (payload.length > this.session.replyLimit) this.session.tellOutgrown();
  }

  async #readClock(): Promise<void> {
    const before = this.clock.elapsedMs();
    const [seconds, micros] = await this.session.command((commands) => commands.time());
    this.#clockOffsetMs = Number(seconds) * 1000 + Number(micros) / 1000 - before;
  }

  now(): Date {
    return new Date(this.clock.nowMs());
  }

  /** The time after a delay, by Redis' clock: in whole seconds, never early. A date would drop parts of a millisecond. */
  dueSeconds(delaySeconds: number): number {
    return Math.ceil((this.clock.elapsedMs() + this.#clockOffsetMs) / 1000 + delaySeconds);
  }

  redisNow(): Date {
    return new Date(this.clock.elapsedMs() + this.#clockOffsetMs);
  }
}
