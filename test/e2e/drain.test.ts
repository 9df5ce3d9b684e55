/** `--drain`: exits with 0 when every watched queue is empty and idle. */
import { expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';

const e2e = useEndToEnd();
const drain = { args: ['--drain'] };
const clean = { code: 0, signal: undefined };

test('a runner with empty queues exits immediately', async () => {
  const runner = await e2e.run({ runners: { mail: 2, video: 1 }, script: '/bin/true' }, drain);
  expect(await runner.waitForExit()).toEqual(clean);
  expect(runner.all('job.started')).toEqual([]);
  expect(runner.all('engine.stopped')).toHaveLength(1);
  expect(await runner.waitForLine('engine.stopping')).toMatchObject({ mode: 'drained' });
});

test('every job of every queue runs, including slow ones', async () => {
  const script = e2e.script('case $(cat) in *slow*) sleep 0.5;; *bad*) exit 1;; esac; exit 0');
  await e2e.enqueue('mail', ...Array.from({ length: 40 }, (_, n) => ({ class: 'Job', args: [n] })));
  await e2e.enqueue('video', { class: 'Job', args: ['slow'] }, { class: 'Job', args: ['bad'] }, 'not JSON');
  const runner = await e2e.run({ runners: { mail: 3, video: 1, none: 1 }, script }, drain);
  expect(await runner.waitForExit()).toEqual(clean);
  expect(await e2e.stat('processed')).toBe(43);
  expect(await e2e.stat('failed')).toBe(2);
  await e2e.failures(2);
});

test('jobs that a running job enqueues run too', async () => {
  const script = e2e.script(
    `const { appendFileSync, readFileSync } = require('node:fs');
    const queue = process.argv[2];
    const n = JSON.parse(readFileSync(0, 'utf8')).args[0];
    appendFileSync('ran', queue + ' ' + n + '\\n');
    if (n === 0) process.exit(0);
    const next = queue === 'ping' ? 'pong' : 'ping';
    const words = ['RPUSH', 'resque:queue:' + next, JSON.stringify({ class: 'Job', args: [n - 1] })];
    const socket = require('node:net').connect(${e2e.redis.port}, '127.0.0.1');
    socket.write('*3\\r\\n' + words.map((word) => '$' + word.length + '\\r\\n' + word + '\\r\\n').join(''));
    socket.once('data', () => socket.end());`,
    { interpreter: '/usr/bin/env node' },
  );
  await e2e.enqueue('ping', { class: 'Job', args: [5] });
  const runner = await e2e.run({ runners: { ping: 1, pong: 1 }, script }, drain);
  expect(await runner.waitForExit()).toEqual(clean);
  expect(e2e.fileLines('ran')).toEqual(['ping 5', 'pong 4', 'ping 3', 'pong 2', 'ping 1', 'pong 0']);
});

test('queues that the runner does not watch stay unchanged', async () => {
  await e2e.enqueue('foreign', { class: 'Job', args: [] });
  e2e.mayLeaveKeys('queue:foreign');
  const runner = await e2e.run({ runners: { mail: 1 }, script: '/bin/true' }, drain);
  expect(await runner.waitForExit()).toEqual(clean);
  expect(await e2e.backlog('foreign')).toHaveLength(1);
});
