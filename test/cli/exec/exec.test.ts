/** `exec`: runs one job through its script, and shows the result. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isAlive } from '../../helpers/processes.ts';
import { useExec } from './stage.ts';

const stage = useExec({ isProgram: false });
const job = ['mail', '--class', 'Send', 'bob', '3'];

describe('a job of an entry that retries jobs', () => {
  test('says when a worker would run it again, and what it would record in the end', async () => {
    stage.script('echo "$RESQUE_ATTEMPT/$RESQUE_ATTEMPTS"; echo oops >&2; exit 75');
    stage.config({ retry: { attempts: 3, backoff: [40, 60], jitter: 0 } });
    const { code, stdout } = await stage.run(job);
    expect(code).toBe(75);
    expect(stdout).toContain('1/3\n');
    expect(stdout).toMatch(/✗ failed after \d+ ms\n {2}A worker would run it again \(retry 2\/3 in 40 s\), /);
    expect(stdout).toContain('The failure record that Redis would get after the last attempt\n');
    expect(await stage.document(job)).toMatchObject({
      outcome: 'retried',
      next: { number: 2, of: 3, inSeconds: 40 },
    });
  });

  test('says when it would run again after a snooze, which is no failure', async () => {
    stage.script(`echo '{"snooze":60}' >&2`);
    stage.config({ retry: { attempts: 3 } });
    const { code, stdout } = await stage.run(job);
    expect(code).toBe(0);
    expect(stdout).toMatch(/↺ snoozed after \d+ ms\n {2}A worker would run it again in 1 min\./);
  });
});

describe('a job that succeeds', () => {
  // CPU and memory are those of all children of a process.
  const stage = useExec();

  test('gets the same as from a worker, is shown, and exits with 0 and a verdict', async () => {
    stage.script(`echo "$1/$2/$RESQUE_QUEUE/$GREETING/$(pwd)"; cat; printf ' \\033[1m' >&2`);
    stage.config({ env: { GREETING: 'hello' }, args: ['--fast'], cwd: stage.directory });
    const { code, stdout, stderr } = await stage.run(job);
    expect({ code, stderr }).toEqual({ code: 0, stderr: ' \u001b[1m' });
    const lines = stdout.split('\n');
    expect(lines.slice(0, 2)).toEqual([
      `mail/--fast/mail/hello/${stage.directory}`,
      '{"class":"Send","args":["bob",3]}',
    ]);
    expect(lines[2]).toMatch(/^✓ succeeded after \d+ ms$/);
    expect(stdout).toContain(`  command      ${stage.directory}/job.sh mail --fast\n`);
    expect(stdout).toMatch(/ {2}CPU {10}\d+ ms user, \d+ ms system\n/);
    expect(stdout).toMatch(/ {2}peak memory {2}(at most )?\d+\.\d MiB$/);
    expect(stdout).not.toMatch(/failure record|resque-web/);
  });

  test('is one JSON document on STDOUT with --json, and its output goes to STDERR', async () => {
    stage.script('echo out; echo err >&2; cat >&2');
    stage.config();
    const { code, stdout, stderr } = await stage.run([...job, '--json']);
    expect(code).toBe(0);
    expect(stderr.split('\n').sort()).toEqual(['err', 'out', '{"class":"Send","args":["bob",3]}'].sort());
    expect(JSON.parse(stdout)).toEqual({
      ...{ outcome: 'succeeded', exitCode: 0, signal: null, killedFor: null, interruptedBy: null },
      ...{ next: null, whyUnstartable: null, durationMs: expect.any(Number) },
      cpu: { userMs: expect.any(Number), systemMs: expect.any(Number) },
      peakMemoryBytes: null,
      peakMemoryAtMostBytes: expect.any(Number),
      ...{ queue: 'mail', entry: 'mail', mode: 'process' },
      worker: expect.stringMatching(/^\S+\.runner:\d+-0:mail$/),
      command: [stage.path('job.sh'), 'mail'],
      cwd: stage.directory,
      payload: { class: 'Send', args: ['bob', 3] },
      ...{ failure: null, resqueWeb: null },
    });
  });

  test('may close its output long before it ends', async () => {
    stage.script('exec > /dev/null 2>&1; sleep 0.3; exit 9');
    stage.config();
    expect(await stage.run(job)).toMatchObject({ code: 9 });
  });

  test('has the processes killed that it left in its group', async () => {
    stage.script('sleep 60 > /dev/null 2>&1 & echo $! > "$D/pid"');
    stage.config();
    expect(await stage.document(job)).toMatchObject({ outcome: 'succeeded' });
    expect(isAlive(Number(stage.read('pid')))).toBe(false);
  });

  test('has its output shown byte for byte', async () => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7) % 256));
    stage.write('bytes', bytes);
    stage.script('cat "$D/bytes"; cat "$D/bytes" >&2');
    stage.config();
    await stage.shell(`$EXEC ${job.join(' ')} > out 2> err`);
    expect(readFileSync(stage.path('err')).equals(bytes)).toBe(true);
    const out = readFileSync(stage.path('out'));
    expect(out.subarray(0, bytes.length).equals(bytes)).toBe(true);
    expect(out.toString('utf8', bytes.length)).toMatch(/^\n✓ succeeded/);
  });
});

describe('the verdict starts on its own line', () => {
  test.each([
    ['a line was begun', `printf begun`, 'begun\n✓'],
    ['a line was ended', `echo ended`, 'ended\n✓'],
    ['nothing was printed', ':', '✓'],
    ['a line was begun on STDERR, which is elsewhere', 'echo ended; printf begun >&2', 'ended\n✓'],
  ])('if %s', async (_, script, start) => {
    stage.script(script);
    stage.config();
    const { stdout } = await stage.run(job);
    expect(stdout.startsWith(`${start} succeeded`)).toBe(true);
  });

  test('if both streams go to the same place', async () => {
    stage.script('echo ended; sleep 0.1; printf begun >&2');
    stage.config();
    await stage.shell(`$EXEC ${job.join(' ')} > both 2>&1`);
    expect(stage.read('both')).toMatch(/^ended\nbegun\n✓ succeeded/);
  });
});

describe('a job that fails', () => {
  const report = `echo '{"exception":"NoSuchUser","error":"user 7 is gone","backtrace":["job.sh:1","main"]}' >&2`;

  test('is shown with its record, and as resque-web would show it', async () => {
    stage.script(`${report}; exit 7`);
    stage.config();
    const { code, stdout } = await stage.run([...job, '{"id":12345678901234567890}']);
    expect(code).toBe(7);
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(/^✗ failed after \d+ ms: exit code 7$/);
    const record = lines.indexOf('The failure record that Redis would get');
    const page = lines.indexOf('resque-web would show');
    expect(lines.slice(record + 1, page - 1)).toEqual([
      expect.stringMatching(/^ {2}failed_at {4}"\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d UTC"$/),
      '  payload      {"class":"Send","args":["bob",3,{"id":12345678901234567890}]}',
      '  exception    "NoSuchUser"',
      '  error        "user 7 is gone"',
      '  backtrace    ["job.sh:1","main"]',
      expect.stringMatching(/^ {2}worker {7}"\S+:\d+-0:mail"$/),
      '  queue        "mail"',
      '  exit_code    7',
      expect.stringMatching(/^ {2}cpu_ms {7}[\d.]+$/),
    ]);
    expect(lines.slice(page + 1)).toEqual([
      expect.stringMatching(/^ {2}Worker {7}\S+\.runner:\d+-0 on mail at \d{4}\/\d\d\/\d\d \S+ \+0000$/),
      '  Class        Send',
      '  Arguments    "bob"',
      '               3',
      '               {"id":12345678901234567890}',
      '  Exception    NoSuchUser',
      '  Error        user 7 is gone',
      '               job.sh:1',
      '               main',
    ]);
  });

  test('is one JSON document with --json, integers with all their digits', async () => {
    stage.script(`${report}; exit 7`);
    stage.config();
    const args = [...job, '{"id":12345678901234567890}', '--json'];
    const { code, stdout } = await stage.run(args);
    expect(code).toBe(7);
    expect(stdout.match(/"id":12345678901234567890}/g)).toHaveLength(2);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ outcome: 'failed', exitCode: 7 },
      failure: { exception: 'NoSuchUser', error: 'user 7 is gone', exit_code: 7, queue: 'mail' },
      resqueWeb: {
        class: 'Send',
        arguments: '"bob"\n3\n{"id":12345678901234567890}',
        exception: 'NoSuchUser',
        backtrace: 'job.sh:1\nmain',
      },
    });
  });

  test('is shortened as text, and harmless to the terminal', async () => {
    stage.script(`printf '\\033[31m%0300d\\n' 1 2 3 4 5 6 7 8 9 10 11 12 >&2; exit 1`);
    stage.config();
    const { stdout } = await stage.run(job);
    expect(stdout).not.toContain('\u001b');
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(110);
    expect(stdout).toContain('… 4 more lines');
    const { failure } = await stage.document(job);
    expect(String(failure?.error)).toHaveLength(12 * 306 - 1);
  });

  test.each([
    ['a signal', 'kill -KILL $$', 137, 'killed by signal SIGKILL', { signal: 'SIGKILL', exitCode: null }],
    ['exit code 255', 'exit 255', 255, 'exit code 255', { exitCode: 255 }],
  ])('by %s, exits with the same code as in a shell', async (_, script, code, words, document) => {
    stage.script(script);
    stage.config();
    const text = await stage.run(job);
    expect(text.code).toBe(code);
    expect(text.stdout).toContain(words);
    expect(await stage.document(job)).toMatchObject({ outcome: 'failed', code, ...document });
  });

  test('by a real-time signal, also exits with its number', async () => {
    stage.script('kill -34 $$; sleep 5');
    stage.config();
    expect(await stage.run(job)).toMatchObject({ code: process.platform === 'linux' ? 162 : 1 });
  });
});

describe('CPU and memory', () => {
  // In a process of its own, and a small one: Linux counts the parent's memory for its children.
  const stage = useExec();

  test('are the memory of the largest process, and the CPU of all reaped processes', async () => {
    stage.script('head -c 150000000 /dev/zero | tail -c 150000000 | wc -c >&2');
    stage.config();
    const { peakMemoryBytes, peakMemoryAtMostBytes, cpu } = await stage.document(job);
    expect(peakMemoryBytes).toBeGreaterThan(140e6);
    expect(peakMemoryBytes).toBeLessThan(200e6);
    expect(peakMemoryAtMostBytes).toBeNull();
    expect((cpu?.userMs ?? 0) + (cpu?.systemMs ?? 0)).toBeGreaterThan(0);
  });

  test('are also known if jobs are started through Node', async () => {
    stage.script('head -c 150000000 /dev/zero | tail -c 150000000 > /dev/null');
    stage.config();
    const { peakMemoryBytes, cpu } = await stage.document(job, { env: { RR_NATIVE: 'off' } });
    expect(peakMemoryBytes).toBeGreaterThan(140e6);
    expect(cpu).not.toBeNull();
  });
});

describe('a script that can’t be started', () => {
  test.each([
    ['is missing', () => {}, './job.sh', 'job.sh does not exist'],
    ['is not executable', () => stage.write('job.sh', '#!/bin/sh\n'), './job.sh', 'chmod +x'],
    [
      'has an interpreter that is missing, found by env',
      () => stage.interpreted('#!/usr/bin/env no-such-thing'),
      './job.sh',
      'no-such-thing is not on PATH',
    ],
  ])('because it %s is reported with the reason, and exits with 1', async (_, prepare, script, reason) => {
    prepare();
    stage.config({ script });
    const { code, stdout } = await stage.run(job);
    expect(code).toBe(1);
    expect(stdout.split('\n')[0]).toMatch(/^✗ not started: /);
    expect(stdout).toContain(reason);
    expect(stdout).toContain(
      'A worker would put the job back and pause mail until the script can be started.',
    );
    expect(stdout).toContain('"script" in cfg.json');
    expect(await stage.document(job)).toMatchObject({
      ...{ outcome: 'unstartable', code: 1, failure: null, durationMs: null },
      whyUnstartable: expect.stringContaining(reason),
    });
  });
});

describe('a persistent entry', () => {
  const persistent = { mode: 'persistent' };
  const loop = (answer: string) => `while IFS= read -r job; do echo "did $job"; ${answer}; done; echo bye`;

  test('succeeds by its result, and its child ends', async () => {
    stage.script(loop(`echo '{"ok":true}' >&3`));
    stage.config(persistent);
    const { code, stdout } = await stage.run(job);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^did {"class":"Send","args":\["bob",3\]}\n✓ succeeded after \d+ ms\n/);
  });

  test('fails by its result, with exit code 1', async () => {
    stage.script(loop(`echo '{"exception":"E","error":"no"}' >&3`));
    stage.config(persistent);
    const { code, stdout } = await stage.run(job);
    expect(code).toBe(1);
    expect(stdout).toMatch(/✗ failed after \d+ ms: its result reports a failure/);
    expect(await stage.document(job)).toMatchObject({ mode: 'persistent', failure: { exception: 'E' } });
  });

  test('fails with its exit code if it exits during the job', async () => {
    stage.script('read -r job; echo broken >&2; exit 5');
    stage.config(persistent);
    expect(await stage.document(job)).toMatchObject({ code: 5, failure: { error: 'broken' } });
  });
});
