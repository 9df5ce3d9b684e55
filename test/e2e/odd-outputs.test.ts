/** The failure report: any output of a job becomes a valid record that contains it. */
import { expect, test } from 'vitest';
import { oddOutputs } from '../fixtures/odd-outputs.ts';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import type { FailureRecord } from '../helpers/resque-web.ts';

const e2e = useEndToEnd({ isInProcess: true });

test('a failure contains any output of its job', async () => {
  for (const [n, { stderr, stdout = '' }] of oddOutputs.entries()) {
    e2e.write(`stderr-${n}`, typeof stderr === 'string' ? Buffer.from(stderr) : stderr);
    e2e.write(`stdout-${n}`, stdout);
  }
  // `args` are the index in the table and the exit code.
  const script = e2e.script(`
    set -- $(sed 's/.*\\[\\([0-9]*\\),\\([0-9]*\\)\\].*/\\1 \\2/')
    cat "$D/stdout-$1"; cat "$D/stderr-$1" >&2; exit "$2"`);
  const payloads = oddOutputs.map(({ exitCode = 1 }, n) => ({ class: 'Odd', args: [n, exitCode] }));
  await e2e.enqueue('odd', ...payloads);
  const runner = await e2e.run({ runners: { odd: 1 }, script }, { args: ['--drain'] });
  expect(await runner.waitForExit()).toEqual({ code: 0, signal: undefined });

  const failures = await e2e.failures(oddOutputs.length);
  const raw = await e2e.rawFailures();
  for (const [n, { name, exitCode = 1, record, mentions = [] }] of oddOutputs.entries()) {
    const failure = failures[n];
    if (failure === undefined) throw new Error(`no record of ${name}`);
    expect.soft(failure, name).toMatchObject({ queue: 'odd', payload: payloads[n], exit_code: exitCode });
    expect.soft(failure, name).not.toHaveProperty('signal');
    if (record.exception !== undefined) expect.soft(failure.exception, name).toBe(record.exception);
    if (record.error !== undefined) expect.soft(failure.error.trim(), name).toBe(record.error);
    if (record.backtrace !== undefined) expect.soft(failure.backtrace, name).toEqual(record.backtrace);
    if (record.stderr !== undefined) expect.soft(failure.stderr?.trim(), name).toBe(record.stderr);
    if (record.stdout !== undefined) expect.soft(failure.stdout?.trim(), name).toBe(record.stdout);
    expect.soft(failure.error, name).not.toBe('');
    for (const mention of mentions) expect.soft(textOf(failure), name).toContain(mention);
    // Two streams of 64 KiB, possibly escaped, and our own members.
    expect.soft(raw[n]?.length, name).toBeLessThan(256 * 1024);
  }
  expect(await e2e.stat('failed')).toBe(oddOutputs.length);
  expect(await e2e.stat('processed')).toBe(oddOutputs.length);
});

test('a job that exits with 0 has succeeded, regardless of its output', async () => {
  const script = e2e.script(`echo '{"exception":"E","error":"x"}' >&2; echo noise`);
  await e2e.enqueue('odd', { class: 'Odd', args: [] });
  const runner = await e2e.run({ runners: { odd: 1 }, script }, { args: ['--drain'] });
  await runner.waitForExit();
  expect(runner.all('job.finished').map(({ outcome }) => outcome)).toEqual(['succeeded']);
  await e2e.failures(0);
  expect(await e2e.stat('processed')).toBe(1);
});

test('every exit code is recorded as it was', async () => {
  const script = e2e.script("exit $(sed 's/.*\\[\\([0-9]*\\)\\].*/\\1/')");
  const codes = [1, 2, 77, 126, 127, 128, 143, 255];
  await e2e.enqueue('odd', ...codes.map((code) => ({ class: 'Odd', args: [code] })));
  const runner = await e2e.run({ runners: { odd: 1 }, script }, { args: ['--drain'] });
  await runner.waitForExit();
  const failures = await e2e.failures(codes.length);
  expect(failures.map((failure) => failure.exit_code)).toEqual(codes);
  for (const [index, code] of codes.entries()) expect(failures[index]?.error).toContain(String(code));
});

function textOf({ exception, error, backtrace, stderr, stdout }: FailureRecord): string {
  return [exception, error, ...backtrace, stderr ?? '', stdout ?? ''].join('\n');
}
