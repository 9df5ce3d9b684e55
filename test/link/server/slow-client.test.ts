/** A client that doesn't read as fast as the engine tells: it misses events, and nobody else anything. */
import { describe, expect, test } from 'vitest';
import { staysTrue, waitFor } from '../../helpers/wait-for.ts';
import { countedEvent, fact } from '../fake-host.ts';
import { type Stage, startStage } from '../stage.ts';

const megabyte = 1_000_000;

/** Publishes until a client that doesn't read must be behind: limit, kernel's buffers and more. */
function flood({ host }: Stage, megabytes = 20): void {
  for (let count = 0; count < megabytes; count += 1) host.publish(fact(megabyte));
}

describe('a client that reads nothing', () => {
  test('gets a new snapshot for what it missed once it reads again, and events behind that', async () => {
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
    // What it did get is what came first, whole and in order.
    expect(client.seqs).toEqual(client.seqs.map((_, index) => index + 1));
    const next = stage.host.publish(fact());
    await waitFor(() => client.seqs.at(-1) === next, { message: 'the next event' });
    expect(client.of('snapshot')).toHaveLength(2);
  });

  test('gets no new snapshot where nothing was missed, or nothing more', async () => {
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
      // In between it does miss something, once.
      client.socket.pause();
      if (snapshots === 1) flood(stage);
      client.socket.resume();
      if (snapshots === 1) await client.nth('snapshot', 2);
    }
  });

  test('does not keep another client from anything', async () => {
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
    // Nor does the other's pace fill what waits for the slow one.
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
    // 4 MiB are the limit; frames are written one by one, so one may exceed it.
    expect(counted.count).toBeLessThanOrEqual(8);
    expect(counted.count).toBeGreaterThanOrEqual(4);
    client.socket.resume();
    await client.nth('snapshot', 2);
    expect(client.bytes).toBeLessThan(10 * megabyte);
  });

  test('that asks and asks is not read either: its replies wait in bounded memory', async () => {
    const stage = await startStage();
    const client = await stage.join();
    client.socket.pause();
    flood(stage);
    const count = 20_000;
    for (let id = 1; id <= count; id += 1)
      client.command(id, { type: 'pause-queue', queue: 'x'.repeat(100) });
    // More than 3 MB, of which the kernel takes what fits into its buffers; the rest stays with the client.
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

  test('is told the latest state when the server closes, if it reads then', async () => {
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
