/** Verdicts by what the engine has done and told so far, at a clock that the test moves. */
import { beforeEach, expect, test } from 'vitest';
import { Health, stuckMs, type WatchedEngine } from '../../../src/monitoring/health/health.ts';
import type { EngineEvent, EngineFact } from '../../../src/protocol/events.ts';
import type { Progress } from '../../../src/resque/steps/client.ts';
import { MovableClock } from '../../helpers/movable-clock.ts';

const healthy = { ok: true };
const up: EngineFact = { type: 'redis.up', serverVersion: '7.0.15', awayMs: null };

class FakeEngine implements WatchedEngine {
  progress: Progress = { isOpen: true, isUp: true, redis: 0, stepsUnderWay: 0, stepsEnded: 0 };
  #listener: (event: EngineEvent) => void = () => {};

  subscribe(listener: (event: EngineEvent) => void): () => void {
    this.#listener = listener;
    return () => {};
  }

  tell(fact: EngineFact): void {
    this.#listener({ ...fact, seq: 1, atMs: 0 });
  }
}

let engine = new FakeEngine();
let clock = new MovableClock();
let health = new Health(engine, clock);

beforeEach(() => {
  engine = new FakeEngine();
  clock = new MovableClock();
  health = new Health(engine, clock);
  return () => health.close();
});

/** Lets time pass. @param change what the engine does in each part of it */
function pass(ms: number, change: (progress: Progress) => Partial<Progress>): void {
  for (let passed = 0; passed < ms; passed += 5_000) {
    engine.progress = { ...engine.progress, ...change(engine.progress) };
    clock.move(5_000);
  }
}

const answers = ({ redis }: Progress) => ({ redis: redis + 1 });

test('a runner is ready from the first contact with Redis, not during an outage, and never again once it stops', () => {
  expect(health.readyz()).toEqual({ ok: false, reasons: ['not connected to Redis yet'] });
  engine.tell({ type: 'redis.down', reason: 'connect ECONNREFUSED 127.0.0.1:1' });
  const never = 'not connected to Redis yet: connect ECONNREFUSED 127.0.0.1:1';
  expect(health.readyz()).toEqual({ ok: false, reasons: [never] });
  engine.tell(up);
  expect(health.readyz()).toEqual(healthy);
  engine.tell({ type: 'redis.down', reason: 'no answer within 10 s' });
  expect(health.readyz()).toEqual({ ok: false, reasons: ['Redis is not usable: no answer within 10 s'] });
  engine.tell({ ...up, awayMs: 900 });
  expect(health.readyz()).toEqual(healthy);
  engine.tell({ type: 'engine.stopping', mode: 'quit', running: 1 });
  expect(health.readyz()).toEqual({ ok: false, reasons: ['the runner is stopping'] });
  // The runner closes its connections in the end.
  engine.tell({ type: 'redis.down', reason: 'the connection was closed' });
  expect(health.readyz()).toEqual({ ok: false, reasons: ['the runner is stopping'] });
  expect(health.livez()).toEqual(healthy);
});

test('an outage of any length is not a reason to restart the runner: it goes on trying', () => {
  engine.tell({ type: 'redis.down', reason: 'connect ECONNREFUSED' });
  pass(3_600_000, ({ redis }) => ({ isUp: false, redis: redis + 1 }));
  expect(health.livez()).toEqual(healthy);
});

test('a runner that gets neither replies nor errors and does not try to connect is stuck, until it goes on', () => {
  pass(stuckMs, () => ({}));
  expect(health.livez()).toMatchObject({
    reasons: [expect.stringMatching(/^stuck: .*Redis.* 1 min 30 s/)],
  });
  pass(5_000, answers);
  expect(health.livez()).toEqual(healthy);
  pass(stuckMs - 5_000, () => ({}));
  expect(health.livez()).toEqual(healthy);
});

test('a step that neither ends nor fails is stuck if Redis answers meanwhile', () => {
  pass(stuckMs, (progress) => ({ ...answers(progress), stepsUnderWay: 1 }));
  expect(health.livez()).toMatchObject({ reasons: [expect.stringMatching(/^stuck: no step/)] });
  pass(5_000, (progress) => ({ ...answers(progress), stepsUnderWay: 0, stepsEnded: 1 }));
  expect(health.livez()).toEqual(healthy);
});

test('steps under way at each look are different ones if some have ended', () => {
  pass(2 * stuckMs, (progress) => ({
    ...answers(progress),
    ...{ stepsUnderWay: 1, stepsEnded: progress.stepsEnded + 1 },
  }));
  expect(health.livez()).toEqual(healthy);
});

test('a step waits for the end of an outage, and a runner that has closed its connections needs no reply', () => {
  pass(2 * stuckMs, (progress) => ({ ...answers(progress), isUp: false, stepsUnderWay: 1 }));
  expect(health.livez()).toEqual(healthy);
  pass(2 * stuckMs, () => ({ isOpen: false, stepsUnderWay: 0 }));
  expect(health.livez()).toEqual(healthy);
});

test('a process that was stopped, or whose machine slept, is not stuck', () => {
  pass(20_000, answers);
  clock.move(3_600_000);
  expect(health.livez()).toEqual(healthy);
});
