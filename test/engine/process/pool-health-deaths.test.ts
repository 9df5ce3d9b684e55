/** Pauses after waiting children that end by themselves, with a fake clock. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Pool } from '../../../src/engine/pools/pool.ts';
import { PoolHealth } from '../../../src/engine/process/pool-health.ts';
import type { EngineFact } from '../../../src/protocol/events.ts';
import { runnerDefaults } from '../../helpers/runner-config.ts';

let facts: EngineFact[] = [];
let overs = 0;
let health: PoolHealth;

beforeEach(() => {
  vi.useFakeTimers();
  facts = [];
  overs = 0;
  const ignore = () => {};
  health = new PoolHealth({
    router: { pools: [], setCondition: ignore },
    publish: (fact) => facts.push(fact),
    childrenOf: () => 0,
    giveBackFiles: () => false,
    onMore: () => {
      overs += 1;
    },
  });
});

afterEach(() => {
  health.stop();
  vi.useRealTimers();
});

function newPool(key = 'mail'): Pool {
  return new Pool({ ...runnerDefaults, key }, (index, name) => `h:1-${index}:${name}`);
}

interface Life {
  readonly livedMs?: number;
  readonly lastWords?: string;
}

/** Reports that a child of the pool has just ended. */
function die(pool: Pool, { livedMs = 0, lastWords = '' }: Life = {}): void {
  health.died(pool, {
    child: { config: pool.config, startedAtMs: performance.now() - livedMs, lastWords },
    exit: { exitCode: 3, signal: null },
  });
}

function pausesMs(): number[] {
  return facts.flatMap((fact) => (fact.type === 'runner.throttled' ? [fact.throttled.pauseMs] : []));
}

const types = () => facts.map(({ type }) => type);

test('the end of a child is published with its exit and its last words', () => {
  const pool = newPool();
  const sinceMs = Date.now();
  die(pool, { lastWords: 'no database' });
  const throttled = {
    exitCode: 3,
    signal: null,
    lastWords: 'no database',
    shortage: null,
    pauseMs: 1_000,
    sinceMs,
  };
  expect(facts).toEqual([{ type: 'runner.throttled', runner: 'mail', throttled }]);
  expect(pool.throttled).toEqual(throttled);
});

test('no child may start until the pause is over, which is then reported', () => {
  const pool = newPool();
  die(pool);
  vi.advanceTimersByTime(999);
  expect([health.isDying(pool), overs]).toEqual([true, 0]);
  vi.advanceTimersByTime(1);
  expect([health.isDying(pool), overs]).toEqual([false, 1]);
});

test('pauses double up to 30 s, and the throttling counts from the first one', () => {
  const pool = newPool();
  const sinceMs = Date.now();
  for (const pauseMs of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
    die(pool);
    expect(pausesMs().at(-1)).toBe(pauseMs);
    expect(pool.throttled?.sinceMs).toBe(sinceMs);
    vi.advanceTimersByTime(pauseMs - 1);
    expect(health.isDying(pool)).toBe(true);
    vi.advanceTimersByTime(1);
    expect(health.isDying(pool)).toBe(false);
  }
  expect(types()).not.toContain('runner.unthrottled');
});

test('children of several slots that end together count once', () => {
  const pool = newPool();
  for (let slot = 0; slot < 4; slot += 1) die(pool);
  expect(pausesMs()).toEqual([1_000]);
  vi.advanceTimersByTime(1_000);
  for (let slot = 0; slot < 4; slot += 1) die(pool);
  expect(pausesMs()).toEqual([1_000, 2_000]);
});

test('a child that has lived for more than 10 s starts a new series', () => {
  const pool = newPool();
  for (const pauseMs of [1_000, 2_000]) {
    die(pool);
    vi.advanceTimersByTime(pauseMs);
  }
  die(pool, { livedMs: 10_001 });
  expect(pausesMs()).toEqual([1_000, 2_000, 1_000]);
});

test('the throttling ends after the pause and 10 s more without another end', () => {
  const pool = newPool();
  die(pool);
  vi.advanceTimersByTime(10_999);
  expect(types()).toEqual(['runner.throttled']);
  vi.advanceTimersByTime(1);
  expect(facts.at(-1)).toEqual({ type: 'runner.unthrottled', runner: 'mail' });
  expect(pool.throttled).toBeNull();
  die(pool);
  expect(pausesMs()).toEqual([1_000, 1_000]);
});

test('another end in those 10 s restarts them', () => {
  const pool = newPool();
  die(pool);
  vi.advanceTimersByTime(10_999);
  die(pool);
  vi.advanceTimersByTime(11_999);
  expect(types()).toEqual(['runner.throttled', 'runner.throttled']);
  vi.advanceTimersByTime(1);
  expect(types().at(-1)).toBe('runner.unthrottled');
});

test('a child that runs a job ends the throttling, but not the pause', () => {
  const pool = newPool();
  die(pool);
  health.served(pool);
  expect([types(), health.isDying(pool)]).toEqual([['runner.throttled'], true]);
  vi.advanceTimersByTime(1_000);
  health.served(pool);
  health.served(pool);
  expect(types()).toEqual(['runner.throttled', 'runner.unthrottled']);
  vi.advanceTimersByTime(60_000);
  expect([types().length, overs]).toEqual([2, 1]);
});

test('pools are independent of each other', () => {
  const [mail, news] = [newPool('mail'), newPool('news')];
  die(mail);
  expect([health.isDying(mail), health.isDying(news)]).toEqual([true, false]);
  health.served(news);
  vi.advanceTimersByTime(1_000);
  die(news);
  health.served(mail);
  expect(facts.map((fact) => [fact.type, 'runner' in fact ? fact.runner : null])).toEqual([
    ['runner.throttled', 'mail'],
    ['runner.throttled', 'news'],
    ['runner.unthrottled', 'mail'],
  ]);
  expect(news.throttled).not.toBeNull();
});

test('a new config ends the throttling immediately, and so does the removal of the pool', () => {
  const [same, changed, retired] = [newPool('same'), newPool('changed'), newPool('retired')];
  for (const pool of [same, changed, retired]) die(pool);
  changed.config = { ...changed.config };
  retired.isRemoved = true;
  health.reviewDeaths();
  expect([same, changed, retired].map((pool) => health.isDying(pool))).toEqual([true, false, false]);
  expect(facts.slice(3)).toEqual([
    { type: 'runner.unthrottled', runner: 'changed' },
    { type: 'runner.unthrottled', runner: 'retired' },
  ]);
  expect(changed.throttled).toBeNull();
  vi.advanceTimersByTime(1_000);
  expect(overs).toBe(1);
});

test('a stop leaves no timer', () => {
  die(newPool());
  const other = newPool('other');
  die(other);
  vi.advanceTimersByTime(500);
  health.stop();
  expect(vi.getTimerCount()).toBe(0);
});
