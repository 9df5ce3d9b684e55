import { expect, test } from 'vitest';
import { wordingOf } from '../../src/messages/events.ts';

test.each([
  [3, 0, 'saved 3 outcomes to /s/a.spool until Redis is back'],
  [0, 1, 'saved up to 1 job that was taken but not started to /s/a.spool until Redis is back'],
  [0, 2, 'saved up to 2 jobs that were taken but not started to /s/a.spool until Redis is back'],
  [
    1,
    2,
    'saved 1 outcome and up to 2 jobs that were taken but not started to /s/a.spool until Redis is back',
  ],
])('a saved file with %d outcomes and %d jobs that never started says so', (count, unrun, text) => {
  expect(wordingOf({ type: 'outcomes.spooled', count, unrun, file: '/s/a.spool' }, null)?.text).toBe(text);
});

test.each([
  [3, 0, '3 outcomes are recorded now'],
  [0, 2, 'up to 2 jobs that were taken but not started are back on their queues'],
  [1, 1, '1 outcome is recorded now, and up to 1 job that was taken but not started is back on its queue'],
])('so does a restored file with %d outcomes and %d jobs that never started', (count, unrun, text) => {
  expect(wordingOf({ type: 'outcomes.restored', peer: 'h:1', count, unrun }, null)?.text).toBe(
    `h:1 stopped while Redis was away; ${text}`,
  );
});
