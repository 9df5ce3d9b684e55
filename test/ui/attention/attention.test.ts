/** When trouble rings the bell, and what the title says. */
import { describe, expect, test } from 'vitest';
import type { Snapshot } from '../../../src/protocol/snapshot.ts';
import { emptySnapshot } from '../../../src/store/reduce.ts';
import { Attention } from '../../../src/ui/attention/attention.ts';
import { TroubleWatch } from '../../../src/ui/attention/troubles.ts';
import { queueState } from '../states.ts';

const engine = {
  ...{ version: '1.0.0', pid: 7, workerHost: 'a', namespace: 'resque', redis: 'redis://a', startedAtMs: 0 },
  ...{ stopping: null, isStopped: false },
};
const redis = { state: 'up' as const, sinceMs: 0, serverVersion: '7.0.0', reason: null };
const model = (failed: number, rest: Partial<Snapshot> = {}): Snapshot => ({
  ...{ ...emptySnapshot, engine, redis, totals: { processed: failed, failed, unwritten: 0 } },
  ...rest,
});
const down: Partial<Snapshot> = {
  redis: { ...redis, state: 'down', reason: '\u0007\u001B]0;owned\u0007 connection refused' },
};
const stuck = (...names: string[]): Partial<Snapshot> => ({
  queues: names.map((name) => ({
    ...queueState(name),
    pauses: [{ kind: 'unstartable' as const, detail: '\u0007', sinceMs: 0 }],
  })),
});

describe('a burst', () => {
  /** Whether there is a burst after each second, with this many failures in it. */
  function bursts(perSecond: readonly number[]): boolean[] {
    const watch = new TroubleWatch();
    let failed = 100;
    watch.look(model(failed), 0);
    return perSecond.map((count, at) => {
      failed += count;
      return watch.look(model(failed), (at + 1) * 1_000).isBursting;
    });
  }

  test('is five failures within ten seconds, and ends after them', () => {
    const seen = bursts([1, 1, 1, 1, 1, ...Array<number>(20).fill(0)]);
    expect(seen.slice(0, 5)).toEqual([false, false, false, false, true]);
    expect(seen.at(-1)).toBe(false);
  });

  test('is not a few failures, however long they go on', () => {
    expect(bursts(Array.from({ length: 300 }, (_, at) => (at % 3 === 0 ? 1 : 0))).includes(true)).toBe(false);
  });

  test('becomes usual if it goes on, and many more failures are a burst again', () => {
    const seen = bursts([...Array<number>(200).fill(2), 60]);
    expect(seen[20]).toBe(true);
    expect(seen.slice(150, 200).includes(true)).toBe(false);
    expect(seen[200]).toBe(true);
  });

  test('begins and ends once', () => {
    const seen = bursts([...Array<number>(60).fill(3), ...Array<number>(60).fill(0)]);
    expect(seen.filter((is, at) => is && !(seen[at - 1] ?? false))).toHaveLength(1);
  });

  test('is not what failed before the screen was opened, or before another engine came', () => {
    const watch = new TroubleWatch();
    expect(watch.look(emptySnapshot, 0).isBursting).toBe(false);
    expect(watch.look(model(500), 1_000).isBursting).toBe(false);
    expect(watch.look(model(900, { engine: { ...engine, pid: 8 } }), 2_000).isBursting).toBe(false);
    expect(watch.look(model(905, { engine: { ...engine, pid: 8 } }), 3_000).isBursting).toBe(true);
  });
});

describe('the terminal', () => {
  function terminal(hasTitle = true) {
    let written = '';
    const attention = new Attention({ hasTitle, write: (text) => (written += text) });
    return {
      attention,
      look: (state: Snapshot, atSeconds: number, isOn = true) => {
        written = '';
        attention.look(state, isOn, atSeconds * 1_000);
        return written;
      },
    };
  }
  const title = (text: string) => `\u001B]0;${text}\u001B\\`;
  const ownTitle = `${title('resque-runner')}\u001B[23;0t\u001B[22;0t`;

  test('rings once, has the trouble in its title, and gets its own title back', () => {
    const { look } = terminal();
    expect(look(model(0), 0)).toBe('');
    expect(look(model(0, down), 1)).toBe(`\u0007${title('✗ resque-runner: Redis is down')}`);
    expect(look(model(0, down), 2)).toBe('');
    expect(look(model(0), 3)).toBe(ownTitle);
    expect(look(model(0), 4)).toBe('');
  });

  test('rings again for other trouble, but not more often than every 30 s', () => {
    const { look } = terminal();
    expect(look(model(0, stuck('mail')), 0)).toBe(`\u0007${title("✗ resque-runner: a queue can't start")}`);
    expect(look(model(0, stuck('mail', 'low')), 10)).toBe(title("✗ resque-runner: 2 queues can't start"));
    expect(look(model(0, stuck('mail')), 20)).toBe(title("✗ resque-runner: a queue can't start"));
    expect(look(model(0, { ...stuck('mail'), ...down }), 40)).toBe(
      `\u0007${title('✗ resque-runner: Redis is down')}`,
    );
    expect(look(model(0, stuck('mail')), 41)).toBe(title("✗ resque-runner: a queue can't start"));
  });

  test('stays silent if the bell is off; turning it off gives the title back', () => {
    const { look } = terminal();
    expect(look(model(0, down), 0, false)).toBe('');
    expect(look(model(0, down), 1, true)).toBe(title('✗ resque-runner: Redis is down'));
    expect(look(model(0, down), 2, false)).toBe(ownTitle);
  });

  test('gets the title again after a suspension', () => {
    const { look, attention } = terminal();
    look(model(0, down), 0);
    attention.forget();
    expect(look(model(0, down), 1)).toBe(title('✗ resque-runner: Redis is down'));
  });

  test('only rings if it has no title', () => {
    expect(terminal(false).look(model(0, down), 0)).toBe('\u0007');
  });
});
