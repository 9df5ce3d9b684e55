/** What an engine knows about itself and its jobs, for metrics. Computed only when it is asked for. */
import type { RunningJobs } from './jobs/running-jobs.ts';
import type { QueueRouter } from './pools/queue-router.ts';
import type { RedisSide } from './redis-side.ts';
import type { Statistics } from './statistics/statistics.ts';

export interface QueueFigures {
  readonly name: string;
  readonly running: number;
  readonly isPaused: boolean;
}

export interface PoolFigures {
  readonly key: string;
  readonly slots: number;
  readonly busy: number;
  readonly failedStarts: number;
  /** Its program can't be started now, so its queues are paused. */
  readonly isUnstartable: boolean;
}

export interface EngineFigures {
  /** As configured. */
  readonly workerHost: string;
  readonly namespace: string;
  readonly redisVersion: string | null;
  readonly isRedisUp: boolean;
  readonly isStopping: boolean;
  /** In the order of the config. */
  readonly queues: readonly QueueFigures[];
  readonly pools: readonly PoolFigures[];
  /** Outcomes that are not in Redis yet, and how many of them are on the disk. */
  readonly unwritten: number;
  readonly spooled: number;
  readonly statistics: Pick<Statistics, 'runner' | 'roundTrips' | 'series'>;
}

export interface FiguresMeans {
  readonly router: QueueRouter;
  readonly jobs: RunningJobs;
  readonly redisSide: RedisSide;
  readonly statistics: Statistics;
  readonly namespace: string;
  readonly workerHost: string;
}

export function figuresOf({ router, jobs, redisSide, statistics, ...about }: FiguresMeans): EngineFigures {
  const running = new Map<string, number>();
  for (const { taken } of jobs.running.values())
    running.set(taken.queue, (running.get(taken.queue) ?? 0) + 1);
  const { client, dispatcher, shutdown } = redisSide;
  return {
    ...{ ...about, statistics },
    redisVersion: client.session.server?.serverVersion ?? null,
    isRedisUp: client.session.isUp,
    isStopping: shutdown.mode !== null,
    queues: router.queues.map((name) => ({
      name,
      running: running.get(name) ?? 0,
      isPaused: !router.isTakeable(name),
    })),
    pools: router.pools.map((pool) => ({
      ...{ key: pool.key, busy: pool.busy, slots: pool.concurrency },
      failedStarts: jobs.health.failedStarts.get(pool.key) ?? 0,
      isUnstartable: router.pausesAt(`entry:${pool.key}`).some(({ kind }) => kind === 'unstartable'),
    })),
    unwritten: dispatcher.outbox.unwritten,
    spooled: redisSide.spooled,
  };
}
