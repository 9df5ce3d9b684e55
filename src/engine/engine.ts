/**
 * The engine: takes jobs from Redis, runs them, records what became of them, and tells all of it as events.
 * It knows no terminal, no process signals and no exit codes; those are its owner's.
 */
import { hostname } from 'node:os';
import type { Config } from '../config/config.ts';
import type { Command, CommandReply } from '../protocol/commands.ts';
import type { KillReason, ShutdownMode } from '../protocol/events.ts';
import { describeRedis, type ReachableRedis } from '../resque/connection.ts';
import { ResqueClient } from '../resque/resque-client.ts';
import { signalGroup } from './child.ts';
import { executeCommand } from './commands.ts';
import { Counters } from './counters.ts';
import { Dispatcher } from './dispatcher.ts';
import { Drain } from './drain.ts';
import { EventBus, type EventListener } from './event-bus.ts';
import { Fleet, runnerView } from './fleet.ts';
import { describeRefusal, Job, type JobEnd } from './job.ts';
import { Leftovers } from './leftovers.ts';
import { OutputWatch } from './output-watch.ts';
import { Retirement } from './retirement.ts';
import { Shutdown, type StopResult } from './shutdown.ts';
import type { TakenJob } from './taken-job.ts';
import { Unstartable } from './unstartable.ts';
import { VitalSigns } from './vital-signs.ts';

export interface EngineOptions {
  readonly config: Config;
  /** Where Redis is, once an embedded one has been started. */
  readonly redis: ReachableRedis;
  readonly version: string;
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
  readonly #leftovers = new Leftovers();
  readonly #outputs: OutputWatch;
  readonly #jobs = new Map<string, Job>();
  readonly #workerHost: string;
  #jobCount = 0;
  readonly #counters = new Counters();

  constructor(options: EngineOptions) {
    const { config } = options;
    this.#options = options;
    // Not the bare host name: a Ruby worker on this host would prune us as dead at its start.
    this.#workerHost = config.workerHost ?? `${hostname()}.runner`;
    const owner = `${this.#workerHost}:${process.pid}`;
    const publish = this.#bus.publish.bind(this.#bus);
    this.#outputs = new OutputWatch(publish);
    this.#fleet = new Fleet(publish, (index, key) => `${owner}-${index}:${key}`);
    this.#client = new ResqueClient(options.redis, config.namespace, owner, {
      resume: () => this.#resume(),
      onUp: (fact) => {
        publish({ type: 'redis.up', ...fact });
        this.#retire();
        this.#dispatcher.poke();
      },
      onDown: (trouble) => publish({ type: 'redis.down', reason: trouble.message }),
    });
    this.#dispatcher = new Dispatcher(this.#client, this.#fleet, {
      start: (taken) => this.#startJob(taken),
      onWritten: (outcomes) => {
        const { unwritten } = this.#dispatcher;
        if (outcomes.length > 0) publish({ type: 'counters.changed', ...this.#counters.totals, unwritten });
        this.#retire();
      },
      onUnreadable: (queue, error) => this.#pauseUnreadable(queue, error),
      onIdle: () => this.#drain?.check(),
    });
    this.#vitals = new VitalSigns(this.#client, {
      workers: () => this.#workers(),
      wantsQueueNames: () => this.#fleet.isDynamic,
      onPaused: (isPaused) => this.#pauseCluster(isPaused),
      onQueueNames: (names) => {
        if (this.#fleet.expand(names)) this.#dispatcher.poke();
      },
      waitingFor: () => this.#dispatcher.wait.queues,
      onSuspectWait: (queues) => this.#dispatcher.wait.probe(queues),
    });
    this.#retirement = new Retirement(this.#fleet, this.#client, () => this.#vitals.now());
    this.#unstartable = new Unstartable(this.#fleet, () => this.#dispatcher.poke());
    this.#shutdown = new Shutdown({
      client: this.#client,
      dispatcher: this.#dispatcher,
      shutdownTimeoutSeconds: config.shutdownTimeoutSeconds,
      terminateJobs: () => this.#killJobs('shutdown', 'SIGTERM'),
      killJobs: () => {
        this.#killJobs('shutdown', 'SIGKILL');
        this.#leftovers.killNow();
      },
      leftoversGone: () => this.#leftovers.gone(),
      workers: () => this.#workers(),
      onStopping: (mode) => publish({ type: 'engine.stopping', mode, running: this.#jobs.size }),
      onStopped: ({ unwritten }) => {
        this.#vitals.stop();
        this.#unstartable.stop();
        publish({ type: 'engine.stopped', ...this.#counters.totals, unwritten });
      },
    });
    const drained = () => this.#shutdown.request('drained');
    this.#drain = options.drain ? new Drain(this.#client, this.#fleet, this.#dispatcher, drained) : null;
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
      workerHost: this.#workerHost,
      namespace: config.namespace,
      redis: describeRedis(config.redis.kind === 'embedded' ? config.redis : this.#options.redis),
      runners: this.#fleet.runners.map(runnerView),
    });
    this.#vitals.start();
    this.#client.session.start();
  }

  /** Resolves when all jobs have ended, their outcomes are written and the workers are unregistered. */
  get stopped(): Promise<StopResult> {
    return this.#shutdown.finished;
  }

  stop(mode: ShutdownMode): void {
    this.#shutdown.request(mode);
  }

  /** Carries out a command. Never rejects. */
  execute(command: Command): Promise<CommandReply> {
    return executeCommand(command, {
      fleet: this.#fleet,
      client: this.#client,
      isStopping: this.#shutdown.mode !== null,
      publish: this.#bus.publish.bind(this.#bus),
      poke: () => this.#dispatcher.poke(),
      killJob: (jobId, signal) => {
        this.#jobs.get(jobId)?.kill('operator', signal);
        return this.#jobs.has(jobId);
      },
    });
  }

  /** Publishes `job.output` of this job (of every job for `all`) until the returned function is called. */
  watchOutput(jobId: string): () => void {
    return this.#outputs.watch(jobId);
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
    this.#killJobs('signal', 'SIGTERM');
  }

  /** The process ends this instant, whatever the cause: no child may outlive it. */
  abandon(): void {
    for (const job of this.#jobs.values()) signalGroup(job.pid, 'SIGKILL');
    this.#leftovers.killNow();
  }

  #killJobs(reason: KillReason, signal: 'SIGTERM' | 'SIGKILL'): void {
    for (const job of this.#jobs.values()) job.kill(reason, signal);
  }

  #workers(): string[] {
    return this.#fleet.runners.flatMap((runner) => runner.workers);
  }

  async #resume(): Promise<void> {
    await this.#dispatcher.resume(async () => {
      await this.#vitals.beat();
      await this.#vitals.look();
    });
  }

  #startJob(taken: TakenJob): boolean {
    if (!taken.payload.isObject) {
      this.#refuse(taken, taken.payload.reason);
      return true;
    }
    this.#jobCount += 1;
    const id = this.#jobCount.toString(36);
    const job = new Job(id, taken, {
      onOutput: (from, stream, chunk) => this.#outputs.take(from.id, stream, chunk),
      onKilled: ({ taken: { queue } }, signal, reason) =>
        this.#bus.publish({ type: 'job.killed', jobId: id, queue, signal, reason }),
      onEnd: (ended, end) => this.#endJob(ended, end),
      onStartFailed: (_, reason) => void this.#unstartable.explain(taken.runner, reason),
    });
    if (!job.start()) {
      this.#unstartable.add(taken.runner);
      return false;
    }
    this.#unstartable.started(taken.runner);
    this.#jobs.set(id, job);
    this.#bus.publish({ type: 'job.started', job: job.view });
    return true;
  }

  #refuse(taken: TakenJob, reason: string): void {
    const failure = describeRefusal(taken, reason);
    this.#counters.add('failed');
    this.#dispatcher.finish(taken, { kind: 'failure', record: failure.record });
    this.#bus.publish({ type: 'failure.recorded', failure: failure.summary });
  }

  #endJob(job: Job, { outcome, durationMs, end, failure, unstartable }: JobEnd): void {
    const { taken } = job;
    if (unstartable !== null) {
      this.#unstartable.add(taken.runner);
      void this.#unstartable.explain(taken.runner, unstartable);
    }
    this.#jobs.delete(job.id);
    this.#outputs.end(job.id);
    this.#leftovers.end(job.pid, taken.runner.config.killAfterSeconds);
    this.#counters.add(outcome);
    this.#dispatcher.finish(
      taken,
      failure !== null
        ? { kind: 'failure', record: failure.record }
        : { kind: outcome === 'requeued' ? 'requeue' : 'success' },
    );
    this.#bus.publish({
      type: 'job.finished',
      jobId: job.id,
      queue: taken.queue,
      jobClass: taken.payload.isObject ? taken.payload.jobClass : null,
      outcome,
      durationMs,
      exitCode: end.exitCode,
      signal: end.signal,
      failure: failure?.summary ?? null,
    });
    if (failure !== null) this.#bus.publish({ type: 'failure.recorded', failure: failure.summary });
  }

  #pauseCluster(isPaused: boolean): void {
    if (isPaused) this.#fleet.pauseAll('cluster', 'pause-all-workers is set');
    else if (!this.#fleet.resumeAll('cluster')) return;
    this.#dispatcher.poke();
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
