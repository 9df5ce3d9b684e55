import { beforeEach, describe, expect, test } from 'vitest';
import type { PoolConfig } from '../../../src/config/config.ts';
import { QueueRouter } from '../../../src/engine/pools/queue-router.ts';
import type { EngineFact } from '../../../src/protocol/events.ts';
import { runnerDefaults } from '../../helpers/runner-config.ts';

let facts: EngineFact[] = [];
let fleet: QueueRouter;

beforeEach(() => {
  facts = [];
  fleet = new QueueRouter(
    (fact) => facts.push(fact),
    (slot, key) => `h:1-${slot}:${key}`,
  );
});

function config(key: string, rest: Partial<PoolConfig> = {}): PoolConfig {
  return { ...runnerDefaults, key, ...rest };
}

/** What was published since the last call, shortly. */
function told(): string[] {
  return facts.splice(0).map((fact) => {
    if (fact.type === 'queue.added') return `${fact.type} ${fact.queue.name} of ${fact.queue.runner}`;
    if (fact.type === 'queue.paused')
      return `${fact.type} ${fact.queue}: ${fact.pauses.map(({ kind }) => kind)}`;
    if ('queue' in fact) return `${fact.type} ${fact.queue}`;
    if (fact.type === 'runner.removed') return `${fact.type} ${fact.runner}`;
    if ('runner' in fact && typeof fact.runner === 'object')
      return `${fact.type} ${fact.runner.key} ${fact.runner.concurrency}`;
    return fact.type;
  });
}

/** Which runner has which queues. */
function owned(): Record<string, readonly string[]> {
  return Object.fromEntries(fleet.runners.map((runner) => [runner.key, runner.queues]));
}

function runner(key: string) {
  const found = fleet.runner(key);
  if (found === undefined) throw new Error(`no runner ${key}`);
  return found;
}

test('a queue that comes to an entry whose script can’t be started says so', () => {
  fleet.configure([config('mail_*')]);
  fleet.pauseRunner(runner('mail_*'), 'unstartable', 'missing');
  told();
  fleet.expand(['mail_eu']);
  expect(told()).toEqual(['queue.added mail_eu of mail_*', 'queue.paused mail_eu: unstartable']);
  expect(fleet.ownPauses).toMatchObject([{ kind: 'unstartable', runner: 'mail_*', detail: 'missing' }]);
});

describe('a queue belongs', () => {
  test('to the entry that names it, wherever that stands', () => {
    fleet.configure([config('*'), config('mail')]);
    fleet.expand(['mail', 'news']);
    expect(owned()).toEqual({ '*': ['news'], mail: ['mail'] });
    expect(fleet.ownerOf('mail')?.key).toBe('mail');
  });

  test('to the list that names it, wherever that stands', () => {
    fleet.configure([config('*'), config('mail,news')]);
    fleet.expand(['mail', 'news', 'other']);
    expect(owned()).toEqual({ '*': ['other'], 'mail,news': ['mail', 'news'] });
  });

  test('to the first pattern that it matches', () => {
    fleet.configure([config('mail_*'), config('*'), config('*_eu')]);
    fleet.expand(['a_eu', 'mail_eu', 'x']);
    expect(fleet.ownerOf('mail_eu')?.key).toBe('mail_*');
    expect(fleet.ownerOf('a_eu')?.key).toBe('*');
    expect(fleet.queues.filter((queue) => queue === 'mail_eu')).toHaveLength(1);
  });

  test('to nobody where it is unknown or negated', () => {
    fleet.configure([config('*,!secret')]);
    fleet.expand(['secret', 'open']);
    expect(fleet.ownerOf('secret')).toBeUndefined();
    expect(fleet.ownerOf('other')).toBeUndefined();
    expect(fleet.isTakeable('secret')).toBe(false);
  });

  test('to somebody else when its entry is gone', () => {
    fleet.configure([config('*'), config('mail')]);
    fleet.expand(['mail']);
    told();
    fleet.configure([config('*')]);
    expect(fleet.ownerOf('mail')?.key).toBe('*');
    expect(told()).toEqual(['queue.removed mail', 'queue.added mail of *']);
  });
});

test('queues come and go with what is known, each told once', () => {
  fleet.configure([config('mail'), config('m_*')]);
  told();
  expect(fleet.expand(['m_1', 'm_2'])).toBe(true);
  expect(told()).toEqual(['queue.added m_1 of m_*', 'queue.added m_2 of m_*']);
  expect(fleet.expand(['m_2', 'm_1', 'other'])).toBe(false);
  expect(told()).toEqual([]);
  expect(fleet.expand(['m_2'])).toBe(true);
  expect(told()).toEqual(['queue.removed m_1']);
  expect(fleet.queues).not.toContain('m_1');
});

test('a config that is read again puts live changes of slots back, and leaves pauses', () => {
  fleet.configure([config('mail'), config('news')]);
  const { concurrency } = runner('mail');
  fleet.setConcurrency(runner('mail'), concurrency + 5);
  fleet.pauseQueue('mail', 'operator', 'ann');
  fleet.configure([config('mail'), config('news')]);
  expect(runner('mail').concurrency).toBe(concurrency);
  expect(fleet.takeable(runner('mail'))).toEqual([]);
});

test('a name with a NUL is left alone', () => {
  fleet.configure([config('*')]);
  fleet.expand(['a\0b', 'c']);
  expect(fleet.queues).toEqual(['c']);
});

test('a runner whose queues changed is worth asking', () => {
  fleet.configure([config('*')]);
  fleet.expand(['a']);
  runner('*').isKnownEmpty = true;
  fleet.expand(['a']);
  expect(runner('*').isKnownEmpty).toBe(true);
  fleet.expand(['a', 'b']);
  expect(runner('*').isKnownEmpty).toBe(false);
});

describe('a pause', () => {
  beforeEach(() => {
    fleet.configure([config('a'), config('b,c')]);
    told();
  });

  test('of a queue stops it alone, and is told once', () => {
    fleet.pauseQueue('b', 'operator', '');
    fleet.pauseQueue('b', 'operator', '');
    expect(told()).toEqual(['queue.paused b: operator']);
    expect(fleet.takeable(runner('b,c'))).toEqual(['c']);
    expect([fleet.isTakeable('a'), fleet.isTakeable('b'), fleet.isTakeable('c')]).toEqual([
      true,
      false,
      true,
    ]);
    fleet.resumeQueue('b', 'operator');
    fleet.resumeQueue('b', 'operator');
    expect(told()).toEqual(['queue.resumed b']);
    expect(fleet.takeable(runner('b,c'))).toEqual(['b', 'c']);
  });

  test('of everything stops everything, and is told once for each queue', () => {
    fleet.pauseAll('all', '');
    fleet.pauseAll('all', '');
    expect(told()).toEqual(['queue.paused a: all', 'queue.paused b: all', 'queue.paused c: all']);
    expect(fleet.runners.flatMap((each) => fleet.takeable(each))).toEqual([]);
    expect(fleet.resumeAll('all')).toBe(true);
    expect(fleet.resumeAll('all')).toBe(false);
    expect(told()).toEqual(['queue.resumed a', 'queue.resumed b', 'queue.resumed c']);
  });

  test('of a runner stops all its queues, and is told again where the reason changes', () => {
    fleet.pauseRunner(runner('b,c'), 'unstartable', 'missing');
    fleet.pauseRunner(runner('b,c'), 'unstartable', 'missing');
    fleet.pauseRunner(runner('b,c'), 'unstartable', 'not executable');
    expect(told()).toEqual([
      ...['queue.paused b: unstartable', 'queue.paused c: unstartable'],
      ...['queue.paused b: unstartable', 'queue.paused c: unstartable'],
    ]);
    expect(fleet.takeable(runner('b,c'))).toEqual([]);
    expect(fleet.isTakeable('a')).toBe(true);
    fleet.resumeRunner(runner('b,c'));
    expect(told()).toEqual(['queue.resumed b', 'queue.resumed c']);
  });

  test('that a runner is held for is told as soon as it has a reason', () => {
    fleet.holdRunner(runner('a'), 'unstartable');
    expect(told()).toEqual([]);
    expect(fleet.takeable(runner('a'))).toEqual([]);
    fleet.pauseRunner(runner('a'), 'unstartable', 'missing');
    expect(told()).toEqual(['queue.paused a: unstartable']);
  });

  test('ends when the last of its reasons is gone', () => {
    fleet.pauseAll('cluster', 'x');
    fleet.pauseQueue('a', 'operator', '');
    fleet.pauseRunner(runner('a'), 'unstartable', 'y');
    told();
    expect(fleet.pausesOf('a').map(({ kind, detail }) => [kind, detail])).toEqual([
      ['cluster', 'x'],
      ['unstartable', 'y'],
      ['operator', ''],
    ]);
    fleet.resumeAll('cluster');
    fleet.resumeQueue('a', 'operator');
    expect(fleet.isTakeable('a')).toBe(false);
    expect(told().filter((line) => line.includes(' a'))).toEqual([
      'queue.paused a: unstartable,operator',
      'queue.paused a: unstartable',
    ]);
    fleet.resumeRunner(runner('a'));
    expect(fleet.isTakeable('a')).toBe(true);
    expect(told()).toEqual(['queue.resumed a']);
  });

  test('by an operator goes with its queue', () => {
    fleet.configure([config('m_*')]);
    fleet.expand(['m_1']);
    fleet.pauseQueue('m_1', 'operator', '');
    fleet.expand([]);
    fleet.expand(['m_1']);
    expect(fleet.isTakeable('m_1')).toBe(true);
  });

  test('of everything holds for a queue that comes later, and shows on it', () => {
    fleet.configure([config('m_*')]);
    fleet.pauseAll('all', '');
    facts = [];
    fleet.expand(['m_1']);
    const [added] = facts;
    expect(added).toMatchObject({ type: 'queue.added', queue: { name: 'm_1', pauses: [{ kind: 'all' }] } });
    expect(fleet.isTakeable('m_1')).toBe(false);
  });

  test('that ends makes its runners worth asking', () => {
    for (const each of fleet.runners) each.isKnownEmpty = true;
    fleet.pauseQueue('b', 'operator', '');
    fleet.resumeQueue('b', 'operator');
    expect(fleet.runners.map((each) => each.isKnownEmpty)).toEqual([true, false]);
  });
});

describe('a new config', () => {
  test('adds, changes and retires runners, and says so', () => {
    fleet.configure([config('a'), config('b')]);
    expect(told().filter((line) => line.startsWith('runner'))).toEqual([
      'runner.added a 1',
      'runner.added b 1',
    ]);
    const changes = fleet.configure([config('c', { concurrency: 2 }), config('a', { concurrency: 3 })]);
    expect(changes).toEqual(['c: added, 2 slots', 'a.concurrency: 1 → 3', 'b: removed']);
    expect(told()).toEqual([
      'runner.added c 2',
      'runner.changed a 3',
      'queue.removed b',
      'queue.added c of c',
    ]);
    expect(fleet.runners.map(({ key, isRetired }) => [key, isRetired])).toEqual([
      ['c', false],
      ['a', false],
      ['b', true],
    ]);
    expect(fleet.takeable(runner('b'))).toEqual([]);
    expect(fleet.configure([config('c', { concurrency: 2 }), config('a', { concurrency: 3 })])).toEqual([]);
  });

  test('keeps the slots of a runner that stays, and brings back one that was on its way out', () => {
    fleet.configure([config('a')]);
    const before = runner('a');
    before.reserveSlots(1);
    fleet.configure([config('b')]);
    expect(before.isRetired).toBe(true);
    fleet.configure([config('a')]);
    expect(runner('a')).toBe(before);
    expect(before.isRetired).toBe(false);
    expect(fleet.takeable(before)).toEqual(['a']);
  });

  test('numbers slots through the whole process, and an entry that comes back has its own again', () => {
    fleet.configure([config('a', { concurrency: 2 }), config('b_*,c', { concurrency: 2 })]);
    expect(fleet.workers).toEqual(['h:1-0:a', 'h:1-1:b_*,c']);
    const workers = (key: string) => {
      const slots = runner(key).reserveSlots(2);
      for (const slot of slots) slot.state = 'idle';
      return slots.map(({ worker }) => worker);
    };
    expect(workers('a')).toEqual(['h:1-0:a', 'h:1-2:a']);
    expect(workers('b_*,c')).toEqual(['h:1-1:b_*,c', 'h:1-3:b_*,c']);
    fleet.setConcurrency(runner('a'), 3);
    runner('a').reserveSlots(3);
    fleet.configure([config('d'), config('b_*,c', { concurrency: 2 })]);
    fleet.remove(runner('a'));
    fleet.configure([config('d'), config('e'), config('a', { concurrency: 2 })]);
    expect(workers('d')).toEqual(['h:1-5:d']);
    expect(workers('e')).toEqual(['h:1-6:e']);
    expect(workers('a')).toEqual(['h:1-0:a', 'h:1-2:a']);
  });

  test('sets back a concurrency that was set by hand', () => {
    fleet.configure([config('a', { concurrency: 2 })]);
    fleet.setConcurrency(runner('a'), 5);
    fleet.setConcurrency(runner('a'), 5);
    expect(told().filter((line) => line.startsWith('runner.changed'))).toEqual(['runner.changed a 5']);
    fleet.configure([config('a', { concurrency: 2 })]);
    expect(runner('a').concurrency).toBe(2);
    expect(told()).toEqual(['runner.changed a 2']);
  });

  test('tells of env that it changed, and none of its values', () => {
    fleet.configure([config('a', { env: { TOKEN: 'old' } })]);
    expect(fleet.configure([config('a', { env: { TOKEN: 'secret' } })])).toEqual(['a.env: changed']);
  });

  test('lets go of a retired runner when told so', () => {
    fleet.configure([config('a'), config('b')]);
    fleet.configure([config('a')]);
    told();
    fleet.remove(runner('b'));
    expect(told()).toEqual(['runner.removed b']);
    expect(fleet.runner('b')).toBeUndefined();
  });
});

describe('what there is to wait for counts as another', () => {
  const changes: [string, () => unknown][] = [
    ['an entry is read anew', () => fleet.configure([config('mail', { delivery: 'at-least-once' })])],
    ['an entry is gone', () => fleet.configure([config('news')])],
    ['an entry is forgotten', () => fleet.remove(runner('mail'))],
    ['queues come', () => fleet.expand(['mail', 'other'])],
    ['slots are given', () => fleet.setConcurrency(runner('mail'), 5)],
    ['an entry is held', () => fleet.holdRunner(runner('mail'), 'unstartable')],
    ['an entry is paused', () => fleet.pauseRunner(runner('mail'), 'unstartable', 'why')],
    ['a queue is paused', () => fleet.pauseQueue('mail', 'operator', '')],
    ['everything is paused', () => fleet.pauseAll('all', '')],
    ['any queue may hold jobs', () => fleet.expectJobs()],
    ['a slot of an empty queue is taken', () => runner('mail').reserveSlots(1)],
  ];

  test.each(changes)('when %s', (_, change) => {
    fleet.configure([config('mail', { concurrency: 2 })]);
    runner('mail').isKnownEmpty = true;
    const before = fleet.waitVersion;
    change();
    expect(fleet.waitVersion).toBeGreaterThan(before);
  });

  test('when a queue is resumed of which nothing else changes', () => {
    fleet.configure([config('mail')]);
    fleet.pauseQueue('mail', 'operator', '');
    const before = fleet.waitVersion;
    fleet.resumeQueue('mail', 'operator');
    expect(fleet.waitVersion).toBeGreaterThan(before);
  });

  test('but not when a slot of a queue that holds jobs is taken or freed', () => {
    fleet.configure([config('mail', { concurrency: 2 })]);
    const before = fleet.waitVersion;
    for (const slot of runner('mail').reserveSlots(2)) slot.state = 'idle';
    expect(fleet.waitVersion).toBe(before);
  });
});
