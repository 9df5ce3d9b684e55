import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ownIdentity, type ProcessIdentity } from '../../../src/engine/machine/identity.ts';
import { Spool } from '../../../src/engine/outcomes/spool.ts';
import { thisMachine } from '../../../src/engine/process/engine-means.ts';
import { systemClock } from '../../../src/resque/redis/clock.ts';
import type { SpooledStep } from '../../../src/resque/steps/spooled-steps.ts';

let directory = '';
let path = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rr-spool-'));
  path = join(directory, 'a', 'spool');
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

const gone: ProcessIdentity = { ...ownIdentity(), pid: 4_000_000, startedAt: '1' };
const steps: SpooledStep[] = [
  { step: 3, outcomes: [{ kind: 'success', worker: 'w', held: null }], returns: [], unrun: [] },
];

function spoolOf(
  identity: ProcessIdentity,
  nonce: string,
  scope = 'redis://a/0 resque',
  clock = systemClock,
): Spool {
  return new Spool({
    directory: path,
    scope,
    owner: () => ({ name: `h:${identity.pid}`, nonce }),
    machine: { ...thisMachine(), identity, clock },
  });
}

describe('a spool', () => {
  test('is read by whoever comes after its process has gone, once', () => {
    spoolOf(gone, 'dead').write(steps);
    const reader = spoolOf(ownIdentity(), 'reader');
    expect(reader.look().files).toHaveLength(1);
    const [file] = reader.claimDead().files;
    expect(file?.spooled).toMatchObject({ owner: { name: 'h:4000000', nonce: 'dead' }, steps });
    // A process that lives has it.
    const other = spoolOf({ ...ownIdentity(), pid: process.ppid }, 'other');
    expect(other.claimDead()).toEqual({ files: [], refused: [] });
    reader.remove(file?.path ?? '');
    expect(readdirSync(path)).toEqual([]);
  });

  test('is for its user alone', () => {
    const file = spoolOf(gone, 'dead').write(steps);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    chmodSync(path, 0o755);
    spoolOf(gone, 'dead').write(steps.map((step) => ({ ...step, step: 4 })));
    expect(statSync(path).mode & 0o777).toBe(0o700);
  });

  test('is left to a process that lives, to another Redis and to another namespace', async () => {
    const child = spawn('sleep', ['60']);
    try {
      await once(child, 'spawn');
      const startedAt = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1];
      const identity = { ...ownIdentity(), pid: child.pid ?? 0, startedAt: startedAt?.split(' ')[19] ?? '' };
      spoolOf(identity, 'alive').write(steps);
      spoolOf(gone, 'dead', 'redis://b/0 resque').write(steps);
      spoolOf(gone, 'dead', 'redis://a/0 other').write(steps);
      expect(spoolOf(ownIdentity(), 'reader').claimDead()).toEqual({ files: [], refused: [] });
    } finally {
      child.kill();
      await once(child, 'exit');
    }
    expect(spoolOf(ownIdentity(), 'reader').claimDead().files).toHaveLength(1);
  });

  test('of a process that can’t be seen is read when it is old, its process is dead, or it ended with a file', () => {
    const elsewhere = { machine: 'another machine', pid: 7, startedAt: '1' };
    spoolOf(elsewhere, 'other').write(steps);
    const reader = spoolOf(ownIdentity(), 'reader');
    expect(reader.claimDead()).toEqual({ files: [], refused: [] });
    expect(reader.look(new Set(['other'])).files).toHaveLength(1);
    const later = { ...systemClock, nowMs: () => Date.now() + 301_000 };
    expect(spoolOf(ownIdentity(), 'reader', undefined, later).look().files).toHaveLength(1);
    spoolOf({ ...elsewhere, pid: 8 }, 'other').write(steps, true);
    expect(reader.look().files).toHaveLength(2);
  });

  test('that was claimed by a process which has died is claimed again', () => {
    const file = spoolOf(gone, 'dead').write(steps);
    renameSync(file, `${file}.4000001-7`);
    const [claimed] = spoolOf(ownIdentity(), 'reader').claimDead().files;
    expect(claimed?.path).toBe(`${file}.${process.pid}-${ownIdentity().startedAt}`);
  });

  test('is refused and left alone where it is a link, cut short or of another version', () => {
    const file = spoolOf(gone, 'dead').write(steps);
    const name = (suffix: string) => file.replace('.spool', `-${suffix}.spool`);
    symlinkSync(file, name('link'));
    writeFileSync(name('cut'), '{"spool":1}\n');
    writeFileSync(name('empty'), '');
    const before = readdirSync(path);
    const { files, refused } = spoolOf(ownIdentity(), 'reader').look();
    expect(files.map((found) => found.path)).toEqual([file]);
    expect(refused.map((found) => found.path).sort()).toEqual([name('cut'), name('empty'), name('link')]);
    expect(readdirSync(path)).toEqual(before);
  });
});
