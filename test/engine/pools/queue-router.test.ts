import { beforeEach, describe, expect, test } from 'vitest';
import type { PoolConfig } from '../../../src/config/config.ts';
import { QueueRouter } from '../../../src/engine/pools/queue-router.ts';
import type { EngineFact } from '../../../src/protocol/events.ts';
import { runnerDefaults } from '../../helpers/runner-config.ts';

let facts: EngineFact[] = [];
let router: QueueRouter;

beforeEach(() => {
  facts = [];
  router = new QueueRouter((fact) => facts.push(fact), 'h:1');
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
    if (fact.type === 'queues.paused')
      return `${fact.type} ${fact.runner}: ${fact.pauses.map(({ kind }) => kind)}`;
    if (fact.type === 'queues.resumed') return `${fact.type} ${fact.runner}`;
    if ('queue' in fact) return `${fact.type} ${fact.queue}`;
    if (fact.type === 'runner.removed') return `${fact.type} ${fact.runner}`;
    if ('runner' in fact && typeof fact.runner === 'object' && fact.runner !== null)
      return `${fact.type} ${fact.runner.key} ${fact.runner.concurrency}`;
    return fact.type;
  });
}

/** Which runner has which queues. */
function owned(): Record<string, readonly string[]> {
  return Object.fromEntries(router.pools.map((pool) => [pool.key, pool.queues]));
}

function pool(key: string) {
  const found = router.pool(key);
  if (found === undefined) throw new Error(`no runner ${key}`);
  return found;
}

test('a queue that comes to an entry whose script can’t be started says so', () => {
  router.configure([config('mail_*')]);
  router.setCondition('entry:mail_*', 'missing');
  told();
  router.expand(['mail_eu']);
  expect(told()).toEqual(['queue.added mail_eu of mail_*', 'queue.paused mail_eu: unstartable']);
  expect(router.ownPauses).toMatchObject([{ kind: 'unstartable', runner: 'mail_*', detail: 'missing' }]);
});

describe('a queue belongs', () => {
  test('to the entry that names it, wherever that stands', () => {
    router.configure([config('*'), config('mail')]);
    router.expand(['mail', 'news']);
    expect(owned()).toEqual({ '*': ['news'], mail: ['mail'] });
    expect(router.ownerOf('mail')?.key).toBe('mail');
  });

  test('to the list that names it, wherever that stands', () => {
    router.configure([config('*'), config('mail,news')]);
    router.expand(['mail', 'news', 'other']);
    expect(owned()).toEqual({ '*': ['other'], 'mail,news': ['mail', 'news'] });
  });

  test('to the first pattern that it matches', () => {
    router.configure([config('mail_*'), config('*'), config('*_eu')]);
    router.expand(['a_eu', 'mail_eu', 'x']);
    expect(router.ownerOf('mail_eu')?.key).toBe('mail_*');
    expect(router.ownerOf('a_eu')?.key).toBe('*');
    expect(router.queues.filter((queue) => queue === 'mail_eu')).toHaveLength(1);
  });

  test('to nobody where it is unknown or negated', () => {
    router.configure([config('*,!secret')]);
    router.expand(['secret', 'open']);
    expect(router.ownerOf('secret')).toBeUndefined();
    expect(router.ownerOf('other')).toBeUndefined();
    expect(router.isTakeable('secret')).toBe(false);
  });

  test('to somebody else when its entry is gone', () => {
    router.configure([config('*'), config('mail')]);
    router.expand(['mail']);
    told();
    router.configure([config('*')]);
    expect(router.ownerOf('mail')?.key).toBe('*');
    expect(told()).toEqual(['queue.removed mail', 'queue.added mail of *']);
  });
});

test('queues come and go with what is known, each told once', () => {
  router.configure([config('mail'), config('m_*')]);
  told();
  expect(router.expand(['m_1', 'm_2'])).toBe(true);
  expect(told()).toEqual(['queue.added m_1 of m_*', 'queue.added m_2 of m_*']);
  expect(router.expand(['m_2', 'm_1', 'other'])).toBe(false);
  expect(told()).toEqual([]);
  expect(router.expand(['m_2'])).toBe(true);
  expect(told()).toEqual(['queue.removed m_1']);
  expect(router.queues).not.toContain('m_1');
});

test('a config that is read again leaves slots and pauses that were set by hand', () => {
  router.configure([config('mail'), config('news')]);
  const { concurrency } = pool('mail');
  router.setConcurrency(pool('mail'), concurrency + 5);
  router.pause('queue:mail', 'ann');
  router.configure([config('mail'), config('news')]);
  expect(pool('mail').concurrency).toBe(concurrency + 5);
  expect(router.takeable(pool('mail'))).toEqual([]);
});

test('a name with a NUL is left alone', () => {
  router.configure([config('*')]);
  router.expand(['a\0b', 'c']);
  expect(router.queues).toEqual(['c']);
});

test('a runner whose queues changed is worth asking', () => {
  router.configure([config('*')]);
  router.expand(['a']);
  pool('*').isKnownEmpty = true;
  router.expand(['a']);
  expect(pool('*').isKnownEmpty).toBe(true);
  router.expand(['a', 'b']);
  expect(pool('*').isKnownEmpty).toBe(false);
});

describe('a pause', () => {
  beforeEach(() => {
    router.configure([config('a'), config('b,c')]);
    told();
  });

  test('of a queue stops it alone, and is told once', () => {
    router.pause('queue:b', '');
    router.pause('queue:b', '');
    expect(told()).toEqual(['queue.paused b: operator']);
    expect(router.takeable(pool('b,c'))).toEqual(['c']);
    expect([router.isTakeable('a'), router.isTakeable('b'), router.isTakeable('c')]).toEqual([
      true,
      false,
      true,
    ]);
    router.setByHand('queue:b', null);
    router.setByHand('queue:b', null);
    expect(told()).toEqual(['queue.resumed b']);
    expect(router.takeable(pool('b,c'))).toEqual(['b', 'c']);
  });

  test('of everything stops everything, and is told once, with each queue as a part of it', () => {
    router.pause('all', '');
    router.pause('all', '');
    expect(told()).toEqual([
      'queues.paused null: all',
      ...['queue.paused a: all', 'queue.paused b: all', 'queue.paused c: all'],
    ]);
    expect(router.pools.flatMap((each) => router.takeable(each))).toEqual([]);
    router.setByHand('all', null);
    router.setByHand('all', null);
    expect(told()).toEqual([
      'queues.resumed null',
      ...['queue.resumed a', 'queue.resumed b', 'queue.resumed c'],
    ]);
  });

  test('of a runner stops all its queues, and is told again where the reason changes', () => {
    router.setCondition('entry:b,c', 'missing');
    router.setCondition('entry:b,c', 'missing');
    router.setCondition('entry:b,c', 'not executable');
    expect(told()).toEqual([
      'queues.paused b,c: unstartable',
      ...['queue.paused b: unstartable', 'queue.paused c: unstartable'],
      'queues.paused b,c: unstartable',
      ...['queue.paused b: unstartable', 'queue.paused c: unstartable'],
    ]);
    expect(router.takeable(pool('b,c'))).toEqual([]);
    expect(router.isTakeable('a')).toBe(true);
    router.setCondition('entry:b,c', null);
    expect(told()).toEqual(['queues.resumed b,c', 'queue.resumed b', 'queue.resumed c']);
  });

  test('of an entry by an operator holds queues that come later, and outlasts a pause for its script', () => {
    router.configure([config('m_*')]);
    router.expand(['m_1']);
    told();
    router.pause('entry:m_*', 'ann');
    router.expand(['m_1', 'm_2']);
    expect(told()).toEqual([
      ...['queues.paused m_*: operator', 'queue.paused m_1: operator', 'queue.paused m_*: operator'],
      'queue.added m_2 of m_*',
    ]);
    router.setCondition('entry:m_*', '');
    router.setCondition('entry:m_*', 'missing');
    router.setCondition('entry:m_*', null);
    expect(router.takeable(pool('m_*'))).toEqual([]);
    expect(router.isTakeable('m_2')).toBe(false);
    expect(router.pausesOf('m_2')).toMatchObject([{ kind: 'operator', detail: 'ann', entry: 'm_*' }]);
    expect(router.ownPauses).toMatchObject([{ kind: 'operator', runner: 'm_*', detail: 'ann' }]);
    router.setCondition('entry:m_*', '');
    router.setCondition('entry:m_*', null);
    expect(router.isTakeable('m_1')).toBe(false);
    router.setByHand('entry:m_*', null);
    expect(router.isTakeable('m_2')).toBe(true);
  });

  test('that a runner is held for is told as soon as it has a reason', () => {
    router.setCondition('entry:a', '');
    expect(told()).toEqual([]);
    expect(router.takeable(pool('a'))).toEqual([]);
    router.setCondition('entry:a', 'missing');
    expect(told()).toEqual(['queue.paused a: unstartable']);
  });

  test('ends when the last of its reasons is gone', () => {
    router.setCondition('all', 'x');
    router.pause('queue:a', '');
    router.setCondition('entry:a', 'y');
    told();
    expect(router.pausesOf('a').map(({ kind, detail }) => [kind, detail])).toEqual([
      ['cluster', 'x'],
      ['unstartable', 'y'],
      ['operator', ''],
    ]);
    router.setCondition('all', null);
    router.setByHand('queue:a', null);
    expect(router.isTakeable('a')).toBe(false);
    expect(told().filter((line) => line.includes(' a'))).toEqual([
      'queue.paused a: unstartable,operator',
      'queue.paused a: unstartable',
    ]);
    router.setCondition('entry:a', null);
    expect(router.isTakeable('a')).toBe(true);
    expect(told()).toEqual(['queue.resumed a']);
  });

  test('of a queue stays by hand while the queue is gone, but not for what the runner found', () => {
    router.configure([config('m_*')]);
    router.expand(['m_1', 'm_2']);
    router.pause('queue:m_1', '');
    router.setCondition('queue:m_2', 'WRONGTYPE');
    router.expand([]);
    router.expand(['m_1', 'm_2']);
    expect(['m_1', 'm_2'].map((queue) => router.isTakeable(queue))).toEqual([false, true]);
  });

  test('by a signal leaves alone one that outlives the runner', () => {
    const byHand: unknown[] = [];
    router.onByHand = (about) => byHand.push(about);
    router.pause('all', 'SIGUSR2', false);
    expect(byHand).toEqual([]);
    router.setByHand('all', null);
    router.pause('all', 'ann');
    router.pause('all', 'SIGUSR2', false);
    expect(byHand).toEqual(['all', 'all']);
    expect(router.pausesAt('all')).toMatchObject([{ kind: 'all', detail: 'ann' }]);
  });

  test('of everything holds for a queue that comes later, and shows on it', () => {
    router.configure([config('m_*')]);
    router.pause('all', '');
    facts = [];
    router.expand(['m_1']);
    const [added] = facts;
    expect(added).toMatchObject({ type: 'queue.added', queue: { name: 'm_1', pauses: [{ kind: 'all' }] } });
    expect(router.isTakeable('m_1')).toBe(false);
  });

  test('that ends makes its runners worth asking', () => {
    for (const each of router.pools) each.isKnownEmpty = true;
    router.pause('queue:b', '');
    router.setByHand('queue:b', null);
    expect(router.pools.map((each) => each.isKnownEmpty)).toEqual([true, false]);
  });
});

describe('a new config', () => {
  test('adds, changes and retires runners, and says so', () => {
    router.configure([config('a'), config('b')]);
    expect(told().filter((line) => line.startsWith('runner'))).toEqual([
      'runner.added a 1',
      'runner.added b 1',
    ]);
    const changes = router.configure([config('c', { concurrency: 2 }), config('a', { concurrency: 3 })]);
    expect(changes).toEqual(['c: added, 2 slots', 'a.concurrency: 1 → 3', 'b: removed']);
    expect(told()).toEqual([
      'runner.added c 2',
      'runner.changed a 3',
      'queue.removed b',
      'queue.added c of c',
    ]);
    expect(router.pools.map(({ key, isRemoved }) => [key, isRemoved])).toEqual([
      ['c', false],
      ['a', false],
      ['b', true],
    ]);
    expect(router.takeable(pool('b'))).toEqual([]);
    expect(router.configure([config('c', { concurrency: 2 }), config('a', { concurrency: 3 })])).toEqual([]);
  });

  test('keeps the slots of a runner that stays, and brings back one that was on its way out', () => {
    router.configure([config('a')]);
    const before = pool('a');
    before.reserveSlots(1);
    router.configure([config('b')]);
    expect(before.isRemoved).toBe(true);
    router.configure([config('a')]);
    expect(pool('a')).toBe(before);
    expect(before.isRemoved).toBe(false);
    expect(router.takeable(before)).toEqual(['a']);
  });

  test('numbers slots through the whole process, and an entry that comes back has its own again', () => {
    router.configure([config('a', { concurrency: 2 }), config('b_*,c', { concurrency: 2 })]);
    expect(router.workers).toEqual(['h:1-0:a', 'h:1-1:b_*,c']);
    const workers = (key: string) => {
      const slots = pool(key).reserveSlots(2);
      for (const slot of slots) slot.state = 'idle';
      return slots.map(({ worker }) => worker);
    };
    expect(workers('a')).toEqual(['h:1-0:a', 'h:1-2:a']);
    expect(workers('b_*,c')).toEqual(['h:1-1:b_*,c', 'h:1-3:b_*,c']);
    router.setConcurrency(pool('a'), 3);
    pool('a').reserveSlots(3);
    router.configure([config('d'), config('b_*,c', { concurrency: 2 })]);
    router.remove(pool('a'));
    router.configure([config('d'), config('e'), config('a', { concurrency: 2 })]);
    expect(workers('d')).toEqual(['h:1-5:d']);
    expect(workers('e')).toEqual(['h:1-6:e']);
    expect(workers('a')).toEqual(['h:1-0:a', 'h:1-2:a']);
  });

  test('with the number that was set by hand replaces it, so that later ones count', () => {
    router.configure([config('a', { concurrency: 2 })]);
    router.setConcurrency(pool('a'), 5);
    router.setConcurrency(pool('a'), 5);
    expect(told().filter((line) => line.startsWith('runner.changed'))).toEqual(['runner.changed a 5']);
    router.configure([config('a', { concurrency: 4 })]);
    expect(pool('a').concurrency).toBe(5);
    router.configure([config('a', { concurrency: 5 })]);
    router.configure([config('a', { concurrency: 2 })]);
    expect(pool('a').concurrency).toBe(2);
    expect(told().at(-1)).toBe('runner.changed a 2');
  });

  test('tells of env that it changed, and none of its values', () => {
    router.configure([config('a', { env: { TOKEN: 'old' } })]);
    expect(router.configure([config('a', { env: { TOKEN: 'secret' } })])).toEqual(['a.env.TOKEN: changed']);
  });

  test('lets go of a retired runner when told so', () => {
    router.configure([config('a'), config('b')]);
    router.configure([config('a')]);
    told();
    router.remove(pool('b'));
    expect(told()).toEqual(['runner.removed b']);
    expect(router.pool('b')).toBeUndefined();
  });
});

describe('what there is to wait for counts as another', () => {
  const changes: [string, () => unknown][] = [
    ['an entry is read anew', () => router.configure([config('mail', { delivery: 'at-least-once' })])],
    ['an entry is gone', () => router.configure([config('news')])],
    ['an entry is forgotten', () => router.remove(pool('mail'))],
    ['queues come', () => router.expand(['mail', 'other'])],
    ['slots are given', () => router.setConcurrency(pool('mail'), 5)],
    ['an entry is held', () => router.setCondition('entry:mail', '')],
    ['an entry is paused', () => router.setCondition('entry:mail', 'why')],
    ['a queue is paused', () => router.pause('queue:mail', '')],
    ['everything is paused', () => router.pause('all', '')],
    ['any queue may hold jobs', () => router.expectJobs()],
    ['a slot of an empty queue is taken', () => pool('mail').reserveSlots(1)],
  ];

  test.each(changes)('when %s', (_, change) => {
    router.configure([config('mail', { concurrency: 2 })]);
    pool('mail').isKnownEmpty = true;
    const before = router.waitVersion;
    change();
    expect(router.waitVersion).toBeGreaterThan(before);
  });

  test('when a queue is resumed of which nothing else changes', () => {
    router.configure([config('mail')]);
    router.pause('queue:mail', '');
    const before = router.waitVersion;
    router.setByHand('queue:mail', null);
    expect(router.waitVersion).toBeGreaterThan(before);
  });

  test('but not when a slot of a queue that holds jobs is taken or freed', () => {
    router.configure([config('mail', { concurrency: 2 })]);
    const before = router.waitVersion;
    for (const slot of pool('mail').reserveSlots(2)) slot.state = 'idle';
    expect(router.waitVersion).toBe(before);
  });
});
