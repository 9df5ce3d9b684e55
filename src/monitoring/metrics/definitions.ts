/**
 * The table of all metrics. The collected values must have exactly these names and labels, and docs/metrics.md is generated
 * from it. Names and units follow Prometheus' rules: base units, `_total` for counters. Those that begin with `process_` have
 * the same names in the client libraries for all languages.
 *
 * Long because it is one table.
 */
export interface Definition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  /** Whether it also has the label `class` if the config says so. */
  readonly hasClass?: true;
  /** `null`: a number of things. */
  readonly unit: 'seconds' | 'bytes' | null;
  /** One line without quotes. */
  readonly help: string;
}

export const definitions = {
  resque_runner_build_info: {
    type: 'gauge',
    labels: ['version', 'node', 'worker_host', 'namespace', 'redis_version'],
    unit: null,
    help: 'Always 1. The labels describe the runner.',
  },
  resque_runner_stopping: {
    type: 'gauge',
    labels: [],
    unit: null,
    help: '1 if the runner is stopping, otherwise 0.',
  },
  resque_runner_jobs_finished_total: {
    type: 'counter',
    labels: ['queue', 'outcome'],
    hasClass: true,
    unit: null,
    help: 'Jobs that ended: succeeded, failed (for good), retried (failed, and will run again), requeued (put back by the runner) or snoozed (asked to run again later).',
  },
  resque_runner_job_duration_seconds: {
    type: 'histogram',
    labels: ['queue'],
    hasClass: true,
    unit: 'seconds',
    help: 'How long jobs ran that succeeded, failed or will be retried.',
  },
  resque_runner_job_wait_seconds: {
    type: 'histogram',
    labels: ['queue'],
    hasClass: true,
    unit: 'seconds',
    help: 'How long jobs waited from enqueuing to their start. Only for jobs whose payload says when they were enqueued, and not for retries.',
  },
  resque_runner_job_cpu_seconds_total: {
    type: 'counter',
    labels: ['queue'],
    hasClass: true,
    unit: 'seconds',
    help: 'CPU time of jobs that ended, user and system, including the processes that they waited for. 0 for persistent children.',
  },
  resque_runner_job_peak_memory_bytes: {
    type: 'gauge',
    labels: ['queue'],
    unit: 'bytes',
    help: 'Peak resident memory of the largest process of a job, since the start of the runner. Missing if no job used more than the runner itself, and for persistent children.',
  },
  resque_runner_jobs_running: {
    type: 'gauge',
    labels: ['queue'],
    unit: null,
    help: 'Jobs that this runner is running now.',
  },
  resque_runner_jobs_killed_total: {
    type: 'counter',
    labels: ['reason'],
    unit: null,
    help: 'Signals that the runner sent to jobs: operator, signal (USR1), timeout, shutdown, or taken-over (another runner has put the job back). A job that gets TERM, then KILL, counts twice.',
  },
  resque_runner_slots: {
    type: 'gauge',
    labels: ['pool'],
    unit: null,
    help: 'Slots of an entry of the config: how many of its jobs can run at once.',
  },
  resque_runner_slots_busy: {
    type: 'gauge',
    labels: ['pool'],
    unit: null,
    help: 'Slots that have a job or are asking Redis for one.',
  },
  resque_runner_start_failures_total: {
    type: 'counter',
    labels: ['pool'],
    unit: null,
    help: 'How often a program could not be started. Each time, the job went back to its queue.',
  },
  resque_runner_program_unstartable: {
    type: 'gauge',
    labels: ['pool'],
    unit: null,
    help: '1 while the program of the entry cannot be started and its queues are paused for that reason. Otherwise 0.',
  },
  resque_runner_queue_length: {
    type: 'gauge',
    labels: ['queue'],
    unit: null,
    help: 'Jobs waiting on the queue in Redis.',
  },
  resque_runner_queue_oldest_seconds: {
    type: 'gauge',
    labels: ['queue'],
    unit: 'seconds',
    help: 'How long the job at the head of the queue has waited. 0 for an empty queue. Missing if its payload does not say when it was enqueued, or is larger than 16 KiB.',
  },
  resque_runner_queue_paused: {
    type: 'gauge',
    labels: ['queue'],
    unit: null,
    help: '1 if this runner takes no jobs from the queue: an operator has paused it, or its program cannot be started. Otherwise 0.',
  },
  resque_runner_failed_length: {
    type: 'gauge',
    labels: [],
    unit: null,
    help: 'Failures on the list that all workers share.',
  },
  resque_runner_delayed_length: {
    type: 'gauge',
    labels: [],
    unit: null,
    help: 'Delayed jobs and waiting retries. If they are due at more than 1,000 different times, each later time counts as one job.',
  },
  resque_runner_redis_up: {
    type: 'gauge',
    labels: [],
    unit: null,
    help: '1 if Redis is usable, otherwise 0. While it is 0, metrics that are read from Redis are missing.',
  },
  resque_runner_redis_outages_total: {
    type: 'counter',
    labels: [],
    unit: null,
    help: 'How often Redis became unusable. If it is unusable when the runner starts, that counts, too.',
  },
  resque_runner_step_duration_seconds: {
    type: 'histogram',
    labels: [],
    unit: 'seconds',
    help: 'Round trip of a step: the call to Redis that records how jobs ended and takes the next ones.',
  },
  resque_runner_outcomes_unwritten: {
    type: 'gauge',
    labels: [],
    unit: null,
    help: 'Jobs that ended, but whose outcome is not in Redis yet.',
  },
  resque_runner_outcomes_spooled: {
    type: 'gauge',
    labels: [],
    unit: null,
    help: 'How many of the unwritten outcomes are saved on the disk.',
  },
  resque_runner_recoveries_total: {
    type: 'counter',
    labels: [],
    unit: null,
    help: 'Dead runners whose jobs this runner has recovered.',
  },
  resque_runner_recovered_jobs_total: {
    type: 'counter',
    labels: ['outcome'],
    unit: null,
    help: 'Jobs of dead runners: failed (recorded as failed) or requeued (put back on their queue).',
  },
  resque_runner_notices_lost_total: {
    type: 'counter',
    labels: [],
    unit: null,
    help: 'Failures that the onFailure program did not handle: it failed, or was not started because too many were waiting.',
  },
  resque_runner_config_last_reload_successful: {
    type: 'gauge',
    labels: [],
    unit: null,
    help: '1 if the last reload of the config was applied, 0 if it was rejected. 1 before the first reload.',
  },
  resque_runner_event_loop_lag_seconds: {
    type: 'gauge',
    labels: [],
    unit: 'seconds',
    help: 'The longest delay of the event loop in the last minute.',
  },
  resque_runner_event_loop_busy_seconds_total: {
    type: 'counter',
    labels: [],
    unit: 'seconds',
    help: 'How long the event loop was busy. Its rate is the utilization, from 0 to 1.',
  },
  process_cpu_seconds_total: {
    type: 'counter',
    labels: [],
    unit: 'seconds',
    help: 'CPU time of the runner itself, without its jobs.',
  },
  process_resident_memory_bytes: {
    type: 'gauge',
    labels: [],
    unit: 'bytes',
    help: 'Resident memory of the runner itself, without its jobs.',
  },
  process_start_time_seconds: {
    type: 'gauge',
    labels: [],
    unit: 'seconds',
    help: 'When the runner started, in seconds since the Unix epoch.',
  },
} as const satisfies Readonly<Record<string, Definition>>;

export type MetricName = keyof typeof definitions;
