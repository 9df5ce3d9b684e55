/**
 * The text of /metrics. No matter how often it is read, it is made and Redis is read at most once a second. A reader waits up to half a second for Redis. Then the page has no metrics that are read from Redis.
 */
import { type Metric, Registry } from 'prom-client';
import type { EngineFigures } from '../../engine/figures.ts';
import type { LabelFold } from '../../engine/statistics/job-series.ts';
import type { ReadFigures } from '../../engine/watch/redis-figures.ts';
import { definitions } from './definitions.ts';
import { OwnProcess } from './own-readings.ts';
import type { Facts, Sample } from './samples.ts';

const lifetimeMs = 1_000;
const redisLimitMs = 500;
/** With 1,000 queues, a page has 45,000 lines. Those of the histograms of fifty queues take a few milliseconds. */
const samplesAtOnce = 50;

export const contentType = Registry.PROMETHEUS_CONTENT_TYPE;

export interface MetricsSource {
  figures(): EngineFigures;
  /** `null` if Redis can't be read. */
  readFigures(): Promise<ReadFigures | null>;
}

export interface MetricsOptions {
  readonly version: string;
  /** Called once for each label that queues or classes share. */
  readonly onFolded: (label: 'queue' | 'class', limit: number) => void;
}

export class MetricsPages {
  readonly #source: MetricsSource;
  readonly #options: MetricsOptions;
  readonly #told = new Set<string>();
  readonly #own = new OwnProcess();
  #page: { readonly sinceMs: number; readonly value: Promise<Buffer> } | null = null;

  constructor(source: MetricsSource, options: MetricsOptions) {
    this.#source = source;
    this.#options = options;
  }

  stop(): void {
    this.#own.stop();
  }

  page(): Promise<Buffer> {
    if (this.#page !== null && performance.now() - this.#page.sinceMs < lifetimeMs) return this.#page.value;
    const value = this.#make();
    this.#page = { sinceMs: performance.now(), value };
    // The next reader tries again.
    value.catch(() => {
      this.#page = null;
    });
    return value;
  }

  async #make(): Promise<Buffer> {
    const read = await this.#readInTime();
    const engine = this.#source.figures();
    const { series } = engine.statistics;
    const queues = engine.queues.map((figures) => ({ figures, label: series.queues.labelOf(figures.name) }));
    const labels = queues.map(({ label }) => label);
    this.#tellFolded('queue', series.queues);
    this.#tellFolded('class', series.classes);
    return await pageText({
      ...{ version: this.#options.version, engine, read, own: this.#own.read(), queues },
      totals: series.ofQueues(labels),
      jobs: series.ofClasses(labels),
    });
  }

  #tellFolded(label: 'queue' | 'class', fold: LabelFold | null): void {
    if (fold?.isFolded !== true || this.#told.has(label)) return;
    this.#told.add(label);
    this.#options.onFolded(label, fold.limit);
  }

  /** @returns `null` if Redis can't be read now */
  async #readInTime(): Promise<ReadFigures | null> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), redisLimitMs);
    });
    const read = await Promise.race([this.#source.readFigures(), late]);
    clearTimeout(timer);
    return read;
  }
}

/** In pieces, so that jobs get their turns in between. The values are ours: prom-client's metrics would count all a second time. */
async function pageText(facts: Facts): Promise<Buffer> {
  const pieces: string[] = [];
  for (const [name, { help, type, values }] of Object.entries(definitions)) {
    const all = values(facts);
    for (let from = 0; from < all.length; from += samplesAtOnce) {
      if (from > 0) await new Promise((resolve) => setImmediate(resolve));
      const piece = all.slice(from, from + samplesAtOnce).flatMap((sample) => linesOf(name, sample));
      const metric = { name, get: () => Promise.resolve({ name, help, type, values: piece }) };
      const registry = new Registry();
      registry.registerMetric(metric as unknown as Metric);
      const lines = await registry.getSingleMetricAsString(name);
      // The two lines about the metric precede each piece.
      pieces.push(from === 0 ? lines : lines.split('\n').slice(2).join('\n'));
    }
  }
  return Buffer.from(`${pieces.join('\n')}\n`);
}

function linesOf(name: string, { labels: sharedLabels, own = {}, value }: Sample) {
  if (typeof value === 'number') return [{ labels: own, sharedLabels, value }];
  const { boundsMs, counts, sumMs } = value;
  let count = 0;
  const buckets = bucketLabels(boundsMs).map((labels, at) => {
    count += counts[at] ?? 0;
    return { metricName: `${name}_bucket`, labels, sharedLabels, value: count };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels: {}, sharedLabels, value: sumMs / 1_000 },
    { metricName: `${name}_count`, labels: {}, sharedLabels, value: count },
  ];
}

/** `0.5`, `60.0`: as Prometheus itself writes them. */
function bucketLabels(boundsMs: readonly number[]): readonly { readonly le: string }[] {
  const finite = boundsMs.map((ms) => String(ms / 1_000));
  return [...finite.map((text) => (text.includes('.') ? text : `${text}.0`)), '+Inf'].map((le) => ({ le }));
}
