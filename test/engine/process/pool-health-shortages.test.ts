/** Entries that the machine refuses more children, on a clock of the test and a machine that is made up. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Pool } from '../../../src/engine/pools/pool.ts';
import { PoolHealth, refusalIn } from '../../../src/engine/process/pool-health.ts';
import type { EngineFact } from '../../../src/protocol/events.ts';
import { runnerDefaults } from '../../helpers/runner-config.ts';

let facts: EngineFact[] = [];
let pools: Pool[] = [];
let health: PoolHealth;
/** How many children all entries together may have. */
let capacity = 0;
/** Jobs that wait, by entry. */
const backlog = new Map<Pool, number>();
const children = new Map<Pool, number>();
const idle = new Set<Pool>();
let refusals = 0;

const count = (pool: Pool) => children.get(pool) ?? 0;
const total = () => [...children.values()].reduce((sum, each) => sum + each, 0);

/** Children have jobs unless their entry is idle. */
function setCount(pool: Pool, wanted: number): void {
  children.set(pool, wanted);
  for (let index = 0; index < pool.concurrency; index += 1) {
    pool.slot(index).state = index < wanted && !idle.has(pool) ? 'running' : 'idle';
  }
}

/** Starts what may be started, as an engine would: the entries in their order, and until one is refused. */
function fill(): void {
  for (const pool of pools) {
    if (idle.has(pool) && count(pool) > pool.limit) setCount(pool, pool.limit);
    while (count(pool) < pool.limit && (backlog.get(pool) ?? 0) > 0) {
      if (total() >= capacity) {
        refusals += 1;
        health.refused(pool, 'EMFILE');
        break;
      }
      setCount(pool, count(pool) + 1);
      backlog.set(pool, (backlog.get(pool) ?? 0) - 1);
    }
  }
}

function end(pool: Pool): void {
  setCount(pool, count(pool) - 1);
  fill();
}

function entry(key: string, concurrency: number, jobs: number): Pool {
  const pool = new Pool({ ...runnerDefaults, key, concurrency }, (index) => `h:1-${index}:${key}`);
  pools.push(pool);
  backlog.set(pool, jobs);
  return pool;
}

const told = () =>
  facts.map(
    (fact) => `${fact.type} ${'runner' in fact && typeof fact.runner === 'string' ? fact.runner : ''}`,
  );

beforeEach(() => {
  vi.useFakeTimers();
  facts = [];
  pools = [];
  refusals = 0;
  backlog.clear();
  children.clear();
  idle.clear();
  const ignore = () => {};
  health = new PoolHealth({
    router: {
      get pools() {
        return pools;
      },
      ...{ setCondition: ignore },
    },
    publish: (fact) => facts.push(fact),
    childrenOf: count,
    giveBackFiles: () => false,
    onMore: fill,
  });
});

afterEach(() => {
  health.stop();
  vi.useRealTimers();
});

describe('of what the system says of a start that failed,', () => {
  test.each(['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM'])('%s is a shortage', (code) => {
    expect(refusalIn(`spawn ./job ${code}`)).toBe(code);
    expect(refusalIn(`spawn ${code}`)).toBe(code);
  });

  test.each(['spawn ./job ENOENT', 'spawn EMFILE ENOENT', 'spawn ./job E2BIG', 'EMFILE is not on PATH', ''])(
    '"%s" is none',
    (reason) => {
      expect(refusalIn(reason)).toBeNull();
    },
  );
});

test('an entry gets by with the children that it has, and says so once with what to do', () => {
  const mail = entry('mail', 32, 1_000);
  capacity = 6;
  fill();
  expect([count(mail), mail.ceiling, mail.limit]).toEqual([6, 6, 6]);
  for (let job = 0; job < 200; job += 1) end(mail);
  expect(count(mail)).toBe(6);
  expect(refusals).toBe(1);
  expect(told()).toEqual(['runner.throttled mail']);
  expect(mail.throttled?.shortage).toBe(
    'too many open files (EMFILE): raise the limit of open files (ulimit -n), or lower concurrency',
  );
});

test('tries for more get rarer, up to every 30 s', () => {
  entry('mail', 32, 1_000);
  capacity = 6;
  fill();
  const triesUntil = (ms: number) => {
    const before = refusals;
    vi.advanceTimersByTime(ms);
    return refusals - before;
  };
  expect([1_000, 2_000, 4_000, 8_000, 16_000].map(triesUntil)).toEqual([1, 1, 1, 1, 1]);
  expect(triesUntil(300_000)).toBe(10);
  expect(told()).toEqual(['runner.throttled mail']);
});

test('when there is enough again, all slots come back, and the end of the trouble is told once', () => {
  const mail = entry('mail', 32, 1_000);
  capacity = 6;
  fill();
  capacity = 100;
  vi.advanceTimersByTime(3_000);
  expect(count(mail)).toBe(32);
  expect(told()).toEqual(['runner.throttled mail']);
  vi.advanceTimersByTime(60_000);
  expect(told()).toEqual(['runner.throttled mail', 'runner.unthrottled mail']);
  expect([mail.ceiling, mail.throttled]).toEqual([null, null]);
  expect(vi.getTimerCount()).toBe(0);
});

test('an entry without any child gets half of what another one has, after its pause', () => {
  const first = entry('first', 4, 1_000);
  capacity = 4;
  fill();
  const second = entry('second', 4, 1_000);
  fill();
  expect([count(second), second.ceiling, first.ceiling]).toEqual([0, 0, 2]);
  for (let job = 0; job < 4; job += 1) end(first);
  expect([count(first), count(second)]).toEqual([2, 0]);
  vi.advanceTimersByTime(1_000);
  expect(count(second)).toBe(1);
});

test('several refused starts of an entry at once count once', () => {
  const first = entry('first', 8, 1_000);
  capacity = 8;
  fill();
  const second = entry('second', 4, 0);
  for (let start = 0; start < 4; start += 1) health.refused(second, 'EMFILE');
  expect(first.ceiling).toBe(4);
});

test('an entry with a backlog does not keep another from ever running', () => {
  const first = entry('first', 4, 1_000_000);
  const second = entry('second', 4, 1_000_000);
  capacity = 4;
  fill();
  let done = 0;
  for (let second_ = 0; second_ < 60; second_ += 1) {
    vi.advanceTimersByTime(1_000);
    for (const pool of [first, second]) {
      if (count(pool) === 0) continue;
      if (pool === second) done += 1;
      end(pool);
    }
  }
  expect(done).toBeGreaterThan(10);
  expect(told()).toEqual(['runner.throttled second', 'runner.throttled first']);
});

test('children that wait for jobs make room for an entry that has none', () => {
  const waiting = entry('waiting', 4, 4);
  idle.add(waiting);
  capacity = 4;
  fill();
  const busy = entry('busy', 1, 5);
  fill();
  expect([waiting.ceiling, count(waiting)]).toEqual([2, 2]);
  vi.advanceTimersByTime(1_000);
  expect(count(busy)).toBe(1);
});

test('an entry that nothing can be started for tries on, and runs when it can', () => {
  const mail = entry('mail', 2, 1_000);
  capacity = 0;
  fill();
  expect(mail.limit).toBe(0);
  vi.advanceTimersByTime(120_000);
  expect(refusals).toBeLessThan(10);
  capacity = 2;
  vi.advanceTimersByTime(60_000);
  expect(count(mail)).toBe(2);
  vi.advanceTimersByTime(60_000);
  expect(told()).toEqual(['runner.throttled mail', 'runner.unthrottled mail']);
});

test('a config that is read anew is tried at once', () => {
  const mail = entry('mail', 8, 1_000);
  capacity = 2;
  fill();
  capacity = 8;
  health.checkNow();
  expect([mail.ceiling, count(mail)]).toEqual([null, 8]);
  expect(told()).toEqual(['runner.throttled mail', 'runner.unthrottled mail']);
  expect(vi.getTimerCount()).toBe(0);
});
