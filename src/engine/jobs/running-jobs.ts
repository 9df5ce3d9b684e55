/**
 * The jobs that run, and what they share: warm children, the health of their pools, what jobs leave behind. One job's
 * story is in `job.ts`.
 */
import type { EngineEvent, EngineFact, KillReason } from '../../protocol/events.ts';
import type { Pool } from '../pools/pool.ts';
import type { QueueRouter } from '../pools/queue-router.ts';
import type { Outcome, TakenJob } from '../pools/taken-job.ts';
import { PoolHealth } from '../process/pool-health.ts';
import { ProcessGroups } from '../process/process-groups.ts';
import { WarmChildren } from '../warm/warm-children.ts';
import { type Job, type JobContext, type JobOutputs, type JobWatcher, startJob } from './job.ts';

/** Runs jobs: as programs in the engine, in the simulator as simulated ones. */
export interface JobRunner {
  /** @returns how it ends; `null` if it can't be started and must go back to the head of its queue */
  start(job: TakenJob): Promise<Outcome> | null;
  /** Others have settled this job, and it may run elsewhere: kills its program. */
  takenOver(job: TakenJob): void;
  /** TERM to every job, and KILL after its `killAfter`. */
  terminate(): void;
  /** Kills every job, every warm child, and what jobs that have ended left behind. */
  killNow(): void;
  /** The runner stops: no child is kept warm any more. Jobs that run go on. */
  stop(): void;
  /** Resolves when no child is left, and no process that a child has started. */
  gone(): Promise<void>;
}

export interface RunningJobsOptions {
  readonly router: QueueRouter;
  /** Identifies this runner process, in the environment of its programs. */
  readonly mark: string;
  readonly outputs: JobOutputs;
  readonly publish: (fact: EngineFact) => void;
}

export class RunningJobs implements JobRunner, JobContext {
  readonly mark: string;
  readonly publish: (fact: EngineFact) => void;
  readonly outputs: JobOutputs;
  watcher: JobWatcher | null = null;
  readonly running = new Map<string, Job>();
  readonly health: PoolHealth;
  readonly warm: WarmChildren;
  readonly groups = new ProcessGroups();
  #count = 0;

  constructor({ router, mark, outputs, publish }: RunningJobsOptions) {
    this.mark = mark;
    this.outputs = outputs;
    this.publish = publish;
    const childrenOf = (pool: Pool) => this.#childrenOf(pool);
    this.health = new PoolHealth({
      ...{ router, publish, childrenOf },
      giveBackFiles: () => outputs.giveBackFiles(),
      onMore: () => {
        this.warm.update();
        router.onMore();
      },
    });
    const { health } = this;
    this.warm = new WarmChildren({
      ...{ router, health, mark, childrenOf, groups: this.groups },
    });
  }

  start(taken: TakenJob): Promise<Outcome> | null {
    return startJob(taken, this);
  }

  nextId(): string {
    this.#count += 1;
    return String(this.#count);
  }

  #childrenOf(pool: Pool): number {
    let count = this.warm.waitingFor(pool);
    for (const { taken } of this.running.values()) if (taken.pool === pool) count += 1;
    return count;
  }

  /** @returns false if no such job runs */
  kill(jobId: string, signal: 'SIGTERM' | 'SIGKILL'): boolean {
    this.running.get(jobId)?.kill('operator', signal);
    return this.running.has(jobId);
  }

  killAll(reason: KillReason, signal: 'SIGTERM' | 'SIGKILL'): void {
    for (const job of this.running.values()) job.kill(reason, signal);
  }

  takenOver(taken: TakenJob): void {
    for (const job of this.running.values()) if (job.taken === taken) job.kill('taken-over', 'SIGKILL');
  }

  /** What changes which queues may be taken from also changes how many warm children are wanted. */
  heard({ type }: EngineEvent): void {
    this.warm.heard(type);
  }

  stop(): void {
    this.warm.stop();
    this.health.stop();
  }

  terminate(): void {
    this.killAll('shutdown', 'SIGTERM');
  }

  killNow(): void {
    this.killAll('shutdown', 'SIGKILL');
    this.groups.killNow();
  }

  gone(): Promise<void> {
    return this.groups.gone();
  }

  /** The process ends this instant, whatever the cause: no child may outlive it. */
  abandon(): void {
    this.groups.killNow();
  }
}
