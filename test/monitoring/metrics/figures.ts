/** What an engine would say about itself, with nothing in it that a test doesn't say. */
import type { EngineFigures, QueueFigures } from '../../../src/engine/figures.ts';
import type { JobTotals } from '../../../src/engine/statistics/job-totals.ts';
import { Statistics } from '../../../src/engine/statistics/statistics.ts';
import type { ReadFigures } from '../../../src/engine/watch/redis-figures.ts';
import { MetricsPages } from '../../../src/monitoring/metrics/page.ts';
import { MovableClock } from '../../helpers/movable-clock.ts';

export function queue(name: string, fields: Partial<QueueFigures> = {}): QueueFigures {
  return { name, running: 0, isPaused: false, ...fields };
}

/** Counts jobs that succeeded in these times. */
export function succeeded(...durationsMs: number[]): (totals: JobTotals) => void {
  return (totals) => {
    for (const ms of durationsMs) totals.end('succeeded', ms);
  };
}

/** @param jobs count those of a queue */
export function figures(
  fields: Partial<EngineFigures> = {},
  jobs: Readonly<Record<string, (totals: JobTotals) => void>> = {},
): EngineFigures {
  const statistics = new Statistics(new MovableClock(), () => true);
  for (const [name, count] of Object.entries(jobs)) statistics.series.of(name, null).forEach(count);
  return {
    ...{ workerHost: 'host.runner', namespace: 'resque', redisVersion: '7.0.15' },
    ...{ isRedisUp: true, isStopping: false, unwritten: 0, spooled: 0, pools: [], queues: [] },
    statistics,
    ...fields,
  };
}

export const nothingRead: ReadFigures = {
  ...{ queues: new Map(), failures: null, delayed: null, leastDelayed: null, hasSchedules: false },
};

/** A source of pages whose figures a test sets. */
export class FakeEngine {
  now: EngineFigures = figures();
  reads = 0;
  read: () => Promise<ReadFigures | null> = () => Promise.resolve(nothingRead);
  readonly folded: [string, number][] = [];
  readonly pages = new MetricsPages(
    {
      figures: () => this.now,
      readFigures: () => {
        this.reads += 1;
        return this.read();
      },
    },
    { version: '1.2.3', onFolded: (label, limit) => this.folded.push([label, limit]) },
  );

  async text(): Promise<string> {
    return (await this.pages.page()).toString();
  }
}

/** The values of a metric by its labels, as they are written. */
export function valuesOf(text: string, name: string): Record<string, number> {
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return Object.fromEntries(
    lines.map((line) => {
      const end = line.lastIndexOf(' ');
      return [line.slice(name.length, end), Number(line.slice(end + 1))];
    }),
  );
}
