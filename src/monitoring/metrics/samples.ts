/** Values of metrics with their labels. What isn't known makes no sample. */
import type { EngineFigures, PoolFigures, QueueFigures } from '../../engine/figures.ts';
import type { Histogram } from '../../engine/statistics/histogram.ts';
import type { Facts, LabeledQueue } from './collect.ts';
import { type Labels, otherValue } from './series.ts';

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

/** @param together what folded queues show */
export function byQueue(
  queues: readonly LabeledQueue[],
  numberOf: (queue: QueueFigures) => number | null | undefined,
  together: (a: number, b: number) => number,
): Sample[] {
  const samples: Sample[] = [];
  let others: number | null = null;
  for (const { figures, labels } of queues) {
    const value = numberOf(figures) ?? null;
    if (value === null) continue;
    if (labels.queue !== otherValue) samples.push({ labels, value });
    else others = others === null ? value : together(others, value);
  }
  return [...samples, ...one(others, { queue: otherValue })];
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
