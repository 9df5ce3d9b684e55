import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { withLock } from '../../scripts/setup/lock.mjs';
import { staysTrue } from '../helpers/wait-for.ts';
import { repository } from './small-checkout.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'resque-runner-lock-'));
  vi.stubEnv('TMPDIR', directory);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true, force: true });
});

const lockFile = () => join(directory, 'resque-runner-test.lock');

describe('a lock', () => {
  test('is held by one process at a time', async () => {
    const script = `
      import { mkdirSync, rmdirSync } from 'node:fs';
      import { setTimeout as sleep } from 'node:timers/promises';
      import { withLock } from ${JSON.stringify(join(repository, 'scripts/setup/lock.mjs'))};
      await withLock('test', async () => {
        mkdirSync('inside'); // Throws when another is inside.
        await sleep(20);
        rmdirSync('inside');
      });
    `;
    const run = () =>
      execa(process.execPath, ['--input-type=module', '--eval', script], {
        cwd: directory,
        env: { TMPDIR: directory },
      });

    await Promise.all([run(), run(), run(), run()]);

    expect(readdirSync(directory)).toEqual([]);
  });

  test('is released if the action fails', async () => {
    await expect(withLock('test', () => Promise.reject(new Error('no')))).rejects.toThrow('no');

    expect(readdirSync(directory)).toEqual([]);
  });

  test('is taken over from a process that has ended', async () => {
    const ended = execa(process.execPath, ['--eval', '']);
    await ended;
    writeFileSync(lockFile(), String(ended.pid));

    expect(await withLock('test', async () => 'done')).toBe('done');
    expect(readdirSync(directory)).toEqual([]);
  });

  test('makes others wait while its owner is alive', async () => {
    const owner = execa(process.execPath, ['--eval', 'setInterval(() => {}, 1000)'], { reject: false });
    writeFileSync(lockFile(), String(owner.pid));
    let isInside = false;

    const mine = withLock('test', async () => {
      isInside = true;
    });
    await staysTrue(() => !isInside, { message: 'the other process waits', forMs: 200 });
    owner.kill('SIGKILL');
    await owner;
    await mine;

    expect(isInside).toBe(true);
  });
});
