/**
 * The engine's Redis side: takes jobs, has them run, and writes how they ended. It knows nothing about programs: in the
 * engine, jobs are processes; in the simulator, they are not.
 */
import type { Config, Schedule } from '../config/config.ts';
import type { EngineFact } from '../protocol/events.ts';
import { describeRedis, outageText, type ReachableRedis } from '../resque/redis/connection.ts';
import type { RedisError } from '../resque/redis/redis-error.ts';
import { ResqueClient } from '../resque/steps/client.ts';
import type { OutcomeWrite } from '../resque/steps/step.ts';
import { Dispatcher } from './dispatch/dispatcher.ts';
import type { JobRunner } from './jobs/running-jobs.ts';
import { Drain } from './lifecycle/drain.ts';
import { Heartbeat } from './lifecycle/heartbeat.ts';
import { OverrideKeeper } from './lifecycle/override-keeper.ts';
import { Recovery } from './lifecycle/recovery.ts';
import { RemovedFailures } from './lifecycle/removed-failures.ts';
import { Resync } from './lifecycle/resync.ts';
import { Shutdown, type StopResult } from './lifecycle/shutdown.ts';
import type { Peers } from './lifecycle/worker-commands.ts';
import { Spooling } from './outcomes/spooling.ts';
import { schedulesChanged } from './pools/config-changes.ts';
import { aboutPools, baseHostOf, type Pool, workerHostOf } from './pools/pool.ts';
import type { QueueRouter } from './pools/queue-router.ts';
import type { EngineMeans } from './process/engine-means.ts';
import { DueJobMover } from './scheduling/due-job-mover.ts';

export interface RedisSideOptions {
  readonly config: Config;
  /** The address of Redis, after an embedded one has started. */
  readonly redis: ReachableRedis;
  /** For outcomes that Redis can't store; with `null`, they are lost when the process ends. */
  readonly spoolDirectory: string | null;
  /** Absolute; `null`: what operators set by hand ends with this process. */
  readonly configFile?: string | null;
  /** Stop when all watched queues are empty and nothing runs. */
  readonly drain: boolean;
  readonly machine: EngineMeans;
  readonly publish: (fact: EngineFact) => void;
  readonly router: QueueRouter;
  /** Runs the jobs. */
  readonly jobs: JobRunner;
  /** Identifies this process, unless others declare it dead: then it goes on with another one. */
  readonly nonce: string;
  /** Redis has these outcomes. */
  readonly onWritten?: (outcomes: readonly OutcomeWrite[]) => void;
  /** Redis has this failure, of a job of this runner or of a dead one. */
  readonly onRecorded?: (record: string | Buffer) => void;
  /** The runner stops, and its last job has ended. */
  readonly onJobsGone?: () => void;
}

/** These change what `status` shows of a runner. */
const shownFacts: readonly EngineFact['type'][] = [
  ...(['queue.paused', 'queue.resumed', 'queues.paused', 'queues.resumed', 'runner.changed'] as const),
];
/** An unreadable queue is tried again after this time. */
const unreadableRetryMs = 5_000;

export class RedisSide {
  readonly router: QueueRouter;
  readonly client: ResqueClient;
  readonly dispatcher: Dispatcher;
  readonly shutdown: Shutdown;
  /** Resolves when all jobs have ended, their outcomes are written and the workers are unregistered. */
  readonly stopped: Promise<StopResult>;
  /** Host part of the worker ids. */
  readonly workerHost: string;
  readonly #options: RedisSideOptions;
  readonly #heartbeat: Heartbeat;
  readonly #drain: Drain | null;
  readonly #recovery: Recovery;
  readonly #removedFailures: RemovedFailures;
  readonly #resync: Resync;
  readonly #mover: DueJobMover;
  readonly #overrides: OverrideKeeper;
  #countRefusal = '';
  #scheduled: readonly Schedule[];
  readonly #spooling: Spooling;

  constructor(options: RedisSideOptions) {
    const { config, machine, publish, router, jobs, nonce: mark } = options;
    const { onRecorded = () => {}, onJobsGone = () => {} } = options;
    this.#options = options;
    this.#scheduled = config.schedules;
    this.router = router;
    this.workerHost = workerHostOf(config, mark);
    const hooks = {
      resume: () => this.#resync.run(),
      onUp: (fact: { readonly serverVersion: string; readonly awayMs: number | null }) => {
        publish({ type: 'redis.up', ...fact });
        // The pauses and slots may have changed since the resync's heartbeat.
        this.#heartbeat.changed();
        this.#overrides.connected();
        this.removePools();
        this.#removedFailures.look();
        this.dispatcher.scheduleStep();
        this.#mover.moveNow();
      },
      onDown: (error: RedisError) =>
        publish({ type: 'redis.down', reason: outageText(options.redis, error) }),
    };
    const stepOwner = { name: router.owner, nonce: mark };
    this.client = new ResqueClient(options.redis, config.namespace, stepOwner, hooks, machine);
    this.client.failedLimit = config.failedLimit;
    this.#removedFailures = new RemovedFailures(this.client, publish);
    const { configFile = null, drain } = options;
    // A drain ends with its queues: it neither follows earlier decisions nor leaves any for the next runner.
    const key =
      configFile === null || drain ? null : this.client.keys.overrides(baseHostOf(config), configFile);
    this.#overrides = new OverrideKeeper({ ...{ key, router, publish }, client: this.client });
    const scope = `${describeRedis(config.redis)} ${config.namespace}`;
    const { spoolDirectory: directory } = options;
    this.#spooling = new Spooling({ client: this.client, directory, scope, machine, publish, onRecorded });
    const onWritten = (outcomes: readonly OutcomeWrite[]) => {
      const { totals, unwritten } = this.dispatcher.outbox;
      if (outcomes.length > 0) publish({ type: 'counters.changed', ...totals, unwritten });
      options.onWritten?.(outcomes);
      for (const outcome of outcomes) if (outcome.kind === 'failure') onRecorded(outcome.record);
      this.removePools();
    };
    this.dispatcher = new Dispatcher({
      ...{ client: this.client, router, jobs, spooling: this.#spooling, onWritten },
      onUnreadable: (queue, error) => this.#pauseUnreadable(queue, error),
      onCountRefused: (reason) => {
        if (reason !== this.#countRefusal) publish({ type: 'counter.refused', reason });
        this.#countRefusal = reason;
      },
      onDelaysRefused: (count) => publish({ type: 'retries.refused', count }),
      onIdle: () => this.#drain?.check(),
    });
    // Stays after a new registration with another nonce: running programs carry the first one.
    const about = () => ({
      ...machine.identity,
      mark,
      maxRecoveries: config.maxRecoveries,
      ...aboutPools(this.router.pools),
      pauses: this.router.ownPauses,
      ...(this.#mover.isNeeded ? { moves: true as const } : {}),
      ...(this.client.waitsByMoving ? { holds: this.#holds } : {}),
    });
    this.#heartbeat = new Heartbeat(this.client, {
      workers: () => this.router.workers,
      about,
      wantsQueueNames: () => this.router.isDynamic,
      onPaused: (isPaused) => {
        this.router.setCondition('all', isPaused ? 'pause-all-workers is set' : null);
      },
      onQueueNames: (names) => {
        if (this.router.expand(names)) this.dispatcher.scheduleStep();
      },
      waitingFor: () => this.dispatcher.wait.queues,
      onSuspectWait: (queues) => this.dispatcher.wait.probe(queues),
    });
    this.#recovery = new Recovery({
      client: this.client,
      machine,
      about,
      beforeRecovery: (dead) => this.#spooling.restoreDead(dead),
      ...{ publish, onRecorded },
      onRequeued: () => {
        this.router.expectJobs();
        this.dispatcher.scheduleStep();
      },
    });
    const { client, dispatcher } = this;
    this.#resync = new Resync({
      ...{ client, router, dispatcher, publish, about, onWritten, onRecorded },
      recovery: this.#recovery,
      spooling: this.#spooling,
      heartbeat: this.#heartbeat,
      overrides: this.#overrides,
      newNonce: machine.newNonce,
    });
    this.#mover = new DueJobMover({ client, config, publish });
    this.shutdown = new Shutdown({
      ...{ client, dispatcher, jobs, publish, onJobsGone, mover: this.#mover },
      shutdownTimeoutSeconds: config.shutdownTimeoutSeconds,
      workers: () => router.workers,
    });
    this.stopped = this.#untilStopped();
    const drained = () => this.shutdown.request('drained');
    this.#drain = drain ? new Drain(this.client, this.router, this.dispatcher, drained) : null;
  }

  async #untilStopped(): Promise<StopResult> {
    const result = await this.shutdown.finished;
    this.#heartbeat.stop();
    this.#recovery.stop();
    this.#removedFailures.stop();
    this.#overrides.stop();
    return result;
  }

  /** What `status` shows of this runner changes with some events. */
  heard({ type }: EngineFact): void {
    if (shownFacts.includes(type)) this.#heartbeat.changed();
  }

  /** Call it after the router has its first config. */
  start(): void {
    this.#heartbeat.start();
    this.#recovery.start();
    this.#removedFailures.start();
    this.#overrides.start();
    this.client.session.start();
  }

  /** Applies the entries of a config that was read again. @returns what changed, for people */
  reconfigure(config: Config): string[] {
    const { runners, schedules, failedLimit } = config;
    const unlimited = this.router.pools.filter((pool) => pool.config.limit === null);
    const changes = [...this.router.configure(runners), ...schedulesChanged(this.#scheduled, schedules)];
    this.#scheduled = schedules;
    if (failedLimit !== this.client.failedLimit) {
      changes.push(`failedLimit: ${this.client.failedLimit ?? 'none'} → ${failedLimit ?? 'none'}`);
      this.client.failedLimit = failedLimit;
    }
    // Jobs that run count for a new limit.
    for (const job of this.dispatcher.ownJobs) {
      const { pool, payload } = job;
      if (unlimited.includes(pool) && pool.config.limit !== null && payload.isObject)
        this.dispatcher.outbox.begin(job);
    }
    this.removePools();
    this.#mover.reconfigure(config);
    this.#heartbeat.now();
    return changes;
  }

  /** The workers of this runner and of others, in Redis. */
  get peers(): Peers {
    const { machine, onRecorded = () => {} } = this.#options;
    return { client: this.client, here: machine, recovery: this.#recovery, onRecorded };
  }

  /** Outcomes of this process that are on the disk. */
  get spooled(): number {
    return this.#spooling.count;
  }

  /** The schedules of the config. */
  get schedules(): readonly Schedule[] {
    return this.#scheduled;
  }

  /** Removes pools that have left the config, after Redis has their last outcome. */
  removePools(): void {
    if (this.dispatcher.unwritten > 0 || !this.client.session.isUp) return;
    for (const pool of this.router.pools) {
      if (pool.isRemoved && pool.busy === 0 && pool.workers.length > 0) void this.#remove(pool);
    }
  }

  async #remove(pool: Pool): Promise<void> {
    const slots = pool.slots.filter((slot) => slot.isRegistered);
    // From now on, no heartbeat may register them again.
    for (const slot of slots) slot.isRegistered = false;
    try {
      await this.client.unregister(slots.map((slot) => slot.worker));
    } catch (error) {
      // Still registered: tried again when Redis is back.
      for (const slot of slots) slot.isRegistered = true;
      this.client.session.fail(error);
      return;
    }
    if (pool.isRemoved) {
      this.router.remove(pool);
      return;
    }
    // A config brought the pool back in the meantime.
    for (const slot of pool.slots.slice(0, 1)) slot.isRegistered = true;
    this.#heartbeat.now();
  }

  /** Keys of the pools whose running jobs are on lists of held jobs. */
  get #holds(): string[] {
    const holding = this.router.pools.filter(({ config }) => config.delivery === 'at-least-once');
    // A pool's delivery may have changed since the job began.
    const running = this.dispatcher.ownJobs.filter(({ isHeld }) => isHeld).map(({ pool }) => pool);
    return [...new Set([...holding, ...running])].map(({ key }) => key);
  }

  #pauseUnreadable(queue: string, error: string): void {
    this.router.setCondition(`queue:${queue}`, error);
    const resume = () => {
      if (this.shutdown.mode === null) this.router.setCondition(`queue:${queue}`, null);
    };
    this.#options.machine.clock.after(unreadableRetryMs, resume, { keepsAlive: false });
  }
}
