import { expect, test } from 'vitest';
import { spoolMessages } from '../../src/messages/redis-faults.ts';

test.each([
  [3, 0, 'how 3 jobs ended is in /s/a.spool until Redis can be told'],
  [0, 1, 'at most 1 job that was taken but not started is in /s/a.spool until Redis can be told'],
  [0, 2, 'at most 2 jobs that were taken but not started are in /s/a.spool until Redis can be told'],
  [
    1,
    2,
    'how 1 job ended and at most 2 jobs that were taken but not started are in /s/a.spool until Redis can be told',
  ],
])('a file with the ends of %d jobs and %d jobs that never started says just that', (count, unrun, text) => {
  expect(spoolMessages({ type: 'outcomes.spooled', count, unrun, file: '/s/a.spool' }).text).toBe(text);
});

test.each([
  [3, 0, 'how 3 jobs ended is written now'],
  [0, 2, 'at most 2 jobs that were taken but not started are back on their queues'],
  [
    1,
    1,
    'how 1 job ended is written now, and at most 1 job that was taken but not started is back on its queue',
  ],
])('so does one that is read: %d ends, %d not started', (count, unrun, text) => {
  expect(spoolMessages({ type: 'outcomes.restored', peer: 'h:1', count, unrun }).text).toBe(
    `h:1 stopped while Redis was away; ${text}`,
  );
});
