import { expect, test } from 'vitest';
import { EventBus } from '../../../src/engine/events/event-bus.ts';
import { atEndOfTurn } from '../../../src/engine/events/event-loop-phases.ts';
import type { EngineEvent } from '../../../src/protocol/events.ts';
import { waitFor } from '../../helpers/wait-for.ts';

const fact = (runner: string) => ({ type: 'runner.removed', runner }) as const;

/** Runs it with the process' warnings caught. @returns them */
async function warningsOf(act: () => void, count: number): Promise<Error[]> {
  const warnings: Error[] = [];
  const others = process.listeners('warning');
  process.removeAllListeners('warning');
  process.on('warning', (warning) => warnings.push(warning));
  try {
    act();
    await waitFor(() => warnings.length >= count, { message: `${count} warnings` });
    return warnings;
  } finally {
    process.removeAllListeners('warning');
    for (const listener of others) process.on('warning', listener);
  }
}

test('facts are numbered from 1 and dated, whoever listens', () => {
  const bus = new EventBus();
  bus.publish(fact('a'));
  const heard: EngineEvent[] = [];
  const before = Date.now();
  bus.subscribe((event) => heard.push(event));
  bus.publish(fact('b'));
  bus.publish(fact('c'));
  bus.flush();
  expect(heard.map((event) => [event.seq, 'runner' in event && event.runner])).toEqual([
    [2, 'b'],
    [3, 'c'],
  ]);
  for (const { atMs } of heard) expect(atMs).toBeGreaterThanOrEqual(before);
});

test('a subscription ends when it is told to', () => {
  const bus = new EventBus();
  const heard: number[] = [];
  const end = bus.subscribe(({ seq }) => heard.push(seq));
  bus.publish(fact('a'));
  end();
  end();
  bus.publish(fact('b'));
  expect(heard).toEqual([1]);
});

test('nobody hears a fact before the jobs of this turn have been moved on, nor later than this turn', async () => {
  const bus = new EventBus();
  const order: string[] = [];
  bus.subscribe(() => order.push('told'));
  bus.publish(fact('a'));
  atEndOfTurn(() => {
    order.push('moved');
    atEndOfTurn(() => order.push('moved on'));
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(order).toEqual(['moved', 'moved on', 'told']);
});

test('a listener that throws harms neither who publishes nor who else listens, and its error is not lost', async () => {
  const bus = new EventBus();
  const heard: number[] = [];
  bus.subscribe(() => {
    throw new Error('listener');
  });
  bus.subscribe(({ seq }) => heard.push(seq));
  const errors = await warningsOf(() => {
    bus.publish(fact('a'));
    bus.publish(fact('b'));
  }, 2);
  expect(heard).toEqual([1, 2]);
  expect(errors.map(String)).toEqual(['Error: listener', 'Error: listener']);
});

test('every listener hears the facts in order, also where one of them causes the next', () => {
  const bus = new EventBus();
  const heard: number[] = [];
  bus.subscribe(({ seq }) => {
    if (seq === 1) bus.publish(fact('caused'));
  });
  bus.subscribe(({ seq }) => heard.push(seq));
  bus.publish(fact('cause'));
  expect(heard).toEqual([]);
  bus.flush();
  expect(heard).toEqual([1, 2]);
});
