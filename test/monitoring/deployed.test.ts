/** The dashboard and the alerts in deploy/ know the metrics. */
import { expect, test } from 'vitest';
import { definitions } from '../../src/monitoring/metrics/definitions.ts';
import { alertQueries, dashboardQueries, problemsOf } from './promql.ts';

test.each([
  ['resque_runner_job_duration_seconds_bucket{queue="a"}', []],
  ['resque_runner_nothing', ['there is no metric resque_runner_nothing']],
  ['resque_runner_job_duration_seconds', ['there is no metric resque_runner_job_duration_seconds']],
  ['resque_runner_slots_count', ['there is no metric resque_runner_slots_count']],
  ['resque_runner_slots{queue="a"}', ['resque_runner_slots has no label queue']],
  ['resque_runner_jobs_finished_total{outcome=~"failed|done"}', ['there is no outcome done']],
  ['sum by (job, queue) (resque_runner_slots)', ['no metric has the label queue']],
  ['1 > 0', ['it has no metric']],
])('the check of queries: %s', (query, problems) => {
  expect(problemsOf(query)).toEqual(problems);
});

test('the dashboard names only metrics and labels that exist', () => {
  const queries = dashboardQueries();
  expect(queries.length).toBeGreaterThan(30);
  expect(queries.flatMap((query) => problemsOf(query).map((problem) => `${problem}: ${query}`))).toEqual([]);
});

test('the dashboard shows each metric that belongs on one', () => {
  const shown = dashboardQueries().join('\n');
  const missing = Object.keys(definitions).filter((name) => !shown.includes(name));
  expect(missing).toEqual([
    'resque_runner_stopping',
    'resque_runner_program_unstartable',
    'resque_runner_recovered_jobs_total',
    'resque_runner_config_last_reload_successful',
    'process_start_time_seconds',
  ]);
});

test('alerts name only metrics and labels that exist', () => {
  const queries = alertQueries();
  expect(queries).toHaveLength(13);
  expect(queries.flatMap((query) => problemsOf(query).map((problem) => `${problem}: ${query}`))).toEqual([]);
});
