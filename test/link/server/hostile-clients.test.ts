/** Clients that break the protocol, or just break. Whatever they do, the links of others keep working. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { randomCases } from '../../helpers/random-cases.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { fact } from '../fake-host.ts';
import type { RawClient } from '../raw-client.ts';
import { type Stage, startStage } from '../stage.ts';

let lastId = 1_000;

/** Events and replies still arrive, without a gap. */
async function assertWorks({ host }: Stage, client: RawClient): Promise<void> {
  lastId += 1;
  const seq = host.publish(fact());
  client.command(lastId, { type: 'pause-all' });
  expect((await client.reply(lastId)).ok).toBe(true);
  await waitFor(() => client.seqs.at(-1) === seq, { message: 'the event' });
  expect(client.of('snapshot')).toHaveLength(1);
}

test.each([
  ['no JSON', 'garbage\n'],
  ['an empty line', '\n'],
  ['an object without a type', '{}\n'],
  ['a command without a number', '{"type":"command","command":{"type":"pause-all"}}\n'],
  ['a command whose number is a text', '{"type":"command","id":"1","command":{"type":"pause-all"}}\n'],
  ['a watch of nothing', '{"type":"watch"}\n'],
  ['an unwatch of a number', '{"type":"unwatch","jobId":7}\n'],
  ['bytes that are no text', Buffer.from([0xff, 0x0a])],
])('a client that sends %s gets an error and is disconnected', async (_, garbage) => {
  const stage = await startStage();
  const good = await stage.join();
  const bad = await stage.join();
  bad.sayText(garbage);
  expect((await bad.first('refused')).message).not.toBe('');
  await bad.closed();
  await assertWorks(stage, good);
});

test('everything that a client sends after garbage is ignored', async () => {
  const stage = await startStage();
  const client = await stage.join();
  const pause = '{"type":"command","id":1,"command":{"type":"pause-all"}}\n';
  client.sayText(`${pause}garbage\n${pause}`);
  await client.closed();
  expect(stage.host.executed).toHaveLength(1);
});

test('a client that sends a line of 10 MB gets an error and is disconnected', async () => {
  const stage = await startStage();
  const good = await stage.join();
  const bad = await stage.join();
  bad.sayText('x'.repeat(10_000_000));
  expect((await bad.first('refused')).message).toBe('a frame is longer than 4 MiB');
  await bad.closed();
  await assertWorks(stage, good);
});

test('a client that sends an endless line and reads nothing is disconnected', async () => {
  const stage = await startStage();
  const good = await stage.join();
  const bad = await stage.join();
  bad.socket.pause();
  // The server has disconnected when a write fails.
  let isRefused = false;
  bad.socket.on('error', () => {
    isRefused = true;
  });
  const write = () => {
    if (!isRefused) bad.socket.write('x'.repeat(1_000_000), () => setImmediate(write));
  };
  write();
  await waitFor(() => isRefused, { message: 'writing fails' });
  await assertWorks(stage, good);
});

test('a client that sends half a frame and then hangs or dies delays no other client', async () => {
  const stage = await startStage();
  const good = await stage.join();
  const hanging = await stage.join();
  hanging.sayText('{"type":"command","id":1,"comm');
  const dying = await stage.join();
  dying.sayText('{"type":"command","id":1,"comm');
  await waitFor(() => dying.socket.bytesWritten > 90 && dying.socket.writableLength === 0, {
    message: 'sent',
  });
  dying.socket.destroy();
  await assertWorks(stage, good);
  hanging.sayText('and":{"type":"pause-all"}}\n');
  expect((await hanging.reply(1)).ok).toBe(true);
  hanging.socket.destroy();
  good.socket.destroy();
  // The server would still listen if it took the dead client for alive.
  await waitFor(() => stage.host.watching === 0, { message: 'nobody looks' });
});

test('a client that closes its side without reading the rest is removed', async () => {
  const stage = await startStage();
  const client = await stage.join();
  client.socket.pause();
  // More than the kernel buffers, less than the limit for slow clients.
  stage.host.publish(fact(2_000_000));
  client.socket.end();
  await waitFor(() => stage.host.watching === 0, { message: 'nobody looks' });
  await assertWorks(stage, await stage.join());
});

test('a client that closes immediately and one that resets the connection are removed', async () => {
  const stage = await startStage();
  const closing = await stage.join();
  closing.socket.end();
  await closing.closed();
  const resetting = await stage.join();
  // Closing a Unix socket with unread data resets the connection.
  resetting.socket.pause();
  for (let count = 0; count < 20; count += 1) stage.host.publish(fact(10_000));
  await waitFor(() => resetting.socket.bytesRead > 0, { message: 'a snapshot' });
  resetting.socket.destroy();
  await waitFor(() => stage.host.watching === 0, { message: 'nobody looks' });
  await assertWorks(stage, await stage.join());
});

test('of 100 silent connections, 64 are kept and the newest are told to try again', async () => {
  const stage = await startStage();
  const good = await stage.join();
  const silent = Array.from({ length: 100 }, () => stage.connect());
  const refusedOnes = () => silent.filter((client) => client.of('refused').length > 0);
  await waitFor(() => refusedOnes().length === 37, { message: '37 are refused' });
  const refused = refusedOnes();
  expect(refused[0]?.frames).toEqual([
    // It says how the runner is.
    expect.objectContaining({ type: 'hello' }),
    { type: 'refused', message: expect.stringContaining('already has 64 clients') },
  ]);
  for (const client of refused) await client.closed();
  await assertWorks(stage, good);
  // The next client gets a place that becomes free.
  const kept = silent.find((client) => !refused.includes(client));
  kept?.socket.destroy();
  await waitFor(
    async () => {
      const next = stage.connect();
      next.sayHello();
      await waitFor(() => next.frames.length > 1, { message: 'an answer' });
      return next.of('snapshot').length === 1;
    },
    { message: 'a place' },
  );
});

test('after any sequence of frames and garbage, the server works and has answered every command once', async () => {
  const stage = await startStage();
  const good = await stage.join();
  const pieces = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom('{"type":"watch","jobId":"a"}\n', '{"type":"dance"}\n') },
    { weight: 5, arbitrary: fc.constant('COMMAND') },
    { weight: 1, arbitrary: fc.string().map((text) => `${text}\n`) },
    { weight: 1, arbitrary: fc.json().map((text) => `${text}\n`) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(pieces, { maxLength: 30 }), fc.boolean(), async (script, isReadOnly) => {
      const client = await stage.join({ isReadOnly });
      let ids = 0;
      for (const piece of script) {
        ids += 1;
        if (piece === 'COMMAND') client.command(ids, { type: 'read-backlog' });
        else client.sayText(piece);
      }
      client.say({ type: 'command', id: 0, command: null });
      await waitFor(() => client.isClosed || client.of('reply').some(({ id }) => id === 0), {
        message: 'the last reply or the end',
      });
      const answered = client.of('reply').map(({ id }) => id);
      expect(new Set(answered).size).toBe(answered.length);
      if (!client.isClosed && client.of('refused').length === 0) {
        const commands = script.filter((piece) => piece === 'COMMAND').length;
        await waitFor(() => client.of('reply').length === commands + 1, { message: 'all replies' });
      }
      client.socket.destroy();
    }),
    { numRuns: randomCases(50) },
  );
  await assertWorks(stage, good);
});
