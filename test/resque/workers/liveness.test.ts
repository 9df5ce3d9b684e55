import { describe, expect, test } from 'vitest';
import {
  deathOf,
  type Liveness,
  livenessOf,
  type Presence,
  wantsConnections,
} from '../../../src/resque/workers/liveness.ts';
import { type RunnerEntry, readEntry, writeEntry } from '../../../src/resque/workers/runner-entry.ts';

const nowMs = 1_000_000_000;
const here = 'boot-1 pid:[1]';
const container = 'boot-1 pid:[2]';
const elsewhere = 'boot-2 pid:[1]';
const entry: RunnerEntry = {
  ...{ machine: elsewhere, pid: 7, startedAt: '11', requeues: [], maxRecoveries: 3, nonce: 'n' },
  seenAtMs: nowMs,
  connections: { runId: 'server', ids: [3, 4] },
};

interface Case {
  readonly silentMs: number;
  readonly presence?: Presence;
  readonly machine?: string;
  readonly own?: string;
  readonly open?: { readonly runId: string; readonly ids: readonly number[] } | null;
  readonly connections?: RunnerEntry['connections'] | null;
  readonly listeningMs?: number;
}

function judge({
  silentMs,
  presence = 'unknown',
  machine,
  own,
  open = null,
  connections,
  listeningMs,
}: Case) {
  const { connections: known, ...rest } = entry;
  const its = connections === null ? rest : { ...rest, connections: connections ?? known };
  const judged = { ...its, machine: machine ?? elsewhere, seenAtMs: nowMs - silentMs } as RunnerEntry;
  const vantage = { identity: { machine: own ?? here }, presenceOf: () => presence };
  const view = {
    nowMs,
    connections: open === null ? null : { runId: open.runId, ids: new Set(open.ids), waits: new Map() },
    ...(listeningMs === undefined ? {} : { listeningMs }),
  };
  const liveness = livenessOf(judged, vantage, view);
  expect(deathOf(judged, vantage, view) === null).toBe(liveness !== 'dead');
  return liveness;
}

const others = { runId: 'server', ids: [5, 6] };

describe('a runner', () => {
  test.each<[string, Liveness, Case]>([
    ['that runs on this machine, however silent', 'alive', { silentMs: 999_000, presence: 'running' }],
    ['that is gone from this machine, however lately heard of', 'dead', { silentMs: 0, presence: 'gone' }],
    ['heard of within 40 s', 'alive', { silentMs: 39_999 }],
    ['that is ahead of our last look at the clock', 'alive', { silentMs: -900 }],
    ['silent for 40 s', 'unknown', { silentMs: 40_000 }],
    ['silent for 300 s', 'unknown', { silentMs: 300_000 }],
    ['silent for longer', 'dead', { silentMs: 300_001 }],
  ])('%s is %s', (_, liveness, given) => {
    expect(judge(given)).toBe(liveness);
  });

  test('is dead after 40 s if its container on this kernel has ended', () => {
    expect(judge({ silentMs: 40_000, machine: container, open: others })).toBe('dead');
  });

  test.each<[string, Case]>([
    ['it has a connection', { silentMs: 60_000, machine: container, open: { runId: 'server', ids: [4] } }],
    ['it ran on another kernel', { silentMs: 60_000, machine: elsewhere, open: others }],
    ['it ran in this very container', { silentMs: 60_000, machine: here, open: others }],
    ['no machine has a name', { silentMs: 60_000, machine: '', own: '', open: others }],
    [
      'the server was restarted',
      { silentMs: 60_000, machine: container, open: { ...others, runId: 'next' } },
    ],
    ['the server does not list its connections', { silentMs: 60_000, machine: container, open: null }],
    ['its version enters none', { silentMs: 60_000, machine: container, open: others, connections: null }],
    [
      'it could enter none',
      { silentMs: 60_000, machine: container, open: others, connections: { runId: 'server', ids: [] } },
    ],
    ['we were away ourselves', { silentMs: 60_000, machine: container, open: others, listeningMs: 39_000 }],
  ])('is not dead after 40 s if %s', (_, given) => {
    expect(judge(given)).toBe('unknown');
  });

  test('is not dead by silence right after an outage, when all are silent', () => {
    expect(judge({ silentMs: 900_000, listeningMs: 0 })).toBe('unknown');
    expect(judge({ silentMs: 900_000, listeningMs: 40_000 })).toBe('dead');
    expect(judge({ silentMs: 900_000, listeningMs: 0, presence: 'gone' })).toBe('dead');
  });
});

test('connections are read only if they may help', () => {
  const { connections: _, ...older } = entry;
  const silentFor = (ms: number) => wantsConnections([null, { ...entry, seenAtMs: nowMs - ms }], nowMs);
  expect([39_999, 40_000, 300_000, 300_001].map(silentFor)).toEqual([false, true, true, false]);
  expect(wantsConnections([{ ...older, seenAtMs: nowMs - 60_000 }], nowMs)).toBe(false);
});

describe('an entry', () => {
  test('may have neither user nor connections', () => {
    const { connections: _, ...short } = entry;
    expect(readEntry(writeEntry(short))).toEqual(short);
  });

  test('keeps user and connections', () => {
    expect(readEntry(writeEntry({ ...entry, uid: 33 }))).toEqual({ ...entry, uid: 33 });
  });

  test('with a member of an unexpected type is unreadable', () => {
    for (const odd of [{ uid: 'root' }, { connections: [1] }, { connections: { runId: 'a', ids: ['1'] } }]) {
      expect(readEntry(JSON.stringify({ ...entry, ...odd }))).toBeNull();
    }
  });
});
