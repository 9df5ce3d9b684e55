import { readFileSync } from 'node:fs';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { ownIdentity } from '../../../src/engine/machine/identity.ts';
import { LeftPrograms } from '../../../src/engine/process/left-programs.ts';
import { isAlive } from '../../helpers/processes.ts';
import { waitFor } from '../../helpers/wait-for.ts';

/** Runs a script as the leader of its own session while `act` runs, which gets the pid that the script prints. */
async function withLeader(
  script: string,
  mark: string | null,
  act: (leader: number, printed: number) => Promise<void>,
): Promise<void> {
  const env = mark === null ? {} : { RESQUE_RUNNER: mark };
  const leader = execa('bash', ['-c', script], { detached: true, reject: false, env });
  let printed = 0;
  leader.stdout.on('data', (chunk: Buffer) => {
    printed = Number(String(chunk));
  });
  try {
    await waitFor(() => printed > 0 && commandOf(printed).startsWith('sleep'), { message: 'it sleeps' });
    await act(leader.pid ?? 0, printed);
  } finally {
    for (const pid of [leader.pid ?? 0, printed]) if (pid > 0 && isAlive(pid)) process.kill(pid, 'SIGKILL');
    await leader;
  }
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
}

function deadRunner(mark: string) {
  return {
    ...ownIdentity(),
    pid: 2 ** 22 + 1,
    nonce: 'another',
    mark,
    requeues: [],
    maxRecoveries: 3,
    seenAtMs: 0,
  };
}

describe.runIf(process.platform === 'linux')('programs of a dead runner', () => {
  test('are killed with their whole session, including processes with another environment and process group', async () => {
    const script = 'set -m; env -i sleep 300 & echo $!; wait';
    await withLeader(script, 'left-1', async (leader, child) => {
      expect(await new LeftPrograms().end(deadRunner('left-1'))).toEqual({ kind: 'ended' });
      expect([leader, child].filter(isAlive)).toEqual([]);
    });
  });

  test('are killed without the rest of a session that they do not lead', async () => {
    await withLeader(
      'RESQUE_RUNNER=left-2 sleep 300 & echo $!; wait; sleep 300',
      null,
      async (leader, child) => {
        expect(await new LeftPrograms().end(deadRunner('left-2'))).toEqual({ kind: 'ended' });
        expect(isAlive(child)).toBe(false);
        expect(isAlive(leader)).toBe(true);
        process.kill(-leader, 'SIGKILL');
      },
    );
  });

  test('with another mark are left alone', async () => {
    await withLeader('echo $$; exec sleep 300', 'left-3', async (leader) => {
      expect(await new LeftPrograms().end(deadRunner('left-4'))).toEqual({ kind: 'ended' });
      expect(isAlive(leader)).toBe(true);
      process.kill(-leader, 'SIGKILL');
    });
  });
});
