/** What metrics are made of, and values of metrics with their labels. What isn't known makes no sample. */
import type { EngineFigures, PoolFigures, QueueFigures } from '../../engine/figures.ts';
import type { Histogram } from '../../engine/statistics/histogram.ts';
import type { Series } from '../../engine/statistics/job-series.ts';
import type { ReadFigures } from '../../engine/watch/redis-figures.ts';
import type { OwnReadings } from './own-readings.ts';

export type Labels = Readonly<Record<string, string>>;

export interface Facts {
  readonly version: string;
  readonly engine: EngineFigures;
  /** `null` if Redis didn't answer in time. */
  readonly read: ReadFigures | null;
  readonly own: OwnReadings;
  readonly queues: readonly LabeledQueue[];
  /** Of jobs, by queue. */
  readonly totals: readonly Series[];
  /** The same, also by class if that is wanted. */
  readonly jobs: readonly Series[];
}

export interface LabeledQueue {
  readonly figures: QueueFigures;
  readonly label: string;
}

export interface Sample {
  /** Best the same object for many samples: prom-client keeps its text. */
  readonly labels: Labels;
  /** More labels. */
  readonly own?: Labels;
  readonly value: number | Histogram;
}

export const none: Labels = {};

export function one(value: number | null | undefined, labels: Labels = none): Sample[] {
  return value === null || value === undefined ? [] : [{ labels, value }];
}

/** @param together what queues show that share a label */
export function byQueue(
  queues: readonly LabeledQueue[],
  numberOf: (queue: QueueFigures) => number | null | undefined,
  together: (a: number, b: number) => number,
): Sample[] {
  const values = new Map<string, number>();
  for (const { figures, label } of queues) {
    const value = numberOf(figures) ?? null;
    const before = values.get(label);
    if (value !== null) values.set(label, before === undefined ? value : together(before, value));
  }
  return [...values].map(([queue, value]) => ({ labels: { queue }, value }));
}

export function byPool({ pools }: EngineFigures, numberOf: (pool: PoolFigures) => number): Sample[] {
  return pools.map((pool) => ({ labels: { pool: pool.key }, value: numberOf(pool) }));
}

export function byKey(label: string, values: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(values).map(([key, value]) => ({ labels: { [label]: key }, value }));
}

/** Missing before its first duration. */
export function histogram(values: Histogram | null, labels: Labels): Sample[] {
  return values?.counts.some((count) => count > 0) === true ? [{ labels, value: values }] : [];
}

export function aboutRunner({ engine, version }: Facts): Labels {
  const { workerHost, namespace, redisVersion } = engine;
  return {
    ...{ version, node: process.versions.node, worker_host: workerHost, namespace },
    redis_version: redisVersion ?? '',
  };
}

export function seconds(ms: number | null | undefined): number | null {
  return ms === null || ms === undefined ? null : ms / 1_000;
}

export function sum(a: number, b: number): number {
  return a + b;
}
