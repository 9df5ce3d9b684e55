/**
 * The table of all metrics. The collected values must have exactly these names and labels, and docs/metrics.md is made from
 * it. Names and units follow Prometheus' rules: base units, `_total` for counters. Those that begin with `process_` are called
 * as in all other programs.
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
  /** One line without quotes, which OpenMetrics would escape. */
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
    help: 'How long jobs ran that succeeded, failed or were retried.',
  },
  resque_runner_job_wait_seconds: {
    type: 'histogram',
    labels: ['queue'],
    hasClass: true,
    unit: 'seconds',
    help: 'How long jobs waited from enqueuing to their start. Only of jobs whose payload says when they were enqueued, and not of retries.',
  },
  resque_runner_job_cpu_seconds_total: {
    type: 'counter',
    labels: ['queue'],
    hasClass: true,
    unit: 'seconds',
    help: 'CPU time of jobs that ended, user and system, with the processes that they waited for. 0 for persistent children.',
  },
  resque_runner_job_peak_memory_bytes: {
    type: 'gauge',
    labels: ['queue'],
    unit: 'bytes',
    help: 'The highest memory of a process of a job since the start. Missing if no job had more than the runner itself, and for persistent children.',
  },
  resque_runner_jobs_running: {
    type: 'gauge',
    labels: ['queue'],
    unit: null,
    help: 'Jobs that are running now, in this runner.',
  },
  resque_runner_jobs_killed_total: {
    type: 'counter',
    labels: ['reason'],
    unit: null,
    help: 'Signals that the runner sent to jobs: operator, signal (USR1), timeout, shutdown, or taken-over (another runner has put the job back).',
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
    help: 'Slots that have a job or ask Redis for one.',
  },
  resque_runner_start_failures_total: {
    type: 'counter',
    labels: ['pool'],
    unit: null,
    help: 'Programs that could not be started. Their jobs went back to their queue.',
  },
  resque_runner_program_unstartable: {
    type: 'gauge',
    labels: ['pool'],
    unit: null,
    help: '1 while the program of the entry cannot be started, so that its queues are paused. Otherwise 0.',
  },
  resque_runner_queue_length: {
    type: 'gauge',
    labels: ['queue'],
    unit: null,
    help: 'Jobs that wait on the queue in Redis.',
  },
  resque_runner_queue_oldest_seconds: {
    type: 'gauge',
    labels: ['queue'],
    unit: 'seconds',
    help: 'How long the next job of the queue has waited; 0 for an empty queue. Missing if its payload does not say when it was enqueued.',
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
    help: '1 if Redis can be used, otherwise 0. While it is 0, metrics of what is in Redis are missing.',
  },
  resque_runner_redis_outages_total: {
    type: 'counter',
    labels: [],
    unit: null,
    help: 'How often Redis became unusable, including at the start.',
  },
  resque_runner_step_duration_seconds: {
    type: 'histogram',
    labels: [],
    unit: 'seconds',
    help: 'Round trips of steps: calls of Redis that record how jobs ended and take the next ones.',
  },
  resque_runner_outcomes_unwritten: {
    type: 'gauge',
    labels: [],
    unit: null,
    help: 'Ended jobs whose outcome is not in Redis yet.',
  },
  resque_runner_outcomes_spooled: {
    type: 'gauge',
    labels: [],
    unit: null,
    help: 'Those of the unwritten outcomes that are on the disk.',
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
    help: 'Failures that no onFailure program has handled: it failed, or was not started because too many were waiting.',
  },
  resque_runner_config_last_reload_successful: {
    type: 'gauge',
    labels: [],
    unit: null,
    help: '1 if the last reload of the config was applied, 0 if it was rejected. 1 before the first one.',
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
    help: 'Time in which the event loop was not idle. Its rate is the utilization, from 0 to 1.',
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
    help: 'Memory of the runner itself, without its jobs.',
  },
  process_start_time_seconds: {
    type: 'gauge',
    labels: [],
    unit: 'seconds',
    help: 'When the runner started, in seconds since the epoch.',
  },
} as const satisfies Readonly<Record<string, Definition>>;

export type MetricName = keyof typeof definitions;
