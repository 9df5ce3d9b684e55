/** `enqueue` broken off: by signals, a Redis that goes away, a connection that is cut. Each job is enqueued once. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { holdStep, useEnqueueProgram } from './program-stage.ts';
import { numbered } from './stage.ts';

const redis = useRedis({ appendOnly: true });
const stage = useEnqueueProgram(redis);
let isDown = false;

afterEach(async () => {
  if (isDown) await redis.start();
  isDown = false;
});

function resume(id: string, ...args: string[]) {
  return stage.run(['--file', 'jobs.ndjson', '--resume', id, ...args]);
}

describe('an enqueue that was killed', () => {
  test('goes on with --resume, behind the last step that Redis carried out', async () => {
    const { child, id, lines } = await stage.startHeld();
    child.kill('SIGKILL');
    await child;
    const before = (await stage.jobs()).length;
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(lines.length);
    const { code, stdout } = await resume(await id());
    expect(code).toBe(0);
    const left = (lines.length - before).toLocaleString('en-US');
    expect(stdout).toContain(
      `enqueued ${left} more jobs in mail, 20,000 in total; 20,000 jobs are waiting there now`,
    );
    expect(await stage.jobs()).toEqual(lines);
    expect(await stage.keysLeft()).toEqual([]);
    const again = await resume(await id());
    expect(again).toMatchObject({ code: 2, stdout: '' });
    expect(again.stderr).toContain(`has no enqueue ${await id()} to resume: it is complete`);
  });

  test('goes on from a pipe, and of copies, too', async () => {
    const lines = numbered(3_000);
    const run = stage.start(['--file', '-']);
    run.say(`${lines.slice(0, 1_500).join('\n')}\n`);
    await stage.waitForJobs(1_500);
    const id = await run.id();
    run.child.kill('SIGKILL');
    await run.child;
    expect(await stage.run(['--file', '-', '--resume', id], lines.join('\n'))).toMatchObject({ code: 0 });
    expect(await stage.jobs()).toEqual(lines);
    await redis.flush();

    const proxy = await stage.through();
    const copies = stage.start(['A', '--count', '20000']);
    await holdStep(proxy);
    const copiesId = await copies.id();
    copies.child.kill('SIGKILL');
    await copies.child;
    const mistakes = [
      [['B', '--count', '20000'], `the enqueue ${copiesId} was of another job`],
      [['--file', '-'], `the enqueue ${copiesId} was of one job, not of a file`],
      [['A'], 'jobs are already enqueued; --count must be the total'],
    ] as const;
    await Promise.all(
      mistakes.map(async ([args, message]) => {
        const wrong = await stage.run([...args, '--resume', copiesId]);
        expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
      }),
    );
    expect(await stage.run(['A', '--count', '20000', '--resume', copiesId])).toMatchObject({ code: 0 });
    expect(await redis.client.llen('resque:queue:mail')).toBe(20_000);
  });

  test('goes on where nothing is left of its file', async () => {
    const text = `${numbered(3).join('\n')}\n`;
    stage.file('jobs.ndjson', text);
    const { child, say } = stage.start(['--file', '-']);
    say(text);
    await stage.waitForJobs(3);
    child.kill('SIGKILL');
    await child;
    const id = (await stage.keysLeft())[0]?.split(':').at(-1) ?? '';
    const { code, stdout } = await resume(id);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringContaining('enqueued 0 more jobs in mail, 3 in total; 3 jobs are waiting'),
    });
    expect(await stage.keysLeft()).toEqual([]);
  });

  test('goes on only with the file that it was', async () => {
    const { child, id, lines } = await stage.startHeld();
    child.kill('SIGKILL');
    await child;
    const { length } = await stage.jobs();
    const changed = lines.with(length - 1, lines[length - 1]?.replace('A', 'B') ?? '');
    stage.file('jobs.ndjson', changed.join('\n'));
    const other = await resume(await id());
    expect(other).toMatchObject({ code: 2, stdout: '' });
    expect(other.stderr).toContain(
      `jobs.ndjson has changed: line ${length.toLocaleString('en-US')}, the last one enqueued, is different now; to continue anyway, use --from-line ${length + 1} without --resume`,
    );
    stage.file('jobs.ndjson', lines.slice(0, length - 1).join('\n'));
    expect((await resume(await id())).stderr).toContain('jobs.ndjson has changed: it has only');
    stage.file('jobs.ndjson', lines.join('\n'));
    expect((await resume(await id(), '--from-line', `${length + 2}`)).stderr).toContain(
      `continues at line ${length + 1}, but --from-line is ${length + 2}; omit one of them`,
    );
    // All of it was refused before anything was written.
    expect(await resume(await id())).toMatchObject({ code: 0 });
    expect(await stage.jobs()).toEqual(lines);
  });
});

describe('Ctrl-C', () => {
  test('lets the step come to its end, and says how far it got and how to go on', async () => {
    const { child, outcome, id, lines, proxy } = await stage.startHeld(['--json']);
    child.kill('SIGINT');
    proxy.release();
    const { code, stdout, stderr } = await outcome();
    expect(code).toBe(130);
    const jobs = await stage.jobs();
    expect(JSON.parse(stdout)).toMatchObject({
      enqueued: jobs.length,
      nextLine: jobs.length + 1,
      isComplete: false,
      resume: await id(),
    });
    const count = jobs.length.toLocaleString('en-US');
    expect(stderr.split('\n').slice(1)).toEqual([
      `resque-runner: stopped: ${count} jobs are enqueued in mail, up to line ${count}`,
      `to continue within a day, repeat the command with --resume ${await id()}, or with --from-line ${jobs.length + 1}; no job is enqueued twice`,
    ]);
    const rest = await resume(await id(), '--json');
    expect(JSON.parse(rest.stdout)).toMatchObject({
      enqueued: lines.length - jobs.length,
      enqueuedBefore: jobs.length,
      lines: lines.length,
      isComplete: true,
      resume: null,
    });
    expect(await stage.jobs()).toEqual(lines);
  });

  test('before anything came ends it, whatever it waits for', async () => {
    execFileSync('mkfifo', [join(stage.directory, 'pipe')]);
    for (const name of ['-', 'pipe']) {
      const { child, outcome } = stage.start(['--file', name]);
      await waitFor(() => catches(child.pid ?? 0, 'SIGHUP'), { message: 'it listens for signals' });
      child.kill('SIGTERM');
      expect(await outcome()).toEqual({
        code: 143,
        stdout: '',
        stderr: 'resque-runner: stopped before anything was enqueued',
      });
      expect(await redis.client.keys('*')).toEqual([]);
    }
  });
});

describe('Redis', () => {
  test('that is restarted is waited for, and an answer that was lost enqueues nothing twice', async () => {
    const { child, outcome, lines } = await stage.startHeld();
    isDown = true;
    await redis.stop();
    await waitForText(child.stderr, 'Trying again for 30 s; Ctrl-C stops');
    await redis.start();
    isDown = false;
    const { code, stderr } = await outcome();
    expect(code).toBe(0);
    expect(stderr.split('\n').at(-1)).toBe(`resque-runner: ${stage.url}/0 is back`);
    expect(await stage.jobs()).toEqual(lines);
    expect(await stage.keysLeft()).toEqual([]);
  });

  test('whose connection is cut in the midst of a step is asked again over the next one, without a word', async () => {
    const { outcome, lines, proxy } = await stage.startHeld();
    proxy.cut();
    expect(await outcome()).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^.*--resume [0-9a-f]{8}$/),
    });
    expect(await stage.jobs()).toEqual(lines);
  });

  test('that stays away can be given up with Ctrl-C: only Redis knows of the last step, and --resume asks it', async () => {
    const { child, outcome, id, lines } = await stage.startHeld();
    isDown = true;
    await redis.stop();
    await waitForText(child.stderr, 'Trying again for 30 s; Ctrl-C stops');
    child.kill('SIGINT');
    const { code, stderr } = await outcome();
    expect(code).toBe(130);
    const [extent, goOn] = stderr.split('\n').slice(-2);
    expect(extent).toMatch(
      /^resque-runner: stopped: [\d,]+ jobs? (is|are) enqueued in mail(, up to line [\d,]+)?; the last ones sent may be enqueued too$/,
    );
    expect(goOn).toBe(
      `to continue within a day, repeat the command with --resume ${await id()}; no job is enqueued twice`,
    );
    await redis.start();
    isDown = false;
    expect(await resume(await id())).toMatchObject({ code: 0 });
    expect(await stage.jobs()).toEqual(lines);
  });

  test('that has lost its data is told, and gets no jobs behind a gap', async () => {
    const { outcome, proxy } = await stage.startHeld();
    await redis.flush();
    proxy.release();
    const { code, stderr } = await outcome();
    expect(code).toBe(1);
    expect(stderr).toContain('no longer knows how far this enqueue got: it lost or evicted data');
    expect(stderr).toMatch(/\n[\d,]+ jobs had been enqueued in mail, up to line [\d,]+$/);
    expect(await redis.client.keys('*')).toEqual([]);
  });

  test('that refuses writes is told, with how to go on', async () => {
    const { outcome, id, lines, proxy } = await stage.startHeld();
    await redis.client.config('SET', 'maxmemory', '1');
    proxy.release();
    const { code, stderr } = await outcome();
    await redis.client.config('SET', 'maxmemory', '0');
    expect(code).toBe(1);
    expect(stderr).toContain('OOM command not allowed');
    expect(stderr).toContain(`repeat the command with --resume ${await id()}, or with --from-line`);
    expect(await resume(await id())).toMatchObject({ code: 0 });
    expect(await stage.jobs()).toEqual(lines);
  });
});

/** Whether a process has a handler for a signal: proc(5), SigCgt. Node itself has some for SIGINT and SIGTERM. */
function catches(pid: number, signal: keyof typeof constants.signals): boolean {
  const mask = /^SigCgt:\s+([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
  return ((BigInt(`0x${mask}`) >> BigInt(constants.signals[signal] - 1)) & 1n) === 1n;
}

async function waitForText(stream: NodeJS.ReadableStream, text: string): Promise<void> {
  let heard = '';
  stream.on('data', (chunk) => {
    heard += String(chunk);
  });
  await waitFor(() => heard.includes(text), { message: () => `it says ${text}: ${heard}` });
}
