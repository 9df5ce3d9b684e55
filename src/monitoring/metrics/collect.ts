/** Turns what the engine knows into the values of all metrics. */
import type { EngineFigures, PoolFigures, QueueFigures, ReadFigures } from '../../engine/figures.ts';
import type { ClassTotals } from '../../engine/statistics/class-totals.ts';
import type { MetricName } from './definitions.ts';
import { LabelFold, otherValue } from './label-fold.ts';
import type { OwnReadings } from './own-readings.ts';
import { type HistogramValues, type Member, SeriesOfTotals, type TotalsSeries } from './series.ts';

type Labels = Readonly<Record<string, string>>;

/** A line of the text. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
  /** Of a histogram's parts. */
  readonly metricName?: string;
}

export type Samples = Readonly<Record<MetricName, readonly Sample[]>>;

export const mostQueues = 1_000;

export interface CollectorOptions {
  readonly version: string;
  readonly onFolded: (label: 'queue' | 'class', limit: number) => void;
}

export class Collector {
  readonly #version: string;
  readonly #onFolded: CollectorOptions['onFolded'];
  #areClassesFolded = false;
  readonly #queues: LabelFold;
  readonly #jobs = new SeriesOfTotals();

  constructor({ version, onFolded }: CollectorOptions) {
    this.#version = version;
    this.#onFolded = onFolded;
    this.#queues = new LabelFold(mostQueues, () => onFolded('queue', mostQueues));
  }

  /** @param read `null` if Redis didn't answer in time */
  collect(figures: EngineFigures, read: ReadFigures | null, own: OwnReadings): Samples {
    const { queues, pools, statistics } = figures;
    const { runner } = statistics;
    const exists = new Set(queues.map(({ name }) => name));
    this.#queues.keep((name) => exists.has(name));
    const jobs = this.#jobs.of(this.#members(queues, statistics.classes));
    if (statistics.classes?.isFolded === true && !this.#areClassesFolded) {
      this.#areClassesFolded = true;
      this.#onFolded('class', statistics.classes.limit);
    }
    const duration = 'resque_runner_job_duration_seconds';
    const wait = 'resque_runner_job_wait_seconds';
    return {
      resque_runner_build_info: [{ labels: this.#about(figures), value: 1 }],
      resque_runner_stopping: one(Number(figures.isStopping)),
      resque_runner_jobs_finished_total: jobs.flatMap(outcomeSamples),
      [duration]: jobs.flatMap(({ labels, durations }) => histogramSamples(duration, labels, durations)),
      [wait]: jobs.flatMap(({ labels, waits }) => histogramSamples(wait, labels, waits)),
      resque_runner_job_cpu_seconds_total: jobs.map(({ labels, cpuMs }) => ({
        labels,
        value: cpuMs / 1_000,
      })),
      resque_runner_job_peak_memory_bytes: this.#byQueue(
        queues,
        ({ totals }) => totals.peakMemoryBytes ?? undefined,
        Math.max,
      ),
      resque_runner_jobs_running: this.#byQueue(queues, ({ running }) => running, sum),
      resque_runner_jobs_killed_total: byKey('reason', runner.killed),
      resque_runner_slots: byPool(pools, ({ slots }) => slots),
      resque_runner_slots_busy: byPool(pools, ({ busy }) => busy),
      resque_runner_start_failures_total: byPool(pools, ({ failedStarts }) => failedStarts),
      resque_runner_program_unstartable: byPool(pools, ({ isUnstartable }) => Number(isUnstartable)),
      resque_runner_queue_length: this.#byQueue(queues, ({ name }) => read?.lengths.get(name), sum),
      resque_runner_queue_oldest_seconds: this.#byQueue(
        queues,
        ({ name }) => seconds(read?.oldestMs.get(name)),
        Math.max,
      ),
      resque_runner_queue_paused: this.#byQueue(queues, ({ isPaused }) => Number(isPaused), Math.max),
      resque_runner_failed_length: one(read?.failures),
      resque_runner_delayed_length: one(read?.delayed),
      resque_runner_redis_up: one(Number(figures.isRedisUp)),
      resque_runner_redis_outages_total: one(runner.redisOutages),
      resque_runner_step_duration_seconds: histogramSamples(
        'resque_runner_step_duration_seconds',
        {},
        statistics.roundTrips,
      ),
      resque_runner_outcomes_unwritten: one(figures.unwritten),
      resque_runner_outcomes_spooled: one(figures.spooled),
      resque_runner_recoveries_total: one(runner.recoveries),
      resque_runner_recovered_jobs_total: byKey('outcome', runner.recoveredJobs),
      resque_runner_notices_lost_total: one(runner.lostNotices),
      resque_runner_config_last_reload_successful: one(Number(runner.isLastReloadApplied ?? true)),
      resque_runner_event_loop_lag_seconds: one(own.lagSeconds),
      resque_runner_event_loop_busy_seconds_total: one(own.busySeconds),
      process_cpu_seconds_total: one(own.cpuSeconds),
      process_resident_memory_bytes: one(own.memoryBytes),
      process_start_time_seconds: one(own.startedSeconds),
    };
  }

  #about({ workerHost, namespace, redisVersion }: EngineFigures): Labels {
    return {
      ...{ version: this.#version, node: process.versions.node, worker_host: workerHost, namespace },
      redis_version: redisVersion ?? '',
    };
  }

  /** Counters begin at 0: Prometheus doesn't see the rise of one that appears with its first job. */
  *#members(queues: readonly QueueFigures[], byClass: ClassTotals | null): Iterable<Member> {
    for (const { name, totals } of queues) {
      const queue = this.#queues.labelOf(name);
      const isShared = queue !== name || name === otherValue;
      const classes = byClass?.ofQueue(name);
      if (classes === undefined) yield { key: name, labels: { queue }, isShared, totals };
      else
        for (const [jobClass, ofClass] of classes) {
          const key = JSON.stringify([name, jobClass]);
          yield { key, labels: { queue, class: jobClass }, isShared, totals: ofClass };
        }
    }
  }

  /** @param together what folded queues show */
  #byQueue(
    queues: readonly QueueFigures[],
    numberOf: (queue: QueueFigures) => number | undefined,
    together: (a: number, b: number) => number,
  ): Sample[] {
    const values = new Map<string, number>();
    for (const figures of queues) {
      const value = numberOf(figures);
      if (value === undefined) continue;
      const queue = this.#queues.labelOf(figures.name);
      const before = values.get(queue);
      values.set(queue, before === undefined ? value : together(before, value));
    }
    return [...values].map(([queue, value]) => ({ labels: { queue }, value }));
  }
}

function one(value: number | null | undefined): Sample[] {
  return value === null || value === undefined ? [] : [{ labels: {}, value }];
}

function byKey(label: string, values: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(values).map(([key, value]) => ({ labels: { [label]: key }, value }));
}

function byPool(pools: readonly PoolFigures[], numberOf: (pool: PoolFigures) => number): Sample[] {
  return pools.map((pool) => ({ labels: { pool: pool.key }, value: numberOf(pool) }));
}

function outcomeSamples({ labels, ended }: TotalsSeries): Sample[] {
  return Object.entries(ended).map(([outcome, value]) => ({ labels: { ...labels, outcome }, value }));
}

function histogramSamples(name: string, labels: Labels, values: HistogramValues | null): Sample[] {
  if (values === null) return [];
  const { boundsMs, counts, sumMs } = values;
  const samples: Sample[] = [];
  let count = 0;
  for (let at = 0; at <= boundsMs.length; at += 1) {
    count += counts[at] ?? 0;
    samples.push({
      labels: { ...labels, le: bound(boundsMs[at]) },
      value: count,
      metricName: `${name}_bucket`,
    });
  }
  samples.push({ labels, value: sumMs / 1_000, metricName: `${name}_sum` });
  samples.push({ labels, value: count, metricName: `${name}_count` });
  return samples;
}

/** `0.5`, `60.0`, as OpenMetrics wants it; the same in the other format, so that queries don't depend on the format. */
function bound(ms: number | undefined): string {
  if (ms === undefined) return '+Inf';
  const text = String(ms / 1_000);
  return text.includes('.') ? text : `${text}.0`;
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1_000;
}

function sum(a: number, b: number): number {
  return a + b;
}
