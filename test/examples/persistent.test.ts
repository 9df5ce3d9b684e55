/** The helpers of examples/persistent/: how scripts that use them behave as a runner's jobs. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isAlive, kill } from '../helpers/processes.ts';
import { skipWhileUnchanged } from '../helpers/unchanged.ts';
import { waitFor } from '../helpers/wait-for.ts';
import { type Job, type Mode, useJobProcesses } from './job-process.ts';
import { examplePath, fixturePath, languages, succeeds } from './languages.ts';

skipWhileUnchanged(import.meta.url, 'examples');

const processes = useJobProcesses();

const modes: readonly Mode[] = ['persistent', 'process'];
/** Some readers treat line and paragraph separators as line breaks, but they are valid in a JSON string. */
const unusualText = 'Grüße ☕ 👩‍🚀 \u2028 \u2029 \u0085 "\\ \r\n\t\u0001';
const ok = { ok: true };

function job(name: string, ...args: unknown[]): Job {
  return { class: name, args };
}

describe.each(languages)('$name', (language) => {
  const isInstalled = succeeds(language.probe);
  const script = fixturePath(language.jobs);
  const start = () => processes.start(script, 'persistent');

  describe.skipIf(!isInstalled).each(modes)('in mode %s', (mode) => {
    const run = (given: Job) => processes.run(script, mode, given);
    const codeOfFailure = mode === 'persistent' ? 0 : 1;

    test('does a job with the queue and the arguments', async () => {
      expect(await run(job('Echo', 'hello'))).toEqual({
        failure: null,
        stdout: 'mail: hello\n',
        exitCode: 0,
        signal: null,
      });
    });

    test('reports exception, error and backtrace of a failed job', async () => {
      const { failure, exitCode } = await run(job('Fail', 'it is broken\nin two lines'));
      expect(failure).toEqual({
        exception: 'JobFailed',
        error: 'it is broken\nin two lines',
        backtrace: expect.any(Array),
      });
      expect(failure?.backtrace[0]).toMatch(new RegExp(`${language.jobs}\\b.*\\d`));
      for (const line of failure?.backtrace ?? []) expect(line).toEqual(expect.any(String));
      expect(exitCode).toBe(codeOfFailure);
    });

    test.each(language.oddFailures)('reports an unusual failure: %s', async (kind, exception, error) => {
      const { failure, exitCode } = await run(job('Throw', kind));
      expect(failure).toMatchObject({ exception, error: expect.stringMatching(error) });
      expect(exitCode).toBe(codeOfFailure);
    });

    test('keeps all characters of a payload, in both directions', async () => {
      expect(await run(job('Echo', unusualText))).toMatchObject({ stdout: `mail: ${unusualText}\n` });
      expect((await run(job('Fail', unusualText))).failure?.error).toBe(unusualText);
    });

    test('reports an error whose message is not UTF-8', async () => {
      const { failure } = await run(job('BadUtf8'));
      expect(failure).toMatchObject({ exception: 'JobFailed', error: language.mendedUtf8 });
    });

    test('reports a failure after any other output on STDERR, including an unfinished line', async () => {
      const { failure } = await run(job('HalfLine', '50 % of', 'broke off'));
      expect(failure).toMatchObject({ exception: 'JobFailed', error: 'broke off' });
    });

    test('reads and writes megabytes', async () => {
      const text = 'größer '.repeat(450_000);
      expect((await run(job('Echo', text))).stdout).toBe(`mail: ${text}\n`);
      expect((await run(job('Fail', text))).failure?.error).toBe(text);
    });

    test('reports an invalid payload', async () => {
      const broken = processes.start(script, mode);
      broken.write('{"class":"Echo",\n');
      broken.end();
      const { exitCode } = await broken.closed;
      const told = mode === 'persistent' ? JSON.stringify(broken.results) : broken.stderr;
      expect(told).toMatch(/"exception": ?"(JSONDecodeError|JsonException|JSON::ParserError|SyntaxError)"/);
      expect(exitCode).toBe(codeOfFailure);
    });

    test.each([0, 3])('ends if a handler exits with %d', async (code) => {
      const leaving = processes.start(script, mode);
      leaving.send(job('Exit', code));
      if (mode === 'process') leaving.end();
      expect(await leaving.closed).toEqual({ exitCode: code, signal: null });
      expect(leaving.results).toEqual([]);
      expect(leaving.stdout).toBe('leaving\n');
      expect(leaving.stderr).toBe('');
    });

    test('ends on TERM during a job', async () => {
      const waiting = processes.start(script, mode);
      waiting.send(job('Wait'));
      if (mode === 'process') waiting.end();
      await waitFor(() => waiting.stdout === 'waiting\n', { message: 'the job has begun' });
      waiting.signal('SIGTERM');
      expect(await waiting.closed).toEqual({ exitCode: null, signal: 'SIGTERM' });
      expect(waiting.results).toEqual([]);
    });

    test('gives programs that a handler starts an empty STDIN and no descriptor', async () => {
      const asking = processes.start(script, mode);
      asking.send(job('Shell', 'cat; echo "[$RESQUE_RESULT_FD]"'));
      // A persistent script's STDIN stays open: the program would wait forever, or read the next job.
      if (mode === 'process') asking.end();
      await waitFor(() => asking.stdout === '[]\n', { message: 'the program has ended' });
      asking.end();
      expect(await asking.closed).toEqual({ exitCode: 0, signal: null });
    });
  });

  describe.skipIf(!isInstalled)('persistent', () => {
    test('does many jobs in one process, with any outcome', async () => {
      const worker = start();
      worker.send(job('Count'));
      expect(await worker.waitForResults(1)).toEqual([ok]);
      worker.send(job('Fail', 'not this one'));
      await worker.waitForResults(2);
      worker.send(job('Count'));
      expect(await worker.waitForResults(3)).toEqual([
        ok,
        expect.objectContaining({ error: 'not this one' }),
        ok,
      ]);
      worker.end();
      expect(await worker.closed).toEqual({ exitCode: 0, signal: null });
      expect(worker.stdout).toBe('1\n3\n');
      expect(worker.stderr).toBe('');
    });

    test('does jobs that arrive together in order, and skips empty lines', async () => {
      const worker = start();
      const texts = Array.from({ length: 20 }, (_, number) => `text ${number}`);
      worker.write(`\n\n${texts.map((text) => `${JSON.stringify(job('Echo', text))}\n\n`).join('')}`);
      expect(await worker.waitForResults(20)).toEqual(texts.map(() => ok));
      worker.end();
      expect(await worker.closed).toEqual({ exitCode: 0, signal: null });
      expect(worker.results).toHaveLength(20);
      expect(worker.stdout).toBe(texts.map((text) => `mail: ${text}\n`).join(''));
    });

    test('reads a job that arrives in parts', async () => {
      const worker = start();
      const line = Buffer.from(`${JSON.stringify(job('Echo', 'für ☕'))}\n`);
      worker.send(job('Count'));
      await worker.waitForResults(1);
      // Splits a character.
      const cut = line.indexOf(0xc3) + 1;
      worker.write(line.subarray(0, cut));
      worker.write(line.subarray(cut));
      expect(await worker.waitForResults(2)).toEqual([ok, ok]);
      worker.end();
      await worker.closed;
      expect(worker.stdout).toBe('1\nmail: für ☕\n');
    });

    test.each([
      ['a word', 1],
      ['a megabyte', 260_000],
    ])('has written all output of a job before its result: %s', async (_, times) => {
      const worker = start();
      const out = 'out '.repeat(times);
      const err = 'err '.repeat(times);
      worker.send(job('Print', out, err));
      expect(await worker.waitForResults(1)).toEqual([ok]);
      // Its buffered output is lost.
      worker.signal('SIGKILL');
      await worker.closed;
      expect(worker.stdout).toBe(out);
      expect(worker.stderr).toBe(err);
    });

    test('ends with its STDIN, even without a job', async () => {
      const worker = start();
      worker.end();
      expect(await worker.closed).toEqual({ exitCode: 0, signal: null });
      expect([worker.stdout, worker.stderr, worker.results]).toEqual(['', '', []]);
    });

    test('ends on TERM between jobs', async () => {
      const worker = start();
      worker.send(job('Count'));
      await worker.waitForResults(1);
      worker.signal('SIGTERM');
      expect(await worker.closed).toEqual({ exitCode: null, signal: 'SIGTERM' });
    });

    const canClose = language.closeOnExecProbe === undefined || succeeds(language.closeOnExecProbe);
    test.skipIf(!canClose)('closes the descriptor in a program that outlives it', async () => {
      const worker = start();
      worker.send(job('Shell', 'sleep 600 >/dev/null 2>&1 & echo $!'));
      await worker.waitForResults(1);
      worker.end();
      // The last process with the descriptor must close it first.
      await worker.closed;
      const pid = Number(worker.stdout);
      expect(isAlive(pid)).toBe(true);
      kill(pid);
      await waitFor(() => !isAlive(pid), { message: 'the program has ended' });
    });
  });

  describe.skipIf(!isInstalled)('by hand', () => {
    test('reads the queue from the command line, and a payload of several lines', async () => {
      const byHand = processes.start(script, 'process', { env: { RESQUE_QUEUE: undefined } });
      byHand.write(JSON.stringify(job('Echo', 'pretty'), null, 2));
      byHand.end();
      expect(await byHand.closed).toEqual({ exitCode: 0, signal: null });
      expect(byHand.stdout).toBe('mail: pretty\n');
    });
  });

  describe.skipIf(!isInstalled).each(modes)('the example, in mode %s', (mode) => {
    const run = (given: Job) => processes.run(examplePath(language.mailer), mode, given);

    test('sends mail', async () => {
      expect(await run(job('Welcome', 'ann@example.com'))).toMatchObject({
        failure: null,
        stdout: 'to ann@example.com: Welcome!\n',
        exitCode: 0,
      });
      expect(await run(job('Invoice', 'ann@example.com', 1250))).toMatchObject({
        failure: null,
        stdout: 'to ann@example.com: please pay 12.50\n',
        exitCode: 0,
      });
    });

    test("rejects jobs that it can't do", async () => {
      const { failure } = await run(job('Invoice', 'ann@example.com', -5));
      expect(failure).toMatchObject({
        exception: 'InvalidAmount',
        error: "can't send an invoice for -5 cents",
      });
      expect((await run(job('Unknown'))).failure?.error).toContain('Unknown');
    });
  });

  test('has a helper of fewer than 30 lines', () => {
    const lines = readFileSync(examplePath(language.helper), 'utf8').trimEnd().split('\n');
    expect(lines.length).toBeLessThan(30);
  });
});

const installed = (name: string) => languages.some((known) => known.name === name && succeeds(known.probe));

test.skipIf(!installed('Node'))(
  'Node does one job after another, no matter how long each takes',
  async () => {
    const worker = processes.start(fixturePath('jobs.mjs'), 'persistent');
    const jobs = Array.from({ length: 10 }, () => job('Alone'));
    worker.send(...jobs);
    expect(await worker.waitForResults(10)).toEqual(jobs.map(() => ok));
    worker.end();
    await worker.closed;
  },
);

test.skipIf(!installed('PHP'))('PHP discards the output buffer of a failed job', async () => {
  const worker = processes.start(fixturePath('jobs.php'), 'persistent');
  worker.send(job('Throw', 'buffered'));
  await worker.waitForResults(1);
  worker.signal('SIGKILL');
  await worker.closed;
  expect(worker.stdout).toBe('half a page');
});
