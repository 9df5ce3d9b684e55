/** Prometheus' own tool is content with metrics, alerts and the queries of the dashboard. Skipped if it can't be had. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { findPromtool } from '../../scripts/setup/promtool.mjs';
import { FakeEngine, figures, nothingRead, queue, succeeded } from './metrics/figures.ts';
import { dashboardQueries } from './promql.ts';

let program = '';
let whyNot = '';
let directory = '';

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'rr-promtool-'));
  const found = await findPromtool();
  if ('program' in found) program = found.program;
  else whyNot = found.whyNot;
  if (whyNot !== '') console.warn(`promtool can't be had, so its checks are skipped: ${whyNot}`);
});
beforeEach(({ skip }) => skip(whyNot !== '', whyNot));
afterAll(() => rmSync(directory, { recursive: true }));

async function promtool(args: readonly string[], input = ''): Promise<string> {
  const { all, exitCode } = await execa(program, args, { input, all: true, reject: false });
  expect(exitCode, all).toBe(0);
  return all;
}

test('metrics', async () => {
  const engine = new FakeEngine();
  const odd = 'a"b\\c\nd';
  engine.now = figures(
    {
      queues: [queue(odd), queue('mail'), queue('\u{1f600} \0\r')],
      pools: [{ key: 'mail', slots: 2, busy: 1, failedStarts: 0, isUnstartable: false }],
    },
    {
      [odd]: (totals) => {
        succeeded(1, 100_000)(totals);
        totals.waited(7);
      },
    },
  );
  engine.read = () =>
    Promise.resolve({
      ...{ ...nothingRead, failures: 0, leastDelayed: 3 },
      queues: new Map([['mail', { length: 2, oldestMs: 7, oldest: null }]]),
    });
  const text = await engine.text();
  engine.pages.stop();
  // It also prints what it would name or describe in another way.
  expect(await promtool(['check', 'metrics'], text)).toBe('');
});

test('alerts', async () => {
  const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
  expect(await promtool(['check', 'rules', here('../../deploy/alerts.yml')])).toMatch(
    /SUCCESS: \d+ rules found/,
  );
  await promtool(['test', 'rules', here('alerts-tests.yml')]);
});

test('queries of the dashboard', async () => {
  const rules = dashboardQueries().map((expr, at) => ({ alert: `Panel${at}`, expr }));
  const file = join(directory, 'rules.yml');
  // YAML contains JSON.
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
  expect(await promtool(['check', 'rules', file])).toContain(`SUCCESS: ${rules.length} rules found`);
});
