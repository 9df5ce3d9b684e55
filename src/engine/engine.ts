/**
 * The engine: takes jobs from Redis, runs them, records what became of them, and tells all of it as events.
 * It knows no terminal, no process signals and no exit codes; those are its owner's.
 */
import type { Config } from '../config/config.ts';
import { FailureCounts } from '../failures/changes.ts';
import { type Command, type CommandReply, readingCommands } from '../protocol/commands.ts';
import type { ShutdownMode } from '../protocol/events.ts';
import type { OutputReader } from '../protocol/output.ts';
import { describeRedis, type ReachableRedis } from '../resque/redis/connection.ts';
import { executeCommand } from './commands.ts';
import { EventBus, type EventListener } from './events/event-bus.ts';
import { Counters } from './jobs/counters.ts';
import { RunningJobs } from './jobs/running-jobs.ts';
import type { StopResult } from './lifecycle/shutdown.ts';
import { OutputStore } from './output/output-store.ts';
import { fieldsForRestart } from './pools/config-changes.ts';
import { poolView } from './pools/queue-router.ts';
import { type Machine, thisMachine } from './process/machine.ts';
import { StartBackoff } from './process/start-backoff.ts';
import { RedisSide } from './redis-side.ts';
import { LiveUpdates } from './watch/live-updates.ts';

export interface EngineOptions {
  readonly config: Config;
  /** Where Redis is, once an embedded one has been started. */
  readonly redis: ReachableRedis;
  readonly version: string;
  /** For what Redis can't be told; `null`: that is lost when the process ends. */
  readonly spoolDirectory?: string | null;
  /** This one unless given. */
  readonly machine?: Machine;
  /** Stop by itself once every watched queue is empty and nothing runs. */
  readonly drain: boolean;
}

export class Engine {
  readonly #options: EngineOptions;
  readonly #bus = new EventBus();
  readonly #redisSide: RedisSide;
  readonly #unstartable: StartBackoff;
  readonly #outputs = new OutputStore();
  readonly #jobs: RunningJobs;
  readonly #liveUpdates: LiveUpdates;
  readonly #counters = new Counters();
  readonly #counts = new FailureCounts();

  constructor(options: EngineOptions) {
    const { config, redis, spoolDirectory = null, drain, machine = thisMachine() } = options;
    this.#options = options;
    const publish = this.#bus.publish.bind(this.#bus);
    this.#redisSide = new RedisSide({
      ...{ config, redis, spoolDirectory, drain, machine, publish },
      start: (taken) => this.#jobs.start(taken),
      onDisowned: (job, wentBack) => {
        if (wentBack) this.#jobs.killTakenOver(job);
      },
      onWritten: (outcomes) => {
        const { unwritten } = this.#redisSide.dispatcher;
        if (outcomes.length > 0) publish({ type: 'counters.changed', ...this.#counters.totals, unwritten });
      },
      stopping: {
        terminateJobs: () => this.#jobs.killAll('shutdown', 'SIGTERM'),
        killJobs: () => {
          this.#jobs.killAll('shutdown', 'SIGKILL');
          this.#jobs.killOthers();
        },
        childrenGone: () => this.#jobs.childrenGone(),
        onStopping: (mode) => {
          publish({ type: 'engine.stopping', mode, running: this.#jobs.size });
          this.#jobs.stop();
        },
        onStopped: ({ unwritten }) => {
          this.#unstartable.stop();
          this.#liveUpdates.stop();
          publish({ type: 'engine.stopped', ...this.#counters.totals, unwritten });
          this.#bus.flush();
          this.#outputs.close();
        },
      },
    });
    const { router, client, dispatcher } = this.#redisSide;
    this.#unstartable = new StartBackoff(router, () => dispatcher.scheduleStep());
    this.#jobs = new RunningJobs({
      router,
      counters: this.#counters,
      outputs: this.#outputs,
      unstartable: this.#unstartable,
      mark: client.nonce,
      publish,
      finish: (taken, outcome) => dispatcher.finish(taken, outcome),
      onPrinted: (job, stream) => this.#liveUpdates.printed(job, stream),
      onEnded: (job) => this.#liveUpdates.ended(job),
      onMore: () => dispatcher.scheduleStep(),
    });
    this.#bus.subscribe((event) => this.#jobs.heard(event));
    this.#liveUpdates = new LiveUpdates({
      bus: this.#bus,
      client,
      queues: () => router.queues,
      running: () => this.#jobs.all(),
    });
  }

  /** Host part of our worker ids. */
  get workerHost(): string {
    return this.#redisSide.workerHost;
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
    const { router } = this.#redisSide;
    router.configure(config.runners);
    this.#bus.publish({
      type: 'engine.started',
      version,
      pid: process.pid,
      workerHost: this.workerHost,
      namespace: config.namespace,
      redis: describeRedis(config.redis.kind === 'embedded' ? config.redis : this.#options.redis),
      runners: router.pools.map(poolView),
    });
    this.#redisSide.start();
    void this.#unstartable.lookAhead();
  }

  /** Resolves when all jobs have ended, their outcomes are written and the workers are unregistered. */
  get stopped(): Promise<StopResult> {
    return this.#redisSide.shutdown.finished;
  }

  stop(mode: ShutdownMode): void {
    this.#redisSide.shutdown.request(mode);
  }

  /**
   * Carries out a command. Never rejects.
   *
   * @param by who gave it; then what changes something is told as `command.executed`, too
   */
  async execute(command: Command, by: string | null = null): Promise<CommandReply> {
    const publish = this.#bus.publish.bind(this.#bus);
    const { router, client, dispatcher } = this.#redisSide;
    const reply = await executeCommand(command, {
      router,
      client,
      counts: this.#counts,
      isStopping: this.#redisSide.shutdown.mode !== null,
      by: by ?? '',
      publish,
      scheduleStep: () => dispatcher.scheduleStep(),
      killJob: (jobId, signal) => this.#jobs.kill(jobId, signal),
      recount: () => this.#liveUpdates.recount(),
      stop: (mode) => this.#redisSide.shutdown.request(mode),
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
  watch(): () => void {
    const end = this.#liveUpdates.watch();
    this.#bus.flush();
    return end;
  }

  /** Takes over queues, concurrency, programs and limits of a config that was read anew. */
  reconfigure(config: Config): void {
    const changes = this.#redisSide.reconfigure(config);
    this.#unstartable.checkNow();
    const needsRestart = fieldsForRestart(this.#options.config, config);
    this.#bus.publish({ type: 'config.reloaded', changes, needsRestart });
    this.#redisSide.dispatcher.scheduleStep();
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
}
