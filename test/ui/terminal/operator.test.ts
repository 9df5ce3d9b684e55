/**
 * What an operator does on a bad day, by keys and mouse in a real terminal, while Redis is checked: a queue in trouble among
 * a hundred, failures in groups, a pause that holds while the runner is killed and replaced.
 */
import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Runner } from '../../helpers/runner.ts';
import type { Terminal } from '../../helpers/terminal.ts';
import { staysTrue, waitFor } from '../../helpers/wait-for.ts';
import {
  focusedPanel,
  mouseOn,
  rowOf,
  selectedTexts,
  waitForFocus,
  waitForSelected,
} from '../screen-parts.ts';
import { addFailures, numbered } from '../screens/failure-records.ts';
import { useUiStage } from '../stage.ts';

const ui = useUiStage({ timeoutMs: 60_000 });

const quietMs = 300;
const troubled = 'queue-077';
/** Payloads that JSON.parse and JSON.stringify would change. */
const stuck = [
  '{"class":"Stuck","args":[1.0, "caf\\u00e9"]}',
  '{"args":[2],"class":"Stuck"}',
  '{ "class":"Stuck", "args":[12345678901234567890] }',
] as const;

function config() {
  const { stage } = ui;
  const names = Array.from({ length: 99 }, (_, at) => `queue-${String(at + 1).padStart(3, '0')}`);
  return {
    script: stage.script('cat > /dev/null; echo "$1" >> "$D/ran"'),
    runners: {
      ...Object.fromEntries(names.map((name) => [name, 1])),
      [troubled]: { concurrency: 1, script: stage.path('missing-script') },
      'tenant_*': 2,
    },
  };
}

/** 211 failures in three groups, of queues that no runner watches. */
async function addGroups(): Promise<void> {
  await addFailures(ui.stage, [
    ...numbered(120, { exception: 'Refused', jobClass: 'Export', queue: 'exports' }),
    ...numbered(80, { exception: 'Timeout', jobClass: 'Charge', queue: 'bills' }),
    ...numbered(11, { exception: 'DiskFull', jobClass: 'Cleanup', queue: 'disks' }),
  ]);
}

async function findTrouble(screen: Terminal): Promise<void> {
  await screen.waitForText("! can't start");
  await screen.press('G', '!');
  await waitForSelected(screen, troubled);
  await screen.press('return');
  await screen.waitForText(`Queues › ${troubled}`);
}

async function deleteSecondWaitingJob(screen: Terminal): Promise<void> {
  await waitForFocus(screen, 'waiting 3');
  await waitForSelected(screen, '1  Stuck [1,"café"]');
  await screen.press('j');
  await waitForSelected(screen, '2  Stuck [2]');
  await screen.press('D');
  await screen.waitForText('Delete this waiting job?');
  await screen.waitForText(`Stuck of ${troubled}: [2]`);
  expect(await ui.stage.backlog(troubled)).toEqual(stuck);
  await screen.press('y');
  await screen.waitForText(`✓ removed from ${troubled}`);
  await waitForFocus(screen, 'waiting 2');
  expect(await ui.stage.backlog(troubled)).toEqual([stuck[0], stuck[2]]);
  await screen.press('escape');
}

async function retryOneGroup(screen: Terminal): Promise<void> {
  const before = (await ui.stage.rawFailures()).map(String);
  await screen.press('2');
  await screen.waitForText('of 211');
  await screen.press('v');
  await screen.waitForText('3 groups by exception and class');
  await waitForSelected(screen, 'Refused');
  await screen.press('j');
  await waitForSelected(screen, 'Timeout');
  expect(rowOf(screen, '▸')).toMatch(/▸ +80 {2}03-04 +Timeout +Charge/);
  await screen.press('r');
  await screen.waitForText('Retry 80 failures?');
  expect(selectedTexts(screen).some((text) => text.includes('Cancel'))).toBe(true);
  await screen.press('y');
  await screen.waitForText('✓ retried 80 failures');
  await screen.waitForText('80 failures, 0 can be retried');
  const jobs = numbered(80).map(({ args }) => JSON.stringify({ class: 'Charge', args }));
  expect(await ui.stage.backlog('bills')).toEqual(jobs);
  for (const queue of ['exports', 'disks']) expect(await ui.stage.backlog(queue)).toEqual([]);
  const after = (await ui.stage.rawFailures()).map(String);
  expect(after).toHaveLength(211);
  const changed = after.filter((text, at) => text !== before[at]);
  expect(changed).toHaveLength(80);
  for (const text of changed) {
    expect(JSON.parse(text)).toMatchObject({ exception: 'Timeout', retried_at: expect.any(String) });
  }
  await screen.press('escape');
}

/** The keys go to the entry: its panel, or its row where there is no room for panels. */
async function waitForPattern(screen: Terminal): Promise<void> {
  await screen.waitFor(
    () => focusedPanel(screen) === 'tenant_*' || (selectedTexts(screen)[0] ?? '').startsWith('▸ tenant_*'),
    'the cursor is on tenant_*',
  );
}

/** A job of a queue that was there, and one of a queue that appears while the entry is paused. */
async function pausePattern(screen: Terminal): Promise<void> {
  const { stage } = ui;
  await screen.press('1', '/');
  screen.type('tenant\r');
  await waitForPattern(screen);
  await screen.press('p');
  await screen.waitForText('✓ every queue of tenant_* is paused');
  await stage.enqueue('tenant_1', { class: 'Held', args: [] });
  await stage.enqueue('tenant_9', { class: 'New', args: [] });
  await screen.waitForText('tenant_9');
  await staysTrue(nothingStarts, { message: 'nothing starts', forMs: quietMs });
}

async function nothingStarts(): Promise<boolean> {
  const { stage } = ui;
  const waiting = [...(await stage.backlog('tenant_1')), ...(await stage.backlog('tenant_9'))];
  return waiting.length === 2 && stage.read('ran') === '';
}

/** As an out-of-memory killer and a process manager do it. */
async function replace(runner: Runner, screen: Terminal): Promise<void> {
  runner.signal('SIGKILL');
  await screen.waitForText(`the runner (process ${runner.pid}) is gone; waiting for the next one`);
  await screen.waitForText(/tenant_9/);
  const next = await ui.stage.run(config());
  await screen.waitForText(`attached to process ${next.pid}`);
}

async function resumePattern(screen: Terminal): Promise<void> {
  await screen.waitForText(/tenant_\* .*‖ PAUSED/);
  await staysTrue(nothingStarts, { message: 'the next runner keeps the pause', forMs: quietMs });
  await waitForPattern(screen);
  await screen.press('p');
  await screen.waitForText('✓ every queue of tenant_* is resumed');
  expect((await ui.stage.waitForFileLines('ran', 2)).sort()).toEqual(['tenant_1', 'tenant_9']);
  await screen.press('escape');
}

async function useMouse(screen: Terminal): Promise<void> {
  mouseOn(screen, '2 Fail');
  await screen.waitForText('of 211');
  const rows = screen.screen().filter((row) => row.includes('DiskFull: Error '));
  const shown = rows.map((row) => /DiskFull: Error \d+\./.exec(row)?.[0] ?? '');
  await waitForSelected(screen, 'DiskFull: Error 11.');
  mouseOn(screen, shown[4] ?? '');
  await waitForSelected(screen, 'DiskFull: Error 7.');
  mouseOn(screen, shown[0] ?? '', 'wheel-down');
  await waitForSelected(screen, 'DiskFull: Error 4.');
  mouseOn(screen, 'DiskFull: Error 4.', 'wheel-up');
  await waitForSelected(screen, 'DiskFull: Error 7.');
}

test.each([
  [140, 45],
  [80, 24],
])('at %d×%d, an operator finds trouble, retries, pauses, and outlives the runner', async (columns, rows) => {
  const { stage } = ui;
  stage.mayLeaveKeys('queue:bills');
  await stage.client.sadd(stage.key('queues'), 'tenant_1');
  await stage.enqueue(troubled, ...stuck);
  await addGroups();
  const runner = await stage.run(config());
  const screen = await ui.attach({ columns, rows });
  await findTrouble(screen);
  await deleteSecondWaitingJob(screen);
  await retryOneGroup(screen);
  await pausePattern(screen);
  await replace(runner, screen);
  await resumePattern(screen);
  await useMouse(screen);
  await screen.press('q');
  expect(await screen.exit).toEqual({ exitCode: 0, signal: 0 });
  // The jobs of the queue in trouble run after all when its script is there, and only those that were left.
  stage.script('cat >> "$D/stuck"', { name: 'missing-script' });
  await waitFor(async () => (await stage.backlog(troubled)).length === 0, { message: 'they were taken' });
  await waitFor(() => stage.read('stuck').length === stuck[0].length + stuck[2].length, {
    message: 'they have run',
  });
  expect(stage.read('stuck')).toBe(`${stuck[0]}${stuck[2]}`);
  rmSync(stage.path('missing-script'));
});
