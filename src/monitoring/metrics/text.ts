/**
 * Lays out metrics as text, in Prometheus' format. prom-client writes the lines; the values are ours,
 * because its own counters would count everything a second time.
 */
import { type Metric, Registry } from 'prom-client';
import { type Definition, definitions, type MetricName } from './definitions.ts';
import type { HistogramValues, Labels } from './series.ts';

export interface Sample {
  /** Best the same object for many samples: prom-client keeps its text. */
  readonly labels: Labels;
  /** More labels. */
  readonly own?: Labels;
  readonly value: number | HistogramValues;
}

export type Samples = Readonly<Record<MetricName, readonly Sample[]>>;

export const contentType = Registry.PROMETHEUS_CONTENT_TYPE;

/** With 1,000 queues, a page has 45,000 lines. Those of the histograms of fifty queues take a few milliseconds. */
const samplesAtOnce = 50;

/** In pieces, so that jobs get their turns in between. */
export async function pageText(samples: Samples): Promise<Buffer> {
  const pieces: string[] = [];
  for (const [name, definition] of Object.entries(definitions) as [MetricName, Definition][]) {
    const all = samples[name];
    for (let from = 0; from < all.length; from += samplesAtOnce) {
      if (from > 0) await new Promise((resolve) => setImmediate(resolve));
      const lines = await linesOf(name, definition, all.slice(from, from + samplesAtOnce));
      // The two lines about the metric precede each piece.
      pieces.push(from === 0 ? lines : lines.split('\n').slice(2).join('\n'));
    }
  }
  return Buffer.from(`${pieces.join('\n')}\n`);
}

async function linesOf(
  name: MetricName,
  { help, type }: Definition,
  samples: readonly Sample[],
): Promise<string> {
  const values = samples.flatMap(({ labels, own = {}, value }) =>
    typeof value === 'number'
      ? [{ labels: own, sharedLabels: labels, value }]
      : histogram(name, labels, value),
  );
  const metric = { name, get: () => Promise.resolve({ name, help, type, values }) };
  const registry = new Registry();
  registry.registerMetric(metric as unknown as Metric);
  return await registry.getSingleMetricAsString(name);
}

function histogram(name: string, sharedLabels: Labels, { boundsMs, counts, sumMs }: HistogramValues) {
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

const knownBuckets = new WeakMap<readonly number[], readonly Labels[]>();

/** `0.5`, `60.0`: as Prometheus itself writes them, in all of its formats. */
function bucketLabels(boundsMs: readonly number[]): readonly Labels[] {
  const known = knownBuckets.get(boundsMs);
  if (known !== undefined) return known;
  const finite = boundsMs.map((ms) => String(ms / 1_000));
  const texts = [...finite.map((text) => (text.includes('.') ? text : `${text}.0`)), '+Inf'];
  const labels = texts.map((le) => ({ le }));
  knownBuckets.set(boundsMs, labels);
  return labels;
}
