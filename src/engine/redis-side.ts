/**
 * The engine's Redis side: takes jobs, hands them over to be run, and writes how they ended. It knows no
 * programs. The engine gives it jobs that are processes, the simulator jobs that are not.
 */
import type { Config } from '../config/config.ts';
import type { EngineFact } from '../protocol/events.ts';
import { describeRedis, outageText, type ReachableRedis } from '../resque/redis/connection.ts';
import type { RedisError } from '../resque/redis/redis-error.ts';
import { ResqueClient } from '../resque/steps/client.ts';
import type { OutcomeWrite } from '../resque/steps/step.ts';
import { Dispatcher } from './dispatch/dispatcher.ts';
import { Drain } from './lifecycle/drain.ts';
import { Heartbeat } from './lifecycle/heartbeat.ts';
import { Recovery } from './lifecycle/recovery.ts';
import { Resync } from './lifecycle/resync.ts';
import { Shutdown, type ShutdownHooks } from './lifecycle/shutdown.ts';
import { Spooling } from './outcomes/spooling.ts';
import { PoolRemoval } from './pools/pool-removal.ts';
import { QueueRouter } from './pools/queue-router.ts';
import type { TakenJob } from './pools/taken-job.ts';
import { workerHostOf, workerId } from './pools/worker-ids.ts';
import type { Machine } from './process/machine.ts';

export interface RedisSideOptions {
  readonly config: Config;
  /** Where Redis is, once an embedded one has been started. */
  readonly redis: ReachableRedis;
  /** For outcomes that Redis can't be told; `null`: those are lost when the process ends. */
  readonly spoolDirectory: string | null;
  /** Stop once every watched queue is empty and nothing runs. */
  readonly drain: boolean;
  readonly machine: Machine;
  readonly publish: (fact: EngineFact) => void;
  /** Starts a job. @returns false if it can't be started; it then goes back to the head of its queue */
  readonly start: (job: TakenJob) => boolean;
  /** Others have accounted for this job. If it went back to its queue, its program must be killed. */
  readonly onDisowned: (job: TakenJob, wentBack: boolean) => void;
  /** These outcomes are in Redis. */
  readonly onWritten: (outcomes: readonly OutcomeWrite[]) => void;
  readonly stopping: Pick<
    ShutdownHooks,
    'terminateJobs' | 'killJobs' | 'childrenGone' | 'onStopping' | 'onStopped'
  >;
}

/** What `status` shows of a runner changes with these. */
const shownFacts: readonly EngineFact['type'][] = ['queue.paused', 'queue.resumed', 'runner.changed'];
/** A queue that could not be read is tried again after this time. */
const unreadableRetryMs = 5_000;

export class RedisSide {
  readonly router: QueueRouter;
  readonly client: ResqueClient;
  readonly dispatcher: Dispatcher;
  readonly shutdown: Shutdown;
  /** Host part of our worker ids. */
  workerHost: string;
  readonly #options: RedisSideOptions;
  readonly #heartbeat: Heartbeat;
  readonly #drain: Drain | null;
  readonly #poolRemoval: PoolRemoval;
  readonly #recovery: Recovery;
  readonly #resync: Resync;
  /** How many names were tried. */
  #names = 1;
  #countRefusal = '';
  readonly #spooling: Spooling;

  constructor(options: RedisSideOptions) {
    const { config, machine, publish } = options;
    this.#options = options;
    this.workerHost = workerHostOf(config);
    const owner = `${this.workerHost}:${machine.identity.pid}`;
    const told = (fact: EngineFact) => {
      publish(fact);
      if (shownFacts.includes(fact.type)) this.#heartbeat.changed();
    };
    this.router = new QueueRouter(told, (slot, key) => workerId(this.client.owner, slot, key));
    const hooks = {
      resume: () => this.#resync.run(),
      onUp: (fact: { readonly serverVersion: string; readonly awayMs: number | null }) => {
        publish({ type: 'redis.up', ...fact });
        // What has changed since the beat of the resync.
        this.#heartbeat.changed();
        this.removePools();
        this.dispatcher.scheduleStep();
      },
      onDown: (error: RedisError) =>
        publish({ type: 'redis.down', reason: outageText(options.redis, error) }),
    };
    const stepOwner = { name: owner, nonce: machine.newNonce() };
    this.client = new ResqueClient(options.redis, config.namespace, stepOwner, hooks, machine);
    const scope = `${describeRedis(config.redis)} ${config.namespace}`;
    const { spoolDirectory: directory } = options;
    this.#spooling = new Spooling({ client: this.client, directory, scope, machine, publish });
    const onWritten = (outcomes: readonly OutcomeWrite[]) => {
      options.onWritten(outcomes);
      this.removePools();
    };
    this.dispatcher = new Dispatcher(this.client, this.router, {
      spooling: this.#spooling,
      start: options.start,
      onWritten,
      onUnreadable: (queue, error) => this.#pauseUnreadable(queue, error),
      onCountRefused: (reason) => {
        if (reason !== this.#countRefusal) publish({ type: 'counter.refused', reason });
        this.#countRefusal = reason;
      },
      onIdle: () => this.#drain?.check(),
    });
    // Programs that were started before a new registration carry the first nonce.
    const mark = this.client.nonce;
    const about = () => ({
      ...machine.identity,
      mark,
      requeues: this.router.requeues,
      maxRecoveries: config.maxRecoveries,
      slots: this.router.pools
        .filter(({ isRemoved }) => !isRemoved)
        .map(({ key, concurrency }) => ({ runner: key, count: concurrency })),
      pauses: this.router.ownPauses,
      ...(this.client.waitsByMoving ? { holds: this.#holds } : {}),
    });
    this.#heartbeat = new Heartbeat(this.client, {
      workers: () => this.router.workers,
      about,
      wantsQueueNames: () => this.router.isDynamic,
      onPaused: (isPaused) => {
        if (this.router.pauseCluster(isPaused)) this.dispatcher.scheduleStep();
      },
      onQueueNames: (names) => {
        if (this.router.expand(names)) this.dispatcher.scheduleStep();
      },
      waitingFor: () => this.dispatcher.wait.queues,
      onSuspectWait: (queues) => this.dispatcher.wait.probe(queues),
    });
    this.#poolRemoval = new PoolRemoval(this.router, this.client, () => this.#heartbeat.now());
    this.#recovery = new Recovery({
      client: this.client,
      machine,
      about,
      beforeRecovery: (dead) => this.#spooling.restoreDead(dead),
      publish,
      onRequeued: () => {
        this.router.expectJobs();
        this.dispatcher.scheduleStep();
      },
    });
    const { client, router, dispatcher } = this;
    this.#resync = new Resync({
      ...{ client, router, dispatcher, publish, about, onWritten },
      recovery: this.#recovery,
      spooling: this.#spooling,
      heartbeat: this.#heartbeat,
      newNonce: machine.newNonce,
      takeNextName: () => this.#takeNextName(),
      onDisowned: options.onDisowned,
    });
    this.shutdown = new Shutdown({
      ...options.stopping,
      client: this.client,
      dispatcher: this.dispatcher,
      shutdownTimeoutSeconds: config.shutdownTimeoutSeconds,
      workers: () => this.router.workers,
      onStopped: (result) => {
        this.#heartbeat.stop();
        this.#recovery.stop();
        options.stopping.onStopped(result);
      },
    });
    const drained = () => this.shutdown.request('drained');
    this.#drain = options.drain ? new Drain(this.client, this.router, this.dispatcher, drained) : null;
  }

  /** Call it after the router has its first config. */
  start(): void {
    this.#heartbeat.start();
    this.#recovery.start();
    this.client.session.start();
  }

  /** Takes over queues, concurrency and limits of a config that was read again. @returns what changed, in words */
  reconfigure({ runners }: Config): string[] {
    const changes = this.router.configure(runners);
    this.removePools();
    this.#heartbeat.now();
    return changes;
  }

  /** Removes entries that are no longer in the config after Redis has their last outcome. */
  removePools(): void {
    if (this.dispatcher.unwritten === 0) this.#poolRemoval.check();
  }

  /** Keys of the runners whose running jobs are on lists of held ones. */
  get #holds(): string[] {
    const holding = this.router.pools.filter(({ config }) => config.delivery === 'at-least-once');
    // Its delivery may have been another when the job began.
    const running = this.dispatcher.ownJobs.filter(({ isHeld }) => isHeld).map(({ pool }) => pool);
    return [...new Set([...holding, ...running])].map(({ key }) => key);
  }

  /** The host part of our worker ids gets a suffix: the process that has this name may live. */
  #takeNextName(): void {
    const { config, machine, publish } = this.#options;
    const holder = this.client.owner;
    this.#names += 1;
    this.workerHost = `${workerHostOf(config)}-${this.#names}`;
    const name = `${this.workerHost}:${machine.identity.pid}`;
    this.client.become({ name });
    this.dispatcher.rename(holder, name);
    for (const pool of this.router.pools) pool.rename();
    publish({ type: 'engine.renamed', workerHost: this.workerHost, holder });
  }

  #pauseUnreadable(queue: string, error: string): void {
    this.router.pauseQueue(queue, 'unreadable', error);
    const resume = () => {
      if (this.shutdown.mode !== null) return;
      this.router.resumeQueue(queue, 'unreadable');
      this.dispatcher.scheduleStep();
    };
    this.#options.machine.clock.after(unreadableRetryMs, resume, { keepsAlive: false });
  }
}
