/** `resque-runner failed retry|remove|clear` on a terminal: the question, the bar, and Ctrl-C. */
import { describe, expect, test } from 'vitest';
import { waitFor } from '../../helpers/wait-for.ts';
import { useFailedProgram } from './program-stage.ts';
import { holdAtStep, idOf, record, records, useFailedStage } from './stage.ts';

const stage = useFailedStage();
const program = useFailedProgram(stage);

const retried = async () => (await stage.list()).filter((entry) => entry.includes('"retried_at"')).length;

describe('the question', () => {
  test('says how many and where, and Enter means no', async () => {
    await stage.fill(...records(3), record({ queue: 'news' }));
    const terminal = program.open(['retry', '--queue', 'mail'], { columns: 120 });
    await terminal.waitForText('● No');
    expect(terminal.text()).toContain(
      `3 of 4 failures match (resque:failed at ${stage.url}/0). Put their jobs back on their queues?`,
    );
    expect(terminal.isCursorHidden).toBe(true);
    await terminal.press('return');
    await terminal.waitForText('came to 1');
    expect(terminal.text()).toContain('resque-runner: nothing was changed');
    expect(await stage.queued()).toEqual([]);
  });

  const [retry, remove, clear] = [
    ['retry', '--all'],
    ['remove', '1'],
    ['clear', '--json'],
  ] as const;

  // All commands ask in the same way.
  test.each([
    { key: 'n', code: 1, commands: [retry, remove, clear] },
    { key: 'ctrl+c', code: 130, commands: [retry] },
    { key: 'ctrl+d', code: 130, commands: [remove] },
    { key: 'escape', code: 130, commands: [clear] },
  ])('answered by $key changes nothing, and the exit code is $code', async (each) => {
    const { key, code, commands } = each;
    await stage.fill(...records(3));
    const terminals = commands.map((args) => program.open(args));
    for (const terminal of terminals) await terminal.waitForText('● No');
    for (const terminal of terminals) await terminal.press(key);
    for (const terminal of terminals) {
      await terminal.waitForText(`came to ${code}`);
      expect(terminal.text()).toContain('resque-runner: nothing was changed');
      expect(terminal.text().match(/There are 3|Delete failure 1@/g)).toHaveLength(1);
      expect(terminal.isRestored).toBe(true);
    }
    const at = commands.indexOf(clear);
    if (at >= 0) expect(terminals[at]?.text()).toMatch(/^ {2}"end": "declined",$/m);
    expect(await stage.list()).toEqual(records(3));
    expect(await stage.queued()).toEqual([]);
  });

  test('answered by y is followed by the result', async () => {
    await stage.fill(...records(3));
    const retry = program.open(['retry', '--all']);
    await retry.waitForText('● No');
    await retry.press('y');
    await retry.waitForText('came to 0');
    expect(retry.text()).toContain('\nretried 3 failures\ncame to 0');
    expect(await retried()).toBe(3);
    const entry = (await stage.list())[1] ?? '';
    const remove = program.open(['remove', '1'], { columns: 120 });
    await remove.waitForText(`Delete failure ${idOf(1, entry)} (SendMail of mail: Boom: 1) and its job?`);
    await remove.press('y');
    await remove.waitForText(`${idOf(1, entry)}: removed\ncame to 0`);
    const clear = program.open(['clear'], { columns: 120 });
    await clear.waitForText('There are 2 failures');
    await clear.press('y');
    await clear.waitForText('removed 2 failures\ncame to 0');
    expect(await stage.list()).toEqual([]);
    for (const terminal of [retry, remove, clear]) expect(terminal.isRestored).toBe(true);
  });

  test('is not asked for a retry of named failures, or with --yes', async () => {
    await stage.fill(...records(3));
    const terminals = [
      ['retry', '0', '1'],
      ['remove', '2', '--yes'],
    ].map((args) => program.open(args));
    for (const terminal of terminals) await terminal.waitForText('came to 0');
    expect(terminals.map((terminal) => terminal.text().includes('?'))).toEqual([false, false]);
    expect(await stage.list()).toHaveLength(2);
  });

  test('is asked on the terminal, even if STDOUT is redirected', async () => {
    await stage.fill(...records(2));
    const terminal = program.open(['clear', '--json'], { to: 'out.json' });
    await terminal.waitForText('● No');
    await terminal.press('y');
    await terminal.waitForText('came to 0');
    expect(JSON.parse(program.read('out.json'))).toMatchObject({ done: 2, end: 'whole' });
  });
});

describe('thousands', () => {
  test.each([
    { args: ['retry', '--all', '--yes'], title: 'retrying', verb: 'retried' },
    { args: ['clear', '--yes'], title: 'removing', verb: 'removed' },
  ])('show a progress bar: $title, and Ctrl-C stops between two steps', async ({ args, title, verb }) => {
    await stage.fill(...records(3_000));
    const way = await holdAtStep(4, stage.redis);
    const terminal = program.open([...args, '--redis', way.url], { columns: 120 });
    await terminal.waitForText(
      new RegExp(`^${title} {2}[█░]+ \\d+ % {2}[\\d,]+ of 3,000 {2}(\\d+ \\w+|…) left$`, 'm'),
    );
    await terminal.press('ctrl+c');
    await terminal.waitForNoText(title);
    way.goOn();
    await terminal.waitForText('came to 130');
    const words = `resque-runner: ${verb} ([\\d,]+); stopped there because it was cancelled`;
    const [, count = ''] = new RegExp(words).exec(terminal.text()) ?? [];
    const done = Number(count.replace(',', ''));
    expect(done).toBeGreaterThan(0);
    expect(done).toBeLessThan(3_000);
    expect(args[0] === 'clear' ? 3_000 - (await stage.list()).length : await retried()).toBe(done);
    expect(await stage.queued()).toHaveLength(args[0] === 'clear' ? 0 : done);
    expect(terminal.isRestored).toBe(true);
    // The same command continues with the rest.
    const rest = await stage.failed(...args);
    expect(rest.stdout).toBe(`${verb} ${(3_000 - done).toLocaleString('en-US')} failures`);
    expect(await stage.queued()).toHaveLength(args[0] === 'clear' ? 0 : 3_000);
  });

  test('that are named show a progress bar, too', async () => {
    const entries = records(600);
    await stage.fill(...entries);
    const way = await holdAtStep(2, stage.redis);
    const ids = entries.map((entry, at) => idOf(at, entry));
    const terminal = program.open(['retry', ...ids, '--redis', way.url]);
    await terminal.waitForText(/^retrying {2}█+░+ 41 % {2}250 of 600 /m);
    way.goOn();
    await terminal.waitForText('retried 600 failures\ncame to 0');
    expect(await retried()).toBe(600);
  });

  test('without a terminal print one line, and SIGTERM stops between two steps, too', async () => {
    await stage.fill(...records(3_000));
    const way = await holdAtStep(3, stage.redis);
    const retry = program.start('retry', '--all', '--yes', '--json', '--redis', way.url);
    await waitFor(way.isHolding, { message: 'a step waits' });
    retry.kill('SIGTERM');
    way.goOn();
    const { exitCode, stdout, stderr } = await retry;
    const { done, end, message } = JSON.parse(stdout) as { done: number; end: string; message: string };
    expect({ exitCode, end, stderr }).toEqual({
      exitCode: 143,
      end: 'cancelled',
      stderr: `resque-runner: ${message}`,
    });
    expect(done).toBeGreaterThan(0);
    expect(await retried()).toBe(done);
    expect(await stage.queued()).toHaveLength(done);
  });

  test('end immediately on a second signal', async () => {
    await stage.fill(...records(1_000));
    const way = await holdAtStep(2, stage.redis);
    const retry = program.start('retry', '--all', '--yes', '--redis', way.url);
    await waitFor(way.isHolding, { message: 'a step waits' });
    await waitFor(
      () => {
        retry.kill('SIGINT');
        return retry.exitCode !== null || retry.signalCode !== null;
      },
      { message: 'it ends' },
    );
    expect(await retry).toMatchObject({ signal: 'SIGINT', stdout: '' });
    way.goOn();
  });
});

test('a list and a failure can be piped to programs that read only the beginning', async () => {
  await stage.fill(
    ...records(3_000, { backtrace: ['x'.repeat(200)] }),
    record({ error: 'x\n'.repeat(500_000) }),
  );
  for (const form of ['', '--json']) {
    const list = await program.shell(
      `$failed list --limit 3001 ${form} $where | head -1; echo "\${PIPESTATUS[0]}"`,
    );
    const lines = list.stdout.split('\n');
    expect({ lines: lines.length, code: lines[1], stderr: list.stderr }).toEqual({
      ...{ lines: 2, code: '0', stderr: '' },
    });
    const one = await program.shell(`$failed show ${form} $where | head -c 12; echo " \${PIPESTATUS[0]}"`);
    expect(one).toMatchObject({ stdout: expect.stringMatching(/^.{12} 0$/s), stderr: '' });
  }
  const cut = await program.shell(`$failed list --before 3000 --limit 2 $where | cut -f 1,8`);
  expect(cut.stdout).toMatch(/^2999@[0-9a-f]{8}\t2999\n2998@[0-9a-f]{8}\t2998$/);
});
