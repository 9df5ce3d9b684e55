/** The failure report: whatever a job prints becomes a record that says it and breaks nothing. */
import { describe, expect, test } from 'vitest';
import { oddOutputs } from '../fixtures/odd-outputs.ts';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import type { FailureRecord } from '../helpers/resque-web.ts';

const e2e = useEndToEnd();

describe('a job that prints', () => {
  test.each(oddOutputs)('$name', async ({ stderr, stdout = '', exitCode = 1, record, mentions = [] }) => {
    e2e.write('stderr', typeof stderr === 'string' ? Buffer.from(stderr) : stderr);
    e2e.write('stdout', stdout);
    const script = e2e.script(`cat "$D/stdout"; cat "$D/stderr" >&2; exit ${exitCode}`);
    await e2e.enqueue('odd', { class: 'Odd', args: [1, 'a'] });
    const runner = await e2e.run({ runners: { odd: 1 }, script }, { args: ['--drain'] });
    expect(await runner.waitForExit()).toEqual({ code: 0, signal: undefined });

    const failure = await e2e.failure();
    expect(failure.queue).toBe('odd');
    expect(failure.payload).toEqual({ class: 'Odd', args: [1, 'a'] });
    expect(failure.exit_code).toBe(exitCode);
    expect(failure).not.toHaveProperty('signal');
    if (record.exception !== undefined) expect(failure.exception).toBe(record.exception);
    if (record.error !== undefined) expect(failure.error.trim()).toBe(record.error);
    if (record.backtrace !== undefined) expect(failure.backtrace).toEqual(record.backtrace);
    if (record.stderr !== undefined) expect(failure.stderr?.trim()).toBe(record.stderr);
    if (record.stdout !== undefined) expect(failure.stdout?.trim()).toBe(record.stdout);
    expect(failure.error).not.toBe('');
    for (const mention of mentions) expect(textOf(failure)).toContain(mention);
    const [raw] = await e2e.rawFailures();
    // Two streams of 64 KiB, each perhaps escaped, and what is ours.
    expect(raw?.length).toBeLessThan(256 * 1024);
    expect(await e2e.stat('failed')).toBe(1);
    expect(await e2e.stat('processed')).toBe(1);
  });
});

test('a job that exits 0 has not failed, whatever it printed', async () => {
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
  return [exception, error, ...(backtrace ?? []), stderr ?? '', stdout ?? ''].join('\n');
}
