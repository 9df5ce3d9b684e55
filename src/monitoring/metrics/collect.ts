/** Turns what the engine knows into the values of all metrics. */
import type { EngineFigures, PoolFigures, QueueFigures, ReadFigures } from '../../engine/figures.ts';
import type { ClassTotals } from '../../engine/statistics/class-totals.ts';
import { LabelFold, otherValue } from './label-fold.ts';
import type { OwnReadings } from './own-readings.ts';
import { type HistogramValues, type Labels, type Member, SeriesOfTotals } from './series.ts';
import type { Sample, Samples } from './text.ts';

/** Queues with their own names. */
export const mostQueues = 1_000;

export interface CollectorOptions {
  readonly version: string;
  readonly onFolded: (label: 'queue' | 'class', limit: number) => void;
}

interface LabeledQueue {
  readonly figures: QueueFigures;
  readonly label: string;
  readonly labels: Labels;
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
    const { pools, statistics } = figures;
    const { runner } = statistics;
    const queues = this.#labeled(figures.queues);
    const jobs = this.#jobs.of(membersOf(queues, statistics.classes));
    this.#tellClasses(statistics.classes);
    return {
      resque_runner_build_info: one(1, this.#about(figures)),
      resque_runner_stopping: one(Number(figures.isStopping)),
      resque_runner_jobs_finished_total: jobs.flatMap(({ labels, ended }) =>
        Object.entries(ended).map(([outcome, value]) => ({ labels, own: { outcome }, value })),
      ),
      resque_runner_job_duration_seconds: jobs.flatMap(({ labels, durations }) =>
        histogram(durations, labels),
      ),
      resque_runner_job_wait_seconds: jobs.flatMap(({ labels, waits }) => histogram(waits, labels)),
      resque_runner_job_cpu_seconds_total: jobs.map(({ labels, cpuMs }) => ({
        labels,
        value: cpuMs / 1_000,
      })),
      resque_runner_job_peak_memory_bytes: byQueue(
        queues,
        ({ totals }) => totals.peakMemoryBytes ?? undefined,
        Math.max,
      ),
      resque_runner_jobs_running: byQueue(queues, ({ running }) => running, sum),
      resque_runner_jobs_killed_total: byKey('reason', runner.killed),
      resque_runner_slots: byPool(pools, ({ slots }) => slots),
      resque_runner_slots_busy: byPool(pools, ({ busy }) => busy),
      resque_runner_start_failures_total: byPool(pools, ({ failedStarts }) => failedStarts),
      resque_runner_program_unstartable: byPool(pools, ({ isUnstartable }) => Number(isUnstartable)),
      resque_runner_queue_length: byQueue(queues, ({ name }) => read?.lengths.get(name), sum),
      resque_runner_queue_oldest_seconds: byQueue(
        queues,
        ({ name }) => seconds(read?.oldestMs.get(name)),
        Math.max,
      ),
      resque_runner_queue_paused: byQueue(queues, ({ isPaused }) => Number(isPaused), Math.max),
      resque_runner_failed_length: one(read?.failures),
      resque_runner_delayed_length: one(read?.delayed),
      resque_runner_redis_up: one(Number(figures.isRedisUp)),
      resque_runner_redis_outages_total: one(runner.redisOutages),
      resque_runner_step_duration_seconds: histogram(statistics.roundTrips, none),
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

  #labeled(queues: readonly QueueFigures[]): LabeledQueue[] {
    const exists = new Set(queues.map(({ name }) => name));
    this.#queues.keep((name) => exists.has(name));
    return queues.map((figures) => {
      const label = this.#queues.labelOf(figures.name);
      return { figures, label, labels: { queue: label } };
    });
  }

  #tellClasses(classes: ClassTotals | null): void {
    if (classes?.isFolded !== true || this.#areClassesFolded) return;
    this.#areClassesFolded = true;
    this.#onFolded('class', classes.limit);
  }
}

/** Counters begin at 0: Prometheus doesn't see the rise of one that appears with its first job. */
function* membersOf(queues: readonly LabeledQueue[], byClass: ClassTotals | null): Iterable<Member> {
  for (const { figures, label, labels } of queues) {
    const { name, totals } = figures;
    const isShared = label === otherValue;
    const classes = byClass?.ofQueue(name);
    if (classes === undefined) yield { key: name, labels, isShared, totals };
    else
      for (const [jobClass, ofClass] of classes) {
        const key = JSON.stringify([name, jobClass]);
        yield { key, labels: { ...labels, class: jobClass }, isShared, totals: ofClass };
      }
  }
}

/** @param together what folded queues show */
function byQueue(
  queues: readonly LabeledQueue[],
  numberOf: (queue: QueueFigures) => number | undefined,
  together: (a: number, b: number) => number,
): Sample[] {
  const samples: Sample[] = [];
  let others: Sample | null = null;
  for (const { figures, label, labels } of queues) {
    const value = numberOf(figures);
    if (value === undefined) continue;
    if (label !== otherValue) samples.push({ labels, value });
    else others = { labels, value: others === null ? value : together(Number(others.value), value) };
  }
  return others === null ? samples : [...samples, others];
}

const none: Labels = {};

function one(value: number | null | undefined, labels: Labels = none): Sample[] {
  return value === null || value === undefined ? [] : [{ labels, value }];
}

function histogram(values: HistogramValues | null, labels: Labels): Sample[] {
  return values === null ? [] : [{ labels, value: values }];
}

function byKey(label: string, values: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(values).map(([key, value]) => ({ labels: { [label]: key }, value }));
}

function byPool(pools: readonly PoolFigures[], numberOf: (pool: PoolFigures) => number): Sample[] {
  return pools.map((pool) => ({ labels: { pool: pool.key }, value: numberOf(pool) }));
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1_000;
}

function sum(a: number, b: number): number {
  return a + b;
}
