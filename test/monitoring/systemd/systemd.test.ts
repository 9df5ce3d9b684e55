/** What systemd hears of a runner, and when, at a clock that the test moves. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { Verdict } from '../../../src/monitoring/health/health.ts';
import { type NotifyingEngine, Systemd } from '../../../src/monitoring/systemd/systemd.ts';
import type { EngineEvent, EngineFact, ShutdownMode } from '../../../src/protocol/events.ts';
import { MovableClock } from '../../helpers/movable-clock.ts';

const up: EngineFact = { type: 'redis.up', serverVersion: '7.0.15', awayMs: null };
const healthy: Verdict = { ok: true };

class FakeRunner implements NotifyingEngine {
  slots = { busy: 0, all: 24 };
  stopLimitMs = 27_000;
  alive: Verdict = healthy;
  ready: Verdict = { ok: false, reasons: ['not connected to Redis yet'] };
  readonly sent: string[] = [];
  readonly told: string[] = [];
  readonly clock = new MovableClock();
  #listener: (event: EngineEvent) => void = () => {};

  subscribe(listener: (event: EngineEvent) => void): () => void {
    this.#listener = listener;
    return () => {};
  }

  notify(env: NodeJS.ProcessEnv = {}, isCheap = true): Systemd {
    return new Systemd({
      ...{ env, pid: 4711, engine: this, clock: this.clock },
      health: { livez: () => this.alive, readyz: () => this.ready },
      notifier: { isCheap, send: (text) => this.sent.push(text), close: () => Promise.resolve() },
      tell: (message) => this.told.push(message),
    });
  }

  tell(fact: EngineFact): void {
    this.#listener({ ...fact, seq: 1, atMs: 0 });
  }

  connect(): void {
    this.ready = healthy;
    this.tell(up);
  }

  finish(outcome: 'succeeded' | 'failed' | 'retried' | 'requeued', count = 1): void {
    const about = { jobId: '1', queue: 'mail', jobClass: 'A', durationMs: 1, exitCode: 0, signal: null };
    for (let left = count; left > 0; left -= 1)
      this.tell({ type: 'job.finished', ...about, outcome, failure: null });
  }

  stop(mode: ShutdownMode): void {
    this.tell({ type: 'engine.stopping', mode, running: this.slots.busy });
  }

  /** @returns what was sent during this time */
  pass(seconds: number): string[] {
    const from = this.sent.length;
    for (let passed = 0; passed < seconds; passed += 1) this.clock.move(1_000);
    return this.sent.slice(from);
  }
}

let runner = new FakeRunner();
let systemd: Systemd | null = null;

beforeEach(() => {
  runner = new FakeRunner();
  return async () => {
    await systemd?.close();
    systemd = null;
  };
});

test('the service is ready after the first contact with Redis, not before, and says why not', () => {
  systemd = runner.notify();
  expect(runner.sent).toEqual(['STATUS=not connected to Redis yet']);
  runner.ready = { ok: false, reasons: ['not connected to Redis yet: ECONNREFUSED'] };
  systemd.reloading();
  systemd.reloaded();
  expect(runner.pass(60)).toEqual(['STATUS=not connected to Redis yet: ECONNREFUSED']);
  runner.connect();
  expect(runner.sent.slice(2)).toEqual(['READY=1\nSTATUS=0/24 slots, 0 failed', 'WATCHDOG=1']);
  runner.connect();
  expect(runner.sent).toHaveLength(4);
});

test('a reload is told with the time of its start, and its end', () => {
  systemd = runner.notify();
  runner.connect();
  const from = runner.sent.length;
  const before = process.hrtime.bigint() / 1_000n;
  systemd.reloading();
  systemd.reloaded();
  const [reloading = '', ready] = runner.sent.slice(from);
  const [, microseconds = '0'] = /^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(reloading) ?? [];
  expect(BigInt(microseconds)).toBeGreaterThanOrEqual(before);
  expect(BigInt(microseconds)).toBeLessThanOrEqual(process.hrtime.bigint() / 1_000n);
  expect(ready).toBe('READY=1');
});

describe('the status', () => {
  test('has slots in use and failures, at most every five seconds', () => {
    systemd = runner.notify();
    runner.connect();
    expect(runner.pass(60)).toEqual([]);
    runner.slots = { busy: 12, all: 24 };
    runner.finish('succeeded', 249);
    runner.finish('failed', 2);
    runner.finish('retried');
    runner.finish('requeued', 5);
    expect(runner.pass(4)).toEqual([]);
    expect(runner.pass(1)).toEqual(['STATUS=12/24 slots, 3 failed']);
    runner.finish('succeeded', 9_000);
    expect(runner.pass(90)).toEqual([]);
    runner.ready = { ok: false, reasons: ['Redis is not usable: no answer within 10 s'] };
    expect(runner.pass(5)).toEqual(['STATUS=Redis is not usable: no answer within 10 s']);
  });

  test('is rarer if each notification is a process', () => {
    systemd = runner.notify({}, false);
    runner.connect();
    runner.finish('failed', 60);
    expect(runner.pass(29)).toEqual([]);
    expect(runner.pass(1)).toEqual(['STATUS=0/24 slots, 60 failed']);
  });
});

describe('the watchdog', () => {
  test.each([
    ['this process', { WATCHDOG_PID: '4711' }],
    ['no process in particular', {}],
  ])('hears of %s twice within its time', (_, whose) => {
    systemd = runner.notify({ WATCHDOG_USEC: '20000000', ...whose });
    expect(runner.pass(40).filter((text) => text === 'WATCHDOG=1')).toHaveLength(4);
  });

  test.each([
    ['is for another process', { WATCHDOG_USEC: '20000000', WATCHDOG_PID: '4712' }],
    ['is off', { WATCHDOG_USEC: '0' }],
    ['has no readable time', { WATCHDOG_USEC: 'soon' }],
  ])('hears nothing if it %s', (_, env) => {
    systemd = runner.notify(env);
    expect(runner.pass(100)).toEqual([]);
  });

  test('hears nothing while the runner is not alive, which is told once', () => {
    systemd = runner.notify({ WATCHDOG_USEC: '20000000' });
    runner.connect();
    runner.alive = { ok: false, reasons: ['stuck: so'] };
    expect(runner.pass(60)).toEqual([]);
    expect(runner.told).toEqual(["the runner no longer notifies systemd's watchdog: stuck: so"]);
    runner.alive = healthy;
    expect(runner.pass(10)).toEqual(['WATCHDOG=1']);
  });
});

describe('a stop', () => {
  const extension = /^EXTEND_TIMEOUT_USEC=(\d+)$/;

  test('is told once, and asks for time until its timetable is over', () => {
    systemd = runner.notify();
    runner.connect();
    runner.slots = { busy: 3, all: 24 };
    const from = runner.sent.length;
    runner.stop('terminate');
    const [stopping, first = ''] = runner.sent.slice(from);
    expect(stopping).toBe('STOPPING=1\nSTATUS=stopping: 3 jobs are running');
    expect(Number(extension.exec(first)?.[1])).toBeCloseTo(27_000_000, -6);
    runner.slots = { busy: 1, all: 24 };
    const later = runner.pass(60);
    expect(later.filter((text) => !extension.test(text))).toEqual(['STATUS=stopping: 1 job is running']);
    // At 10 and 20 s, never beyond 27 s.
    const seconds = later.flatMap((text) => {
      const [, microseconds] = extension.exec(text) ?? [];
      return microseconds === undefined ? [] : [Math.round(Number(microseconds) / 1_000_000)];
    });
    expect(seconds).toEqual([17, 7]);
    runner.stop('kill');
    expect(runner.sent.filter((text) => text.startsWith('STOPPING'))).toHaveLength(1);
  });

  test('that waits for its jobs asks for time as long as it takes, while the runner is alive', () => {
    systemd = runner.notify();
    runner.connect();
    runner.slots = { busy: 1, all: 24 };
    runner.stop('quit');
    expect(runner.pass(3_600).filter((text) => text === 'EXTEND_TIMEOUT_USEC=30000000')).toHaveLength(360);
    runner.alive = { ok: false, reasons: ['stuck'] };
    expect(runner.pass(60)).toEqual([]);
    expect(systemd.reloading()).toBeUndefined();
    expect(runner.pass(1)).toEqual([]);
  });

  test('before the first contact never becomes ready', () => {
    systemd = runner.notify();
    runner.stop('terminate');
    runner.connect();
    expect(runner.sent.filter((text) => text.startsWith('READY'))).toEqual([]);
  });
});
