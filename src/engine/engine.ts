/**
 * The engine: takes jobs from Redis, runs them, records how they ended, and reports all of it as events. It puts the rooms
 * of this folder together; `jobs/job.ts` tells what happens to a job. It knows no terminal, no process signals and no exit
 * codes: its owner does.
 */
import type { Config } from '../config/config.ts';
import { FailureCounts } from '../failures/changes.ts';
import { type Command, type CommandReply, commandTable, done, refused } from '../protocol/commands.ts';
import type { EngineEvent, EngineFact, OwnersFact, ShutdownMode } from '../protocol/events.ts';
import type { OutputReader } from '../protocol/job.ts';
import { describeRedis, type ReachableRedis } from '../resque/redis/connection.ts';
import { answerLimitMs } from '../resque/redis/send.ts';
import type { Progress } from '../resque/steps/client.ts';
import { executeCommand } from './commands.ts';
import { type CommandMark, EventBus, type EventListener } from './events/event-bus.ts';
import { type EngineFigures, figuresOf } from './figures.ts';
import { RunningJobs } from './jobs/running-jobs.ts';
import { overridesAtWork } from './lifecycle/override-keeper.ts';
import type { StopResult } from './lifecycle/shutdown.ts';
import { Notices } from './notices/notices.ts';
import { OutputStore } from './output/output-store.ts';
import { changesForRestart, metricsChanged } from './pools/config-changes.ts';
import { baseHostOf, poolView, workerHostOf } from './pools/pool.ts';
import { QueueRouter } from './pools/queue-router.ts';
import { drainLimitMs } from './process/child.ts';
import { type EngineMeans, thisMachine } from './process/engine-means.ts';
import { RedisSide } from './redis-side.ts';
import { Statistics } from './statistics/statistics.ts';
import { LiveUpdates } from './watch/live-updates.ts';
import { type ReadFigures, RedisFigures } from './watch/redis-figures.ts';

/** The result of reading a config file. */
export type LoadedConfig =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly string[] };

export interface EngineOptions {
  readonly config: Config;
  /** Reads the config again, for HUP and the screen. Left out if there is no file. */
  readonly readConfig?: () => LoadedConfig;
  /** Where Redis is, once an embedded Redis has been started. */
  readonly redis: ReachableRedis;
  readonly version: string;
  /** For outcomes that Redis can't be told; `null`: those are lost when the process ends. */
  readonly spoolDirectory?: string | null;
  /** Absolute path of the config: what operators set by hand is kept for its next runner. Not kept without it. */
  readonly configFile?: string | null;
  /** This machine unless given. */
  readonly machine?: EngineMeans;
  /** Stop by itself once every watched queue is empty and nothing runs. */
  readonly drain: boolean;
}

export class Engine {
  /** Resolves when all jobs have ended, their outcomes are written and the workers are unregistered. */
  readonly stopped: Promise<StopResult>;
  readonly #options: EngineOptions;
  /** The last one that a reload applied. */
  #lastConfig: Config | null = null;
  readonly #bus = new EventBus();
  readonly #router: QueueRouter;
  readonly #outputs = new OutputStore();
  readonly #jobs: RunningJobs;
  readonly #notices: Notices;
  readonly #redisSide: RedisSide;
  readonly #statistics: Statistics;
  readonly #redisFigures: RedisFigures;
  readonly #liveUpdates: LiveUpdates;
  readonly #counts = new FailureCounts();

  constructor(options: EngineOptions) {
    const { config, redis, spoolDirectory = null, configFile = null } = options;
    const { drain, machine = thisMachine() } = options;
    this.#options = options;
    const publish = (fact: EngineFact) => this.#bus.publish(fact);
    const nonce = machine.newNonce();
    const router = new QueueRouter(publish, `${workerHostOf(config, nonce)}:${machine.identity.pid}`);
    const jobs = new RunningJobs({ router, mark: nonce, outputs: this.#outputs, publish });
    this.#router = router;
    this.#jobs = jobs;
    const notices = new Notices({ router, mark: nonce, publish });
    this.#notices = notices;
    this.#redisSide = new RedisSide({
      ...{ config, redis, spoolDirectory, configFile, drain, machine, publish, router, jobs, nonce },
      onRecorded: (record) => notices.recorded(record),
      onJobsGone: () => notices.jobsGone(),
    });
    const { client } = this.#redisSide;
    const statistics = new Statistics(machine.clock, (queue) => router.ownerOf(queue) !== undefined);
    this.#statistics = statistics;
    client.onStep = (roundTripMs) => statistics.roundTrips.count(roundTripMs);
    const queues = () => router.queues;
    const figures = new RedisFigures(client, queues);
    this.#redisFigures = figures;
    this.#liveUpdates = new LiveUpdates({
      ...{ bus: this.#bus, clock: machine.clock, figures, queues, jobs, statistics },
      hasSchedules: () => this.#redisSide.schedules.length > 0,
    });
    this.#bus.subscribe((event) => this.#heard(event));
    this.stopped = this.#untilStopped();
  }

  #heard(event: EngineEvent): void {
    this.#jobs.heard(event);
    this.#statistics.heard(event);
    this.#redisSide.heard(event);
    this.#notices.heard(event);
  }

  async #untilStopped(): Promise<StopResult> {
    const result = await this.#redisSide.stopped;
    this.#liveUpdates.stop();
    await this.#notices.finish();
    const { totals } = this.#redisSide.dispatcher.outbox;
    this.#bus.publish({ type: 'engine.stopped', ...totals, unwritten: result.unwritten });
    this.#bus.flush();
    this.#outputs.close();
    return result;
  }

  /** Host part of our worker ids. */
  get workerHost(): string {
    return this.#redisSide.workerHost;
  }

  /** Numbers that grow while the engine isn't stuck. */
  get progress(): Progress {
    return this.#redisSide.client.progress;
  }

  /** Of all pools. A slot that asks for a job isn't busy. */
  get slots(): { readonly busy: number; readonly all: number } {
    const { pools } = this.#router;
    return {
      busy: this.#redisSide.dispatcher.runningCount,
      all: pools.reduce((sum, { isRemoved, concurrency }) => sum + (isRemoved ? 0 : concurrency), 0),
    };
  }

  /** How long a stop with TERM takes at most: the timetable in docs/deploy.md. */
  get stopLimitMs(): number {
    const killAfter = Math.max(0, ...this.#router.pools.map(({ config }) => config.killAfterSeconds));
    const seconds = this.#options.config.shutdownTimeoutSeconds + 2 * killAfter;
    return seconds * 1_000 + drainLimitMs + answerLimitMs;
  }

  /** Delivers pending events immediately instead of at the end of this turn of the loop. */
  flushEvents(): void {
    this.#bus.flush();
  }

  /** What it knows about itself and its jobs now. */
  figures(): EngineFigures {
    const { config } = this.#options;
    return figuresOf({
      ...{ router: this.#router, jobs: this.#jobs, redisSide: this.#redisSide },
      ...{ statistics: this.#statistics, namespace: config.namespace, workerHost: baseHostOf(config) },
    });
  }

  /** What is in Redis. @returns `null` if it can't be read */
  readFigures(): Promise<ReadFigures | null> {
    return this.#redisFigures.read();
  }

  /** Whether to count jobs by their class, too, for metrics. */
  countClasses(isWanted: boolean): void {
    this.#statistics.series.countClasses(isWanted);
  }

  /** Publishes an event of its owner, such as where its metrics can be read. */
  report(fact: OwnersFact): void {
    this.#bus.publish(fact);
  }

  /** @returns ends the subscription */
  subscribe(listener: EventListener): () => void {
    return this.#bus.subscribe(listener);
  }

  start(): void {
    const { config, redis, version } = this.#options;
    this.#router.configure(config.runners);
    this.#bus.publish({
      type: 'engine.started',
      version,
      pid: process.pid,
      workerHost: this.workerHost,
      namespace: config.namespace,
      redis: describeRedis(config.redis.kind === 'embedded' ? config.redis : redis),
      runners: this.#router.pools.map(poolView),
    });
    this.#redisSide.start();
    void this.#jobs.health.lookAhead();
  }

  stop(mode: ShutdownMode): void {
    this.#redisSide.shutdown.request(mode);
  }

  /**
   * Carries out a command. Never rejects.
   *
   * @param by who gave it; then a command that changes something is also reported as `command.executed`
   * @param isKept false if what it sets must not outlive this runner, as with a signal
   */
  async execute(command: Command, by: string | null = null, isKept = true): Promise<CommandReply> {
    const { client, dispatcher, shutdown, peers, schedules } = this.#redisSide;
    const { schedulerLockPrefix: lockPrefix } = this.#options.config;
    const isTold = by !== null && !commandTable[command.type].isReading;
    const mark: CommandMark | null = isTold ? { by, told: 0 } : null;
    const publish = (fact: EngineFact) => this.#bus.publish(fact, mark);
    const reply = await this.#bus.during(mark, () =>
      executeCommand(command, {
        ...{ router: this.#router, jobs: this.#jobs, liveUpdates: this.#liveUpdates, counts: this.#counts },
        statistics: this.#statistics,
        outputs: this.#outputs,
        ...{ client, dispatcher, shutdown, peers, schedules, lockPrefix, publish },
        ...{ by: by ?? '', isKept },
        reload: () => this.reload(),
      }),
    );
    if (mark !== null) {
      const { ok: isDone, message: outcome } = reply;
      const part = isDone && mark.told > 0 ? { isPart: true as const } : {};
      publish({ type: 'command.executed', by: mark.by, command: command.type, isDone, outcome, ...part });
    }
    // The effects are told before the reply.
    this.#bus.flush();
    return reply;
  }

  /**
   * Reads what a job prints, beginning with the oldest output that is kept.
   *
   * @returns `null` if the job neither runs nor is among the last that ended
   */
  openOutput(jobId: string): OutputReader | null {
    return this.#outputs.open(jobId, this.#jobs.running.has(jobId));
  }

  /**
   * For a screen that looks: until the returned function is called, `job.printed`, `queue.backlog`,
   * `queues.measured` and `failures.counted` are published. Each call counts by itself.
   */
  watch(): () => void {
    const end = this.#liveUpdates.watch();
    this.#bus.flush();
    return end;
  }

  /** Applies queues, concurrency, programs and limits of a config that was read again. */
  reconfigure(config: Config): void {
    this.#apply(config);
  }

  /** Reads the config again and applies it. If it is invalid, nothing changes. The events say what has changed. */
  reload(): CommandReply {
    const loaded = this.#options.readConfig?.();
    if (loaded === undefined) return refused('invalid-config', 'this runner has no config file');
    if (!loaded.ok) {
      const { problems } = loaded;
      this.#bus.publish({ type: 'config.rejected', problems });
      const more = problems.length > 1 ? ` (and ${problems.length - 1} more; see Events)` : '';
      return refused('invalid-config', `the config was not reloaded: ${problems[0] ?? ''}${more}`);
    }
    const { changes, needsRestart } = this.#apply(loaded.config);
    const all = [...changes, ...needsRestart.map((field) => `${field} needs a restart`)];
    return done(
      all.length === 0
        ? 'the config is reloaded; nothing changed'
        : `the config is reloaded: ${all.join(', ')}`,
    );
  }

  #apply(config: Config): { readonly changes: readonly string[]; readonly needsRestart: readonly string[] } {
    const changes = [
      ...this.#redisSide.reconfigure(config),
      ...metricsChanged(this.#lastConfig ?? this.#options.config, config),
    ];
    this.#lastConfig = config;
    this.#jobs.health.checkNow();
    const { names: needsRestart, details } = changesForRestart(this.#options.config, config);
    const kept = overridesAtWork(this.#router);
    this.#bus.publish({
      ...{ type: 'config.reloaded', changes, needsRestart },
      ...(details.length === 0 ? {} : { restartChanges: details }),
      ...(kept.length === 0 ? {} : { kept }),
    });
    this.#redisSide.dispatcher.scheduleStep();
    return { changes, needsRestart };
  }

  /** Ends every running job, as USR1 asks for; their slots go on. */
  killJobs(): void {
    this.#jobs.killAll('signal', 'SIGTERM');
  }

  /** The process ends this instant, whatever the cause: no child may outlive it, and pending events are delivered. */
  abandon(): void {
    this.#jobs.abandon();
    this.#notices.abandon();
    this.#bus.flush();
  }
}
