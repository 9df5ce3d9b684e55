import { expect, test } from 'vitest';
import { readOwnWorkerId, readWorkerId } from '../../../src/resque/format/worker-id.ts';

test.each([
  ['web1:12:mail', 'web1', 12, 'web1:12', 'web1:12', 'mail', null],
  ['web1:12:high,*,!low', 'web1', 12, 'web1:12', 'web1:12', 'high,*,!low', null],
  ['web1.runner:12-3:a:b', 'web1.runner', 12, 'web1.runner:12', 'web1.runner:12-3', 'a:b', 'slot'],
  ['web1:12+3:mail', 'web1', 12, 'web1:12', 'web1:12+3', 'mail', 'number'],
  ['fe80::a:12:mail', 'fe80::a', 12, 'fe80::a:12', 'fe80::a:12', 'mail', null],
  ['web1:12:7:mail', 'web1', 12, 'web1:12', 'web1:12', '7:mail', null],
  ['web1:12', 'web1', 12, 'web1:12', 'web1:12', '', null],
  ['web1:12:', 'web1', 12, 'web1:12', 'web1:12', '', null],
  ['web1:12:two\nlines', 'web1', 12, 'web1:12', 'web1:12', 'two\nlines', null],
  ['web1:main:a:b', 'web1', null, 'web1:main', 'web1:main', 'a:b', null],
  ['workerA:mail', 'workerA', null, 'workerA', 'workerA', 'mail', null],
  ['workerA', 'workerA', null, 'workerA', 'workerA', '', null],
  ['', '', null, '', '', '', null],
  [':', '', null, '', '', '', null],
])('%j', (id, host, pid, process, name, queues, part) => {
  expect(readWorkerId(id)).toEqual({ host, pid, process, name, queues, part });
});

test.each([
  ['web1.runner:12-3:a:b', true],
  ['web1:12:mail', false],
  ['web1:12+3:mail', false],
  ['web1.runner:12-3:', false],
  ['web1.runner:12-3', false],
])('%j has the shape of our ids: %s', (id, isOwn) => {
  expect(readOwnWorkerId(id) !== null).toBe(isOwn);
});
