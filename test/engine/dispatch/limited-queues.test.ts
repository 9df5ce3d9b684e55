/** Which runner is woken for a share that becomes free, and what it owes to the others. */
import { expect, test, vi } from 'vitest';
import { LimitedQueues } from '../../../src/engine/dispatch/limited-queues.ts';
import type { Pool } from '../../../src/engine/pools/pool.ts';
import { QueueRouter } from '../../../src/engine/pools/queue-router.ts';
import type { ResqueClient } from '../../../src/resque/steps/client.ts';
import type { LimitedQueue, Reservation, StepReply } from '../../../src/resque/steps/step.ts';
import { MovableClock } from '../../helpers/movable-clock.ts';
import { runnerDefaults } from '../../helpers/runner-config.ts';
import { waitFor } from '../../helpers/wait-for.ts';

/** Limited queues `a` and `b` of one entry, with waits that the test ends. */
class Stage {
  readonly ends = new Map<string, (isWoken: boolean) => void>();
  readonly passed: string[] = [];
  readonly router = new QueueRouter(() => {}, 'h:1');
  readonly queues: LimitedQueues;
  readonly pool: Pool;
  readonly clock = new MovableClock();
  asks = 0;

  constructor() {
    const config = { ...runnerDefaults, key: 'a,b', concurrency: 1, limit: 1 };
    this.router.configure([config]);
    this.pool = this.router.pools[0] as Pool;
    const wait = (queue: string) => new Promise<boolean>((resolve) => this.ends.set(queue, resolve));
    const waits = {
      ...{ forShare: wait, untilFilled: wait },
      passShareOn: async (queue: string) => void this.passed.push(queue),
      endLimited: async (queue: string) => {
        this.end(queue, false);
        return true;
      },
    };
    const client = { waits, clock: this.clock, session: { fail: vi.fn() } };
    this.queues = new LimitedQueues(client as unknown as ResqueClient, this.router, () => {
      this.asks += 1;
    });
  }

  end(queue: string, isWoken: boolean): void {
    this.ends.get(queue)?.(isWoken);
    this.ends.delete(queue);
  }

  /** A step with one worker. @param takenFrom the queue that gave it a job */
  answer(takenFrom: string | null, ...limited: LimitedQueue[]): void {
    const queues = this.queues.open(this.pool);
    const workers = ['w'];
    const reservation: Reservation = { queues, workers, limits: this.pool.config };
    const payload = Buffer.from('{}');
    const job = { reservation: 0, worker: 'w', payload, isEmbedded: true, attempt: '' };
    const reply: StepReply = {
      ...{ jobs: takenFrom === null ? [] : [{ ...job, queue: takenFrom }], unsent: [], limited },
      ...{ filled: [takenFrom === null ? 0 : 1], attempts: new Map(), refusedDelays: 0 },
      ...{ countRefusal: null, unreadable: [] },
    };
    this.queues.answered([reservation], reply);
    this.queues.update(true);
  }

  async wake(queue: string): Promise<void> {
    const before = this.asks;
    this.end(queue, true);
    await waitFor(() => this.asks > before, { message: 'the wait is over' });
  }
}

function bothFull(): Stage {
  const stage = new Stage();
  stage.answer(null, { queue: 'a', waitMs: null }, { queue: 'b', waitMs: null });
  expect([...stage.ends.keys()]).toEqual(['a', 'b']);
  expect(stage.queues.open(stage.pool)).toEqual([]);
  return stage;
}

test('a share that the runner takes a job for wakes no other', async () => {
  const stage = bothFull();
  await stage.wake('b');
  expect(stage.queues.open(stage.pool)).toEqual(['b']);
  stage.answer('b');
  expect(stage.passed).toEqual([]);
});

test('a share that others took first wakes no other', async () => {
  const stage = bothFull();
  await stage.wake('b');
  stage.answer(null, { queue: 'b', waitMs: null });
  expect(stage.passed).toEqual([]);
  expect(stage.ends.has('b')).toBe(true);
});

test('if the slot goes to a job of another queue, the next runner is woken for the share', async () => {
  const stage = bothFull();
  await stage.wake('b');
  await stage.wake('a');
  stage.answer('a');
  expect(stage.passed).toEqual(['b']);
  expect(stage.queues.open(stage.pool)).toContain('b');
});

test.each([
  ['its queue is empty', []],
  ['it is too soon for a job', [{ queue: 'b', waitMs: 5_000 }]],
])('the next runner is woken if %s', async (_, limited) => {
  const stage = bothFull();
  await stage.wake('b');
  stage.answer(null, ...limited);
  expect(stage.passed).toEqual(['b']);
  expect(stage.queues.open(stage.pool)).toEqual([]);
});

test('a runner that is woken in the instant of a pause wakes the next one, once', async () => {
  const stage = bothFull();
  stage.router.pause('queue:b', '');
  await stage.wake('b');
  expect(stage.passed).toEqual(['b']);
  expect(stage.queues.open(stage.pool)).toEqual([]);
  stage.router.setByHand('queue:b', null);
  expect(stage.queues.open(stage.pool)).toContain('b');
  stage.answer(null);
  expect(stage.passed).toEqual(['b']);
});

test('a runner that stops has neither waits nor timers', async () => {
  const stage = bothFull();
  await stage.wake('b');
  stage.answer(null, { queue: 'b', waitMs: 5_000 });
  stage.queues.update(false);
  await waitFor(() => !stage.queues.isActive, { message: 'no wait is left' });
  expect(stage.ends.size).toBe(0);
  const before = stage.asks;
  stage.clock.move(20_000);
  expect(stage.asks).toBe(before);
  expect(stage.queues.open(stage.pool)).toEqual(['a', 'b']);
});

test('a queue whose answer came after a reload is asked for with the new limits', () => {
  const stage = new Stage();
  const queues = stage.queues.open(stage.pool);
  const limits = stage.pool.config;
  stage.router.configure([{ ...limits, limit: 2 }]);
  const reply = { jobs: [], unsent: [], limited: queues.map((queue) => ({ queue, waitMs: null })) };
  stage.queues.answered([{ queues, workers: ['w'], limits }], reply as unknown as StepReply);
  expect(stage.queues.open(stage.pool)).toEqual(['a', 'b']);
});
