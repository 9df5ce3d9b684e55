import { readFileSync } from 'node:fs';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { groupRuns } from '../../../src/engine/machine/identity.ts';
import { waitFor } from '../../helpers/wait-for.ts';

describe.runIf(process.platform === 'linux')('a process group', () => {
  test('runs as long as one of its members does, and not by those that wait to be reaped', async () => {
    // With job control a group of its own for `sleep`; nobody reaps it, since the shell becomes another program.
    const parent = execa('bash', ['-c', 'set -m; sleep 60 & echo $!; exec sleep 60'], { reject: false });
    try {
      let group = 0;
      parent.stdout.on('data', (chunk: Buffer) => {
        group = Number(String(chunk));
      });
      await waitFor(() => group > 0, { message: 'it tells its group' });
      expect(groupRuns(group)).toBe(true);
      const program = () => readFileSync(`/proc/${parent.pid}/comm`, 'utf8').trim();
      await waitFor(() => program() === 'sleep', { message: 'the shell, which would reap it, is gone' });
      process.kill(-group, 'SIGKILL');
      await waitFor(() => groupRuns(group) === false, { message: 'it runs no longer' });
      // Though it is there.
      expect(process.kill(-group, 0)).toBe(true);
    } finally {
      parent.kill('SIGKILL');
      await parent;
    }
  });

  test('that isn’t there doesn’t run', () => {
    expect(groupRuns(2 ** 22 + 1)).toBe(false);
  });
});
