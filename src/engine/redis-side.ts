/**
 * The engine's Redis side: takes jobs, hands them over to be run, and writes how they ended. It knows no
 * programs. The engine gives it jobs that are processes, the simulator jobs that are not.
 */
import type { Config } from '../config/config.ts';
import type { EngineFact } from '../protocol/events.ts';
import { describeRedis, type ReachableRedis } from '../resque/redis/connection.ts';
import { outageText } from '../resque/redis/error-text.ts';
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
  readonly fleet: QueueRouter;
  readonly client: ResqueClient;
  readonly dispatcher: Dispatcher;
  readonly shutdown: Shutdown;
  /** Host part of our worker ids. */
  workerHost: string;
  readonly #options: RedisSideOptions;
  readonly #vitals: Heartbeat;
  readonly #drain: Drain | null;
  readonly #retirement: PoolRemoval;
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
      if (shownFacts.includes(fact.type)) this.#vitals.changed();
    };
    this.fleet = new QueueRouter(told, (slot, key) => workerId(this.client.owner, slot, key));
    const hooks = {
      resume: () => this.#resync.run(),
      onUp: (fact: { readonly serverVersion: string; readonly awayMs: number | null }) => {
        publish({ type: 'redis.up', ...fact });
        // What has changed since the beat of the resync.
        this.#vitals.changed();
        this.retire();
        this.dispatcher.scheduleStep();
      },
      onDown: (trouble: RedisError) =>
        publish({ type: 'redis.down', reason: outageText(options.redis, trouble) }),
    };
    const stepOwner = { name: owner, nonce: machine.newNonce() };
    this.client = new ResqueClient(options.redis, config.namespace, stepOwner, hooks, machine);
    const scope = `${describeRedis(config.redis)} ${config.namespace}`;
    const { spoolDirectory: directory } = options;
    this.#spooling = new Spooling({ client: this.client, directory, scope, machine, publish });
    const onWritten = (outcomes: readonly OutcomeWrite[]) => {
      options.onWritten(outcomes);
      this.retire();
    };
    this.dispatcher = new Dispatcher(this.client, this.fleet, {
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
      requeues: this.fleet.requeues,
      maxRecoveries: config.maxRecoveries,
      slots: this.fleet.runners
        .filter(({ isRetired }) => !isRetired)
        .map(({ key, concurrency }) => ({ runner: key, count: concurrency })),
      pauses: this.fleet.ownPauses,
      ...(this.client.waitsByMoving ? { holds: this.#holds } : {}),
    });
    this.#vitals = new Heartbeat(this.client, {
      workers: () => this.fleet.workers,
      about,
      wantsQueueNames: () => this.fleet.isDynamic,
      onPaused: (isPaused) => {
        if (this.fleet.pauseCluster(isPaused)) this.dispatcher.scheduleStep();
      },
      onQueueNames: (names) => {
        if (this.fleet.expand(names)) this.dispatcher.scheduleStep();
      },
      waitingFor: () => this.dispatcher.wait.queues,
      onSuspectWait: (queues) => this.dispatcher.wait.probe(queues),
    });
    this.#retirement = new PoolRemoval(this.fleet, this.client, () => this.#vitals.now());
    this.#recovery = new Recovery({
      client: this.client,
      machine,
      about,
      beforeRecovery: (dead) => this.#spooling.restoreDead(dead),
      publish,
      onRequeued: () => {
        this.fleet.expectJobs();
        this.dispatcher.scheduleStep();
      },
    });
    const { client, fleet, dispatcher } = this;
    this.#resync = new Resync({
      ...{ client, fleet, dispatcher, publish, about, onWritten },
      recovery: this.#recovery,
      spooling: this.#spooling,
      vitals: this.#vitals,
      newNonce: machine.newNonce,
      takeNextName: () => this.#takeNextName(),
      onDisowned: options.onDisowned,
    });
    this.shutdown = new Shutdown({
      ...options.stopping,
      client: this.client,
      dispatcher: this.dispatcher,
      shutdownTimeoutSeconds: config.shutdownTimeoutSeconds,
      workers: () => this.fleet.workers,
      onStopped: (result) => {
        this.#vitals.stop();
        this.#recovery.stop();
        options.stopping.onStopped(result);
      },
    });
    const drained = () => this.shutdown.request('drained');
    this.#drain = options.drain ? new Drain(this.client, this.fleet, this.dispatcher, drained) : null;
  }

  /** Call it after the fleet has its first config. */
  start(): void {
    this.#vitals.start();
    this.#recovery.start();
    this.client.session.start();
  }

  /** Takes over queues, concurrency and limits of a config that was read again. @returns what changed, in words */
  reconfigure({ runners }: Config): string[] {
    const changes = this.fleet.configure(runners);
    this.retire();
    this.#vitals.now();
    return changes;
  }

  /** Removes entries that are no longer in the config after Redis has their last outcome. */
  retire(): void {
    if (this.dispatcher.unwritten === 0) this.#retirement.check();
  }

  /** Keys of the runners whose running jobs are on lists of held ones. */
  get #holds(): string[] {
    const holding = this.fleet.runners.filter(({ config }) => config.delivery === 'at-least-once');
    // Its delivery may have been another when the job began.
    const running = this.dispatcher.ownJobs.filter(({ isHeld }) => isHeld).map(({ runner }) => runner);
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
    for (const runner of this.fleet.runners) runner.rename();
    publish({ type: 'engine.renamed', workerHost: this.workerHost, holder });
  }

  #pauseUnreadable(queue: string, error: string): void {
    this.fleet.pauseQueue(queue, 'unreadable', error);
    const resume = () => {
      if (this.shutdown.mode !== null) return;
      this.fleet.resumeQueue(queue, 'unreadable');
      this.dispatcher.scheduleStep();
    };
    this.#options.machine.clock.after(unreadableRetryMs, resume, { keepsAlive: false });
  }
}
