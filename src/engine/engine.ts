/**
 * The engine: takes jobs from Redis, runs them, records what became of them, and tells all of it as events.
 * It knows no terminal, no process signals and no exit codes; those are its owner's.
 */
import type { Config } from '../config/config.ts';
import { type Command, type CommandReply, readingCommands } from '../protocol/commands.ts';
import type { ShutdownMode } from '../protocol/events.ts';
import type { OutputReader } from '../protocol/output.ts';
import { describeRedis, type ReachableRedis } from '../resque/connection.ts';
import { ResqueClient } from '../resque/resque-client.ts';
import { Attention } from './attention.ts';
import { executeCommand } from './commands.ts';
import { Counters } from './counters.ts';
import { Dispatcher } from './dispatcher.ts';
import { Drain } from './drain.ts';
import { EventBus, type EventListener } from './event-bus.ts';
import { FailureCounts } from './failure-counts.ts';
import { Fleet, runnerView } from './fleet.ts';
import { OutputShelf } from './output-shelf.ts';
import { ownIdentity } from './process-identity.ts';
import { Recovery } from './recovery.ts';
import { Retirement } from './retirement.ts';
import { RunningJobs } from './running-jobs.ts';
import { Shutdown, type StopResult } from './shutdown.ts';
import { Spooling } from './spooling.ts';
import { Unstartable } from './unstartable.ts';
import { VitalSigns } from './vital-signs.ts';
import { workerHostOf, workerId } from './worker-ids.ts';

export interface EngineOptions {
  readonly config: Config;
  /** Where Redis is, once an embedded one has been started. */
  readonly redis: ReachableRedis;
  readonly version: string;
  /** For what Redis can't be told; `null`: that is lost when the process ends. */
  readonly spoolDirectory?: string | null;
  /** Stop by itself once every watched queue is empty and nothing runs. */
  readonly drain: boolean;
}

/** A queue that could not be read is tried again after this time. */
const unreadableRetryMs = 5_000;

export class Engine {
  readonly #options: EngineOptions;
  readonly #bus = new EventBus();
  readonly #fleet: Fleet;
  readonly #client: ResqueClient;
  readonly #dispatcher: Dispatcher;
  readonly #vitals: VitalSigns;
  readonly #shutdown: Shutdown;
  readonly #drain: Drain | null;
  readonly #unstartable: Unstartable;
  readonly #retirement: Retirement;
  readonly #outputs = new OutputShelf();
  readonly #jobs: RunningJobs;
  readonly #attention: Attention;
  readonly #recovery: Recovery;
  readonly #spooling: Spooling;
  /** Host part of our worker ids. */
  readonly workerHost: string;
  readonly #counters = new Counters();
  readonly #counts = new FailureCounts();

  constructor(options: EngineOptions) {
    const { config, spoolDirectory: directory = null } = options;
    this.#options = options;
    this.workerHost = workerHostOf(config);
    const owner = `${this.workerHost}:${process.pid}`;
    const publish = this.#bus.publish.bind(this.#bus);
    const identity = ownIdentity();
    this.#fleet = new Fleet(publish, (index, key) => workerId(owner, index, key));
    this.#client = new ResqueClient(options.redis, config.namespace, owner, {
      resume: () => this.#resume(),
      onUp: (fact) => {
        publish({ type: 'redis.up', ...fact });
        this.#retire();
        this.#dispatcher.poke();
      },
      onDown: (trouble) => publish({ type: 'redis.down', reason: trouble.message }),
    });
    const scope = `${describeRedis(config.redis)} ${config.namespace}`;
    this.#spooling = new Spooling({ client: this.#client, directory, scope, identity, publish });
    this.#dispatcher = new Dispatcher(this.#client, this.#fleet, {
      spooling: this.#spooling,
      start: (taken) => this.#jobs.start(taken),
      onWritten: (outcomes) => {
        const { unwritten } = this.#dispatcher;
        if (outcomes.length > 0) publish({ type: 'counters.changed', ...this.#counters.totals, unwritten });
        this.#retire();
      },
      onUnreadable: (queue, error) => this.#pauseUnreadable(queue, error),
      onIdle: () => this.#drain?.check(),
    });
    this.#vitals = new VitalSigns(this.#client, {
      workers: () => this.#fleet.workers,
      about: () => ({ ...identity, requeues: this.#fleet.requeues, maxRecoveries: config.maxRecoveries }),
      wantsQueueNames: () => this.#fleet.isDynamic,
      onPaused: (isPaused) => {
        if (this.#fleet.pauseCluster(isPaused)) this.#dispatcher.poke();
      },
      onQueueNames: (names) => {
        if (this.#fleet.expand(names)) this.#dispatcher.poke();
      },
      waitingFor: () => this.#dispatcher.wait.queues,
      onSuspectWait: (queues) => this.#dispatcher.wait.probe(queues),
    });
    this.#retirement = new Retirement(this.#fleet, this.#client, () => this.#vitals.now());
    this.#unstartable = new Unstartable(this.#fleet, () => this.#dispatcher.poke());
    this.#jobs = new RunningJobs({
      fleet: this.#fleet,
      counters: this.#counters,
      outputs: this.#outputs,
      unstartable: this.#unstartable,
      mark: this.#client.nonce,
      publish,
      finish: (taken, outcome) => this.#dispatcher.finish(taken, outcome),
      onPrinted: (job, stream) => this.#attention.printed(job, stream),
      onEnded: (job) => this.#attention.ended(job),
      onMore: () => this.#dispatcher.poke(),
    });
    this.#bus.subscribe((event) => this.#jobs.heard(event));
    this.#attention = new Attention({
      bus: this.#bus,
      client: this.#client,
      queues: () => this.#fleet.queues,
      running: () => this.#jobs.all(),
    });
    this.#recovery = new Recovery({
      client: this.#client,
      beforeRecovery: () => this.#spooling.restoreDead(),
      publish,
      onRequeued: () => {
        this.#fleet.expectJobs();
        this.#dispatcher.poke();
      },
    });
    this.#shutdown = new Shutdown({
      client: this.#client,
      dispatcher: this.#dispatcher,
      shutdownTimeoutSeconds: config.shutdownTimeoutSeconds,
      terminateJobs: () => this.#jobs.killAll('shutdown', 'SIGTERM'),
      killJobs: () => {
        this.#jobs.killAll('shutdown', 'SIGKILL');
        this.#jobs.killOthers();
      },
      childrenGone: () => this.#jobs.childrenGone(),
      workers: () => this.#fleet.workers,
      onStopping: (mode) => {
        publish({ type: 'engine.stopping', mode, running: this.#jobs.size });
        this.#jobs.stop();
      },
      onStopped: ({ unwritten }) => {
        this.#vitals.stop();
        this.#recovery.stop();
        this.#unstartable.stop();
        this.#attention.stop();
        publish({ type: 'engine.stopped', ...this.#counters.totals, unwritten });
        this.#bus.flush();
        this.#outputs.close();
      },
    });
    const drained = () => this.#shutdown.request('drained');
    this.#drain = options.drain ? new Drain(this.#client, this.#fleet, this.#dispatcher, drained) : null;
  }

  /** Tells at once what has happened by now, and would be told at the end of this turn of the loop. */
  flushEvents(): void {
    this.#bus.flush();
  }

  /** @returns ends the subscription */
  subscribe(listener: EventListener): () => void {
    return this.#bus.subscribe(listener);
  }

  start(): void {
    const { config, version } = this.#options;
    this.#fleet.configure(config.runners);
    this.#bus.publish({
      type: 'engine.started',
      version,
      pid: process.pid,
      workerHost: this.workerHost,
      namespace: config.namespace,
      redis: describeRedis(config.redis.kind === 'embedded' ? config.redis : this.#options.redis),
      runners: this.#fleet.runners.map(runnerView),
    });
    this.#vitals.start();
    this.#recovery.start();
    this.#client.session.start();
  }

  /** Resolves when all jobs have ended, their outcomes are written and the workers are unregistered. */
  get stopped(): Promise<StopResult> {
    return this.#shutdown.finished;
  }

  stop(mode: ShutdownMode): void {
    this.#shutdown.request(mode);
  }

  /**
   * Carries out a command. Never rejects.
   *
   * @param by who gave it; then what changes something is told as `command.executed`, too
   */
  async execute(command: Command, by: string | null = null): Promise<CommandReply> {
    const publish = this.#bus.publish.bind(this.#bus);
    const reply = await executeCommand(command, {
      fleet: this.#fleet,
      client: this.#client,
      counts: this.#counts,
      isStopping: this.#shutdown.mode !== null,
      by: by ?? '',
      publish,
      poke: () => this.#dispatcher.poke(),
      killJob: (jobId, signal) => this.#jobs.kill(jobId, signal),
      recount: () => this.#attention.recount(),
      stop: (mode) => this.#shutdown.request(mode),
    });
    if (by !== null && !readingCommands.includes(command.type)) {
      const { ok: isDone, message: outcome } = reply;
      publish({ type: 'command.executed', by, command: command.type, isDone, outcome });
    }
    // Who asked hears first what came of it.
    this.#bus.flush();
    return reply;
  }

  /**
   * Reads what a job prints, from the oldest that is kept on.
   *
   * @returns `null` where the job neither runs nor is one of the last that ended
   */
  openOutput(jobId: string): OutputReader | null {
    return this.#outputs.open(jobId, this.#jobs.has(jobId));
  }

  /**
   * Somebody looks: until the returned function is called, `job.printed`, `queue.backlog` and
   * `failures.counted` are published. Each call counts by itself.
   */
  attend(): () => void {
    const end = this.#attention.attend();
    this.#bus.flush();
    return end;
  }

  /** Takes over queues, concurrency, programs and limits of a config that was read anew. */
  reconfigure(config: Config): void {
    const changes = this.#fleet.configure(config.runners);
    this.#unstartable.checkNow();
    this.#retire();
    this.#bus.publish({ type: 'config.reloaded', changes });
    this.#dispatcher.poke();
    this.#vitals.now();
  }

  /** Says that a config which was to be taken over is no good; nothing changes. */
  rejectConfig(problems: readonly string[]): void {
    this.#bus.publish({ type: 'config.rejected', problems });
  }

  /** Ends every running job, as USR1 asks for; their slots go on. */
  killJobs(): void {
    this.#jobs.killAll('signal', 'SIGTERM');
  }

  /** The process ends this instant, whatever the cause: no child may outlive it, and no event is kept back. */
  abandon(): void {
    this.#jobs.abandon();
    this.#bus.flush();
  }

  async #resume(): Promise<void> {
    await this.#spooling.restoreDead();
    await this.#recovery.recoverPredecessor();
    await this.#vitals.announce();
    // Before anything is taken: what goes back goes to the heads of its queues.
    await this.#recovery.look();
    await this.#dispatcher.resume(async () => {
      await this.#vitals.beat();
      await this.#vitals.look();
    });
  }

  #pauseUnreadable(queue: string, error: string): void {
    this.#fleet.pauseQueue(queue, 'unreadable', error);
    setTimeout(() => {
      if (this.#shutdown.mode !== null) return;
      this.#fleet.resumeQueue(queue, 'unreadable');
      this.#dispatcher.poke();
    }, unreadableRetryMs).unref();
  }

  #retire(): void {
    if (this.#dispatcher.unwritten === 0) this.#retirement.check();
  }
}
