/** A client that reads more slowly than the engine publishes misses events, and no other client does. */
import { describe, expect, test } from 'vitest';
import { staysTrue, waitFor } from '../../helpers/wait-for.ts';
import { countedEvent, fact } from '../fake-host.ts';
import { type Stage, startStage } from '../stage.ts';

const megabyte = 1_000_000;

/** Publishes enough to put a client that doesn't read behind: the limit, the kernel's buffers, and more. */
function flood({ host }: Stage, megabytes = 20): void {
  for (let count = 0; count < megabytes; count += 1) host.publish(fact(megabyte));
}

describe('a client that reads nothing', () => {
  test('gets a new snapshot when it reads again, and then the events after it', async () => {
    const stage = await startStage();
    const client = await stage.join();
    client.socket.pause();
    flood(stage);
    const missedUpTo = stage.host.seq;
    client.socket.resume();
    const { snapshot } = await client.nth('snapshot', 2);
    expect(snapshot.seq).toBe(missedUpTo);
    expect(client.seqs.length).toBeGreaterThan(0);
    expect(client.seqs.length).toBeLessThan(missedUpTo);
    // The events that it got are the first ones, complete and in order.
    expect(client.seqs).toEqual(client.seqs.map((_, index) => index + 1));
    const next = stage.host.publish(fact());
    await waitFor(() => client.seqs.at(-1) === next, { message: 'the next event' });
    expect(client.of('snapshot')).toHaveLength(2);
  });

  test('gets no new snapshot if it missed no event, and only one otherwise', async () => {
    const stage = await startStage();
    const client = await stage.join();
    for (const snapshots of [1, 2]) {
      client.socket.pause();
      // One frame that takes it over the limit, and nothing after it.
      const large = stage.host.publish(fact(8 * megabyte));
      client.socket.resume();
      await waitFor(() => client.seqs.at(-1) === large, { message: 'the large event' });
      const small = stage.host.publish(fact());
      await waitFor(() => client.seqs.at(-1) === small, { message: 'the next event' });
      expect(client.of('snapshot')).toHaveLength(snapshots);
      // In between, it misses events once.
      client.socket.pause();
      if (snapshots === 1) flood(stage);
      client.socket.resume();
      if (snapshots === 1) await client.nth('snapshot', 2);
    }
  });

  test('does not delay another client', async () => {
    const stage = await startStage();
    const slow = await stage.join();
    const quick = await stage.join();
    slow.socket.pause();
    for (let round = 0; round < 10; round += 1) {
      flood(stage, 2);
      await waitFor(() => quick.seqs.at(-1) === stage.host.seq, { message: 'all events' });
    }
    expect(quick.seqs).toHaveLength(20);
    expect(quick.of('snapshot')).toHaveLength(1);
    quick.command(1, { type: 'pause-all' });
    expect(await quick.reply(1)).toEqual({ ok: true, message: 'done' });
    // The other client's pace doesn't fill the buffer of the slow one, either.
    slow.socket.resume();
    expect((await slow.nth('snapshot', 2)).snapshot.seq).toBe(stage.host.seq);
    expect(slow.bytes).toBeLessThan(10 * megabyte);
  });

  test('costs a bounded amount of memory and, once behind, no work', async () => {
    const stage = await startStage();
    const client = await stage.join();
    client.socket.pause();
    const counted = countedEvent(megabyte);
    for (let count = 0; count < 1_000; count += 1) stage.host.publishEvent(counted.event);
    // The limit is 4 MiB; frames are written one by one, so one may exceed it.
    expect(counted.count).toBeLessThanOrEqual(8);
    expect(counted.count).toBeGreaterThanOrEqual(4);
    client.socket.resume();
    await client.nth('snapshot', 2);
    expect(client.bytes).toBeLessThan(10 * megabyte);
  });

  test('that keeps sending commands is not read: its pending replies take a bounded amount of memory', async () => {
    const stage = await startStage();
    const client = await stage.join();
    client.socket.pause();
    flood(stage);
    const count = 20_000;
    for (let id = 1; id <= count; id += 1)
      client.command(id, { type: 'pause-queue', queue: 'x'.repeat(100) });
    // More than 3 MB: the kernel buffers some of it, and the rest stays with the client.
    await staysTrue(() => client.socket.writableLength > 2 * megabyte && stage.host.executed.length < 1_000, {
      message: () => `${client.socket.writableLength} bytes wait, ${stage.host.executed.length} commands ran`,
      forMs: 200,
    });
    client.socket.resume();
    await waitFor(() => client.of('reply').length === count, {
      message: () => `${client.of('reply').length}`,
    });
    expect(new Set(client.of('reply').map(({ id }) => id)).size).toBe(count);
  });

  test('is noticed when it dies', async () => {
    const stage = await startStage();
    const client = await stage.join();
    client.socket.pause();
    flood(stage);
    client.socket.destroy();
    await waitFor(() => stage.host.watching === 0, { message: 'nobody looks' });
    const next = await stage.join();
    expect((await next.first('snapshot')).snapshot.seq).toBe(20);
  });

  test('gets the latest state when the server closes, if it reads then', async () => {
    const stage = await startStage();
    const client = await stage.join();
    client.socket.pause();
    flood(stage);
    const closed = stage.server.close();
    client.socket.resume();
    await closed;
    await client.closed();
    expect(client.of('snapshot').at(-1)?.snapshot.seq).toBe(20);
  });
});

test('a client that reads slowly all the time ends with the latest state', async () => {
  const stage = await startStage();
  const client = await stage.join();
  const known = () => Math.max(client.of('snapshot').at(-1)?.snapshot.seq ?? 0, client.seqs.at(-1) ?? 0);
  for (let round = 0; round < 8; round += 1) {
    client.socket.pause();
    flood(stage, 8);
    client.socket.resume();
    await waitFor(() => known() === stage.host.seq, { message: () => `${known()} of ${stage.host.seq}` });
  }
  expect(client.of('snapshot').length).toBeGreaterThan(1);
});
