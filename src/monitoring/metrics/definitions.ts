/**
 * The table of all metrics; docs/metrics.md is generated from it. Names and units follow Prometheus' rules: base units,
 * `_total` for counters. Those that begin with `process_` have the same names in the client libraries for all languages.
 *
 * Long because it is one table.
 */
import {
  aboutRunner,
  byKey,
  byPool,
  byQueue,
  type Facts,
  histogram,
  none,
  one,
  type Sample,
  seconds,
  sum,
} from './samples.ts';

export interface Definition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Names of its labels, if it has any. */
  readonly labels?: readonly string[];
  /** Whether it also has the label `class` if the config says so. */
  readonly hasClass?: true;
  /** Left out for a number of things. */
  readonly unit?: 'seconds' | 'bytes';
  /** One line without quotes. */
  readonly help: string;
  readonly values: (facts: Facts) => readonly Sample[];
}

export const definitions: Readonly<Record<string, Definition>> = {
  resque_runner_build_info: {
    type: 'gauge',
    labels: ['version', 'node', 'worker_host', 'namespace', 'redis_version'],
    help: 'Always 1. The labels describe the runner.',
    values: (facts) => one(1, aboutRunner(facts)),
  },
  resque_runner_stopping: {
    type: 'gauge',
    help: '1 if the runner is stopping, otherwise 0.',
    values: ({ engine }) => one(Number(engine.isStopping)),
  },
  resque_runner_jobs_finished_total: {
    type: 'counter',
    labels: ['queue', 'outcome'],
    hasClass: true,
    help: 'Jobs that ended: succeeded, failed (for good), retried (failed, and will run again), requeued (put back by the runner) or snoozed (asked to run again later).',
    values: ({ jobs }) =>
      jobs.flatMap(({ labels, totals }) =>
        Object.entries(totals.ended).map(([outcome, value]) => ({ labels, own: { outcome }, value })),
      ),
  },
  resque_runner_job_duration_seconds: {
    type: 'histogram',
    labels: ['queue'],
    hasClass: true,
    unit: 'seconds',
    help: 'How long jobs ran that succeeded, failed or will be retried.',
    values: ({ jobs }) => jobs.flatMap(({ labels, totals }) => histogram(totals.durations, labels)),
  },
  resque_runner_job_wait_seconds: {
    type: 'histogram',
    labels: ['queue'],
    hasClass: true,
    unit: 'seconds',
    help: 'How long jobs waited from enqueuing to their start. Only for jobs whose payload says when they were enqueued, and not for retries.',
    values: ({ jobs }) => jobs.flatMap(({ labels, totals }) => histogram(totals.waits, labels)),
  },
  resque_runner_job_cpu_seconds_total: {
    type: 'counter',
    labels: ['queue'],
    hasClass: true,
    unit: 'seconds',
    help: 'CPU time of jobs that ended, user and system, including the processes that they waited for. 0 for persistent children.',
    values: ({ jobs }) => jobs.map(({ labels, totals }) => ({ labels, value: totals.cpuMs / 1_000 })),
  },
  resque_runner_job_peak_memory_bytes: {
    type: 'gauge',
    labels: ['queue'],
    unit: 'bytes',
    help: 'Peak resident memory of the largest process of a job, since the start of the runner. Missing if no job used more than the runner itself, and for persistent children.',
    values: ({ totals }) =>
      totals.flatMap(({ labels, totals: { peakMemoryBytes } }) => one(peakMemoryBytes, labels)),
  },
  resque_runner_jobs_running: {
    type: 'gauge',
    labels: ['queue'],
    help: 'Jobs that this runner is running now.',
    values: ({ queues }) => byQueue(queues, ({ running }) => running, sum),
  },
  resque_runner_jobs_killed_total: {
    type: 'counter',
    labels: ['reason'],
    help: 'Signals that the runner sent to jobs: operator, signal (USR1), timeout, shutdown, or taken-over (another runner has put the job back). A job that gets TERM, then KILL, counts twice.',
    values: ({ engine }) => byKey('reason', engine.statistics.runner.killed),
  },
  resque_runner_slots: {
    type: 'gauge',
    labels: ['pool'],
    help: 'Slots of an entry of the config: how many of its jobs can run at once.',
    values: ({ engine }) => byPool(engine, ({ slots }) => slots),
  },
  resque_runner_slots_busy: {
    type: 'gauge',
    labels: ['pool'],
    help: 'Slots that have a job or are asking Redis for one.',
    values: ({ engine }) => byPool(engine, ({ busy }) => busy),
  },
  resque_runner_start_failures_total: {
    type: 'counter',
    labels: ['pool'],
    help: 'How often a program could not be started. Each time, the job went back to its queue.',
    values: ({ engine }) => byPool(engine, ({ failedStarts }) => failedStarts),
  },
  resque_runner_program_unstartable: {
    type: 'gauge',
    labels: ['pool'],
    help: '1 while the program of the entry cannot be started and its queues are paused for that reason. Otherwise 0.',
    values: ({ engine }) => byPool(engine, ({ isUnstartable }) => Number(isUnstartable)),
  },
  resque_runner_queue_length: {
    type: 'gauge',
    labels: ['queue'],
    help: 'Jobs waiting on the queue in Redis.',
    values: ({ queues, read }) => byQueue(queues, ({ name }) => read?.queues.get(name)?.length, sum),
  },
  resque_runner_queue_oldest_seconds: {
    type: 'gauge',
    labels: ['queue'],
    unit: 'seconds',
    help: 'How long the job at the head of the queue has waited. 0 for an empty queue. Missing if its payload does not say when it was enqueued, or is larger than 16 KiB.',
    values: ({ queues, read }) =>
      byQueue(queues, ({ name }) => seconds(read?.queues.get(name)?.oldestMs), Math.max),
  },
  resque_runner_queue_paused: {
    type: 'gauge',
    labels: ['queue'],
    help: '1 if this runner takes no jobs from the queue: an operator has paused it, or its program cannot be started. Otherwise 0.',
    values: ({ queues }) => byQueue(queues, ({ isPaused }) => Number(isPaused), Math.max),
  },
  resque_runner_failed_length: {
    type: 'gauge',
    help: 'Failures on the list that all workers share.',
    values: ({ read }) => one(read?.failures),
  },
  resque_runner_delayed_length: {
    type: 'gauge',
    help: 'Delayed jobs and waiting retries. If they are due at more than 1,000 different times, each later time counts as one job.',
    values: ({ read }) => one(read?.leastDelayed),
  },
  resque_runner_redis_up: {
    type: 'gauge',
    help: '1 if Redis is usable, otherwise 0. While it is 0, metrics that are read from Redis are missing.',
    values: ({ engine }) => one(Number(engine.isRedisUp)),
  },
  resque_runner_redis_outages_total: {
    type: 'counter',
    help: 'How often Redis became unusable. If it is unusable when the runner starts, that counts, too.',
    values: ({ engine }) => one(engine.statistics.runner.redisOutages),
  },
  resque_runner_step_duration_seconds: {
    type: 'histogram',
    unit: 'seconds',
    help: 'Round trip of a step: the call to Redis that records how jobs ended and takes the next ones.',
    values: ({ engine }) => [{ labels: none, value: engine.statistics.roundTrips }],
  },
  resque_runner_outcomes_unwritten: {
    type: 'gauge',
    help: 'Jobs that ended, but whose outcome is not in Redis yet.',
    values: ({ engine }) => one(engine.unwritten),
  },
  resque_runner_outcomes_spooled: {
    type: 'gauge',
    help: 'How many of the unwritten outcomes are saved on the disk.',
    values: ({ engine }) => one(engine.spooled),
  },
  resque_runner_recoveries_total: {
    type: 'counter',
    help: 'Dead runners whose jobs this runner has recovered.',
    values: ({ engine }) => one(engine.statistics.runner.recoveries),
  },
  resque_runner_recovered_jobs_total: {
    type: 'counter',
    labels: ['outcome'],
    help: 'Jobs of dead runners: failed (recorded as failed) or requeued (put back on their queue).',
    values: ({ engine }) => byKey('outcome', engine.statistics.runner.recoveredJobs),
  },
  resque_runner_notices_lost_total: {
    type: 'counter',
    help: 'Failures that the onFailure program did not handle: it failed, or was not started because too many were waiting.',
    values: ({ engine }) => one(engine.statistics.runner.lostNotices),
  },
  resque_runner_config_last_reload_successful: {
    type: 'gauge',
    help: '1 if the last reload of the config was applied, 0 if it was rejected. 1 before the first reload.',
    values: ({ engine }) => one(Number(engine.statistics.runner.isLastReloadApplied ?? true)),
  },
  resque_runner_event_loop_lag_seconds: {
    type: 'gauge',
    unit: 'seconds',
    help: 'The longest delay of the event loop in the last minute.',
    values: ({ own }) => one(own.lagSeconds),
  },
  resque_runner_event_loop_busy_seconds_total: {
    type: 'counter',
    unit: 'seconds',
    help: 'How long the event loop was busy. Its rate is the utilization, from 0 to 1.',
    values: ({ own }) => one(own.busySeconds),
  },
  process_cpu_seconds_total: {
    type: 'counter',
    unit: 'seconds',
    help: 'CPU time of the runner itself, without its jobs.',
    values: ({ own }) => one(own.cpuSeconds),
  },
  process_resident_memory_bytes: {
    type: 'gauge',
    unit: 'bytes',
    help: 'Resident memory of the runner itself, without its jobs.',
    values: ({ own }) => one(own.memoryBytes),
  },
  process_start_time_seconds: {
    type: 'gauge',
    unit: 'seconds',
    help: 'When the runner started, in seconds since the Unix epoch.',
    values: ({ own }) => one(own.startedSeconds),
  },
};
