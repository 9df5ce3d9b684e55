/** Late, endless and hostile output. */
import { describe, expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { residentBytes } from '../helpers/processes.ts';

const e2e = useEndToEnd({ isInProcess: true, timeoutMs: 60_000 });

/** The kept part of a stream, with some room for the mark in the middle. */
const keptBytes = 64 * 1024 + 512;
/** Far below the 200 MB that a job prints, and above the garbage between two collections. */
const boundBytes = 64 * 1024 * 1024;

describe('late stderr', () => {
  test('is kept when stdout was closed before', async () => {
    const script = e2e.script('exec >&-; sleep 0.1; echo late words >&2; exit 1');
    await e2e.enqueue('mail', { class: 'Late', args: [] });
    await e2e.run({ runners: { mail: 1 }, script });
    expect((await e2e.failure()).error).toContain('late words');
  });

  test('is kept when it is written right before the exit', async () => {
    const script = e2e.script(
      'head -c 60000 /dev/zero | tr "\\0" x >&2; echo the very last words >&2; exit 1',
    );
    await e2e.enqueue('mail', ...Array.from({ length: 20 }, (_, n) => ({ class: 'Late', args: [n] })));
    await e2e.run({ runners: { mail: 4 }, script });
    for (const { error } of await e2e.failures(20)) expect(error).toContain('the very last words');
  });

  test('is kept when a grandchild writes it after the exit of the script', async () => {
    const script = e2e.script('(sleep 0.2; echo words of the grandchild >&2) & exit 1');
    await e2e.enqueue('mail', { class: 'Late', args: [] });
    await e2e.run({ runners: { mail: 1 }, script });
    expect((await e2e.failure()).error).toContain('words of the grandchild');
  });

  test('is kept when stderr was closed, silent, by the end', async () => {
    const script = e2e.script('echo early words >&2; exec 2>&-; sleep 0.1; exit 1');
    await e2e.enqueue('mail', { class: 'Late', args: [] });
    await e2e.run({ runners: { mail: 1 }, script });
    expect((await e2e.failure()).error).toContain('early words');
  });
});

test('200 MB of stderr neither fill the memory nor delay other jobs', async () => {
  const flood = e2e.script(`
    echo HEAD >&2
    head -c 200000000 /dev/zero | tr '\\0' x >&2
    while [ ! -e "$D/enough" ]; do head -c 1000000 /dev/zero | tr '\\0' y >&2; done
    echo TAIL >&2
    exit 1`);
  const quick = e2e.script('exit 0');
  const runners = { flood: { concurrency: 1, script: flood }, quick: { concurrency: 1, script: quick } };
  const runner = await e2e.run({ runners }, { isProgram: true });
  const before = residentBytes(runner.pid);
  let most = 0;
  const sampling = setInterval(() => {
    most = Math.max(most, residentBytes(runner.pid));
  }, 20);
  try {
    await e2e.enqueue('flood', { class: 'Flood', args: [] });
    await runner.waitForLine('job.started', ({ job }) => job?.queue === 'flood');
    for (let n = 1; n <= 20; n++) {
      await e2e.enqueue('quick', { class: 'Quick', args: [n] });
      await runner.waitForFinished(n);
    }
    expect(runner.all('job.finished', ({ queue }) => queue === 'flood')).toEqual([]);
  } finally {
    e2e.write('enough');
  }
  const failure = await (async () => {
    try {
      return (await e2e.failures(1, 30_000))[0];
    } finally {
      clearInterval(sampling);
    }
  })();
  const text = failure?.error ?? '';
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(keptBytes);
  expect(Buffer.byteLength(text)).toBeGreaterThan(60_000);
  expect(text).toMatch(/^HEAD\nx/);
  expect(text.trimEnd()).toMatch(/[xy]TAIL$/);
  expect(most - before).toBeLessThan(boundBytes);
});

test("200 MB of stdout don't either", async () => {
  const script = e2e.script("head -c 200000000 /dev/zero | tr '\\0' x; echo done >&2; exit 1");
  const runner = await e2e.run({ runners: { flood: 1 }, script }, { isProgram: true });
  const before = residentBytes(runner.pid);
  await e2e.enqueue('flood', { class: 'Flood', args: [] });
  const [failure] = await e2e.failures(1, 30_000);
  expect(failure?.error.trim()).toBe('done');
  expect(Buffer.byteLength(failure?.stdout ?? '')).toBeLessThanOrEqual(keptBytes);
  expect(residentBytes(runner.pid) - before).toBeLessThan(boundBytes);
});

test('the timeout ends a job that prints endlessly', async () => {
  const script = e2e.script('yes boundless >&2');
  await e2e.run({ runners: { flood: { concurrency: 1, timeout: 0.5, killAfter: 0.2 } }, script });
  await e2e.enqueue('flood', { class: 'Flood', args: [] });
  const failure = await e2e.failure();
  expect(failure.exception).toBe('TimeoutError');
});

test('neither the output nor the class of a job can forge a log line', async () => {
  const forged = '{"time":"2026-01-01T00:00:00.000Z","level":"info","event":"engine.forged","message":"x"}';
  const script = e2e.script(`
    printf '%s\\n\\r%s\\r\\n\\033[2J%s\\n' '${forged}' '${forged}' '${forged}'
    printf '\\n%s\\n\\342\\200\\250%s\\n' '${forged}' '${forged}' >&2
    exit 1`);
  await e2e.enqueue(
    'mail',
    { class: `A\n${forged}\n`, args: [`\n${forged}\n\u2028\u001b]0;title\u0007`] },
    { class: 'B', args: [`\r\n${forged}`] },
  );
  const runner = await e2e.run({ runners: { mail: 1 }, script });
  await e2e.failures(2);
  await runner.stop();
  expect(runner.all('engine.forged')).toEqual([]);
  expect(runner.junk).toEqual([]);
});

test('/dev/stdout and /dev/stderr can be opened by name', async () => {
  const script = e2e.script('echo to stdout >/dev/stdout && echo to stderr >/dev/stderr; exit 1');
  await e2e.enqueue('mail', { class: 'ByName', args: [] });
  await e2e.run({ runners: { mail: 1 }, script });
  const failure = await e2e.failure();
  expect(failure.error.trim()).toBe('to stderr');
  expect(failure.stdout?.trim()).toBe('to stdout');
});
