/** The order of what happens at the end of a turn of the event loop. */
import { expect, test } from 'vitest';
import { afterTurn, atEndOfTurn } from '../../../src/engine/events/event-loop-phases.ts';

test('what a settled promise asks for happens in the same turn, before anything is reported', async () => {
  const done: string[] = [];
  await new Promise<void>((resolve) => {
    afterTurn(() => {
      done.push('report');
      resolve();
    });
    atEndOfTurn(() => {
      done.push('result');
      setImmediate(() => done.push('next turn'));
      void Promise.resolve()
        .then(() => done.push('job'))
        .then(() => atEndOfTurn(() => done.push('step')));
    });
  });
  expect(done).toEqual(['result', 'job', 'step', 'report']);
});

test('an act that throws keeps none of the others from their turn', async () => {
  const thrown = new Promise((resolve) => process.setUncaughtExceptionCaptureCallback(resolve));
  try {
    const others = new Promise<void>((resolve) => {
      atEndOfTurn(() => {
        throw new Error('of a test');
      });
      atEndOfTurn(resolve);
    });
    const told = new Promise<void>((resolve) => afterTurn(resolve));
    await Promise.all([others, told]);
    expect(String(await thrown)).toContain('of a test');
  } finally {
    process.setUncaughtExceptionCaptureCallback(null);
  }
});
