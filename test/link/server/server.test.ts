import { existsSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { protocolVersion } from '../../../src/protocol/frames.ts';
import { staysTrue, waitFor } from '../../helpers/wait-for.ts';
import { countedEvent, fact } from '../fake-host.ts';
import { afterThis, startStage } from '../stage.ts';

describe('a greeting', () => {
  test('begins with the hello of the server, before the client sends anything', async () => {
    const { host, connect } = await startStage();
    const client = connect();
    expect(await client.first('hello')).toEqual({
      type: 'hello',
      protocol: protocolVersion,
      ...host.hello,
      isOwner: false,
      health: host.health(),
    });
    expect(client.frames).toHaveLength(1);
  });

  test('is followed by the snapshot of that moment', async () => {
    const { host, join } = await startStage();
    host.seq = 17;
    const client = await join();
    expect(client.frames.map(({ type }) => type)).toEqual(['hello', 'snapshot']);
    expect((await client.first('snapshot')).snapshot).toEqual(host.snapshot());
  });

  test('of another version is refused with a message that names both versions, and the link ends', async () => {
    const { host, connect } = await startStage();
    const client = connect();
    client.say({ type: 'hello', protocol: 99, who: { name: 'of another shape' } });
    const { message } = await client.first('refused');
    expect(message).toContain(`1.2.3 with link protocol ${protocolVersion}, the client uses protocol 99`);
    await client.closed();
    expect([client.of('snapshot'), host.snapshots, host.watching]).toEqual([[], 0, 0]);
  });

  test.each([
    ['a command', '{"type":"command","id":1,"command":{"type":"pause-all"}}\n'],
    ['a disown', '{"type":"disown"}\n'],
    ['an unknown frame', '{"type":"dance"}\n'],
    ['no frame', 'GET / HTTP/1.1\r\n\r\n'],
    ['a hello without a version', '{"type":"hello","name":"x","isReadOnly":false}\n'],
    ['a hello without a name', `{"type":"hello","protocol":${protocolVersion},"isReadOnly":false}\n`],
    ['a hello that does not say what it may', `{"type":"hello","protocol":${protocolVersion},"name":"x"}\n`],
  ])('that is %s is refused, and the link ends', async (_, text) => {
    const { host, connect } = await startStage();
    const client = connect();
    client.sayText(text);
    expect((await client.first('refused')).message).not.toBe('');
    await client.closed();
    expect([host.executed, host.watching, host.listeners.size]).toEqual([[], 0, 0]);
  });

  test('that is larger than any hello is refused before its end arrives', async () => {
    const { connect } = await startStage();
    const client = connect();
    client.sayText(`{"type":"hello","name":"${'x'.repeat(70_000)}`);
    expect((await client.first('refused')).message).toBe('a frame is longer than 64 KiB');
    await client.closed();
  });

  test('that was refused makes the server ignore everything after it', async () => {
    const { host, connect } = await startStage();
    const client = connect();
    const hello = { name: 'x', isReadOnly: false };
    client.sayText(
      [
        { type: 'hello', protocol: 99, ...hello },
        { type: 'command', id: 1, command: { type: 'read-backlog' } },
        { type: 'hello', protocol: protocolVersion, ...hello },
        { type: 'command', id: 2, command: { type: 'read-backlog' } },
      ]
        .map((frame) => `${JSON.stringify(frame)}\n`)
        .join(''),
    );
    await client.closed();
    expect([host.executed, client.frames.map(({ type }) => type)]).toEqual([[], ['hello', 'refused']]);
  });

  test('that does not arrive, or only half of it, is refused after a timeout', async () => {
    const { connect, join } = await startStage();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    afterThis(() => vi.useRealTimers());
    const [silent, half] = [connect(), connect()];
    half.sayText('{"type":"hello","prot');
    await Promise.all([silent.first('hello'), half.first('hello')]);
    const joined = await join();
    vi.advanceTimersByTime(4_999);
    joined.command(1, { type: 'pause-all' });
    await joined.reply(1);
    expect([...silent.of('refused'), ...half.of('refused')]).toEqual([]);
    vi.advanceTimersByTime(1);
    expect((await silent.first('refused')).message).toBe('the client sent no hello within 5 s');
    expect((await half.first('refused')).message).toBe('the client sent no hello within 5 s');
    await Promise.all([silent.closed(), half.closed()]);
    expect(joined.isClosed).toBe(false);
  });

  test('cannot be repeated', async () => {
    const { host, join } = await startStage();
    const client = await join();
    client.sayHello();
    expect((await client.first('refused')).message).toBe('hello must be sent only once');
    await client.closed();
    await waitFor(() => host.watching === 0, { message: 'nobody looks' });
  });
});

describe('events', () => {
  test('follow the snapshot in order and without a gap, including those of the same tick', async () => {
    const { host, connect } = await startStage();
    const client = connect();
    await client.first('hello');
    client.sayHello();
    // Until the client is connected, and some more.
    await waitFor(() => host.publish(fact()) > 5 && host.listeners.size === 1, { message: 'a subscription' });
    for (let count = 0; count < 1_000; count += 1) host.publish(fact());
    const { snapshot } = await client.first('snapshot');
    await waitFor(() => client.seqs.at(-1) === host.seq, { message: 'the last event' });
    const expected = Array.from({ length: host.seq - snapshot.seq }, (_, index) => snapshot.seq + index + 1);
    expect(client.seqs).toEqual(expected);
  });

  test('that are published while the host makes a snapshot follow it', async () => {
    const { host, connect } = await startStage();
    const snapshot = host.snapshot.bind(host);
    host.snapshot = () => {
      const made = snapshot();
      host.publish(fact());
      return made;
    };
    const client = connect();
    client.sayHello();
    await client.first('events');
    expect(client.frames.map(({ type }) => type)).toEqual(['hello', 'snapshot', 'events']);
    expect([client.of('snapshot')[0]?.snapshot.seq, client.seqs]).toEqual([0, [1]]);
  });

  test('of one burst arrive in one frame', async () => {
    const { host, join } = await startStage();
    const client = await join();
    for (let count = 0; count < 500; count += 1) host.publish(fact());
    await waitFor(() => client.seqs.length === 500, { message: '500 events' });
    expect(client.of('events')).toHaveLength(1);
  });

  test('in quick succession are batched', async () => {
    const { host, join } = await startStage();
    const client = await join();
    const start = performance.now();
    await waitFor(() => host.publish(fact()) > 30 && performance.now() - start > 300, { message: '300 ms' });
    await waitFor(() => client.seqs.at(-1) === host.seq, { message: 'the last event' });
    const elapsedMs = performance.now() - start;
    expect(client.of('events').length).toBeGreaterThan(1);
    // One frame every 50 ms; a timer of Node may be 1 ms early.
    expect(client.of('events').length).toBeLessThanOrEqual(elapsedMs / 49 + 1);
  });

  test('of a large burst are split into frames of a bounded size', async () => {
    const { host, join } = await startStage();
    const client = await join();
    for (let count = 0; count < 30; count += 1) host.publish(fact(100_000));
    await waitFor(() => client.seqs.length === 30, { message: '30 events' });
    expect(client.of('events').length).toBeGreaterThan(1);
    for (const frame of client.of('events')) expect(JSON.stringify(frame).length).toBeLessThan(1_200_000);
    // A small burst after it is one frame again.
    const frames = client.of('events').length;
    for (let count = 0; count < 100; count += 1) host.publish(fact());
    await waitFor(() => client.seqs.length === 130, { message: 'the small burst' });
    expect(client.of('events')).toHaveLength(frames + 1);
  });

  test('are converted to JSON once for all clients', async () => {
    const { host, join } = await startStage();
    const clients = await Promise.all([join(), join(), join()]);
    const counted = countedEvent();
    host.publishEvent(counted.event);
    for (const client of clients) expect((await client.first('events')).events).toEqual([counted.plain]);
    expect(counted.count).toBe(1);
  });

  test('reach clients that joined at different times, each from its snapshot on', async () => {
    const { host, join } = await startStage();
    const early = await join();
    host.publish(fact());
    await waitFor(() => early.seqs.length === 1, { message: 'the first event' });
    const late = await join();
    expect((await late.first('snapshot')).snapshot.seq).toBe(1);
    host.publish(fact());
    await waitFor(() => early.seqs.length === 2 && late.seqs.length === 1, { message: 'the second event' });
    expect([early.seqs, late.seqs]).toEqual([[1, 2], [2]]);
  });
});

describe('the host', () => {
  test('has subscribers and watchers only while a client that said hello is connected', async () => {
    const { host, connect, join } = await startStage();
    const watchers = () => [host.listeners.size, host.watching];
    const silent = connect();
    await silent.first('hello');
    expect(watchers()).toEqual([0, 0]);
    const first = await join();
    expect(watchers()).toEqual([1, 1]);
    const second = await join();
    expect(watchers()).toEqual([1, 1]);
    first.socket.destroy();
    await staysTrue(() => host.listeners.size === 1 && host.watching === 1, { message: 'it is', forMs: 50 });
    second.socket.destroy();
    await waitFor(() => host.watching === 0, { message: 'nobody looks' });
    expect(watchers()).toEqual([0, 0]);
    await join();
    expect(watchers()).toEqual([1, 1]);
  });

  test('is not delayed by pending events after the last client has left', async () => {
    const { host, join } = await startStage();
    const first = await join();
    host.publish(fact());
    first.socket.destroy();
    await waitFor(() => host.watching === 0, { message: 'nobody looks' });
    const second = await join();
    host.publish(fact());
    await waitFor(() => second.seqs.length > 0, { message: 'an event' });
    expect(second.seqs).toEqual([2]);
  });
});

test('a server with idle clients sets no timer', async () => {
  const { host, join } = await startStage();
  const clients = await Promise.all([join(), join()]);
  const timers = vi.spyOn(globalThis, 'setTimeout');
  try {
    await staysTrue(() => timers.mock.calls.length === 0, { message: 'no timer', forMs: 150 });
    for (let count = 0; count < 3; count += 1) host.publish(fact());
    await waitFor(() => clients.every(({ seqs }) => seqs.length === 3), { message: 'the events' });
    // One for all events and both clients together; it is not set again.
    await staysTrue(() => timers.mock.calls.length === 1, { message: 'one timer', forMs: 150 });
  } finally {
    timers.mockRestore();
  }
});

describe('close', () => {
  test('sends pending messages, ends every link and removes the socket', async () => {
    const { host, server, path, join, connect } = await startStage();
    const clients = await Promise.all([join(), join()]);
    const silent = connect();
    await silent.first('hello');
    for (let count = 0; count < 100; count += 1) host.publish(fact());
    await server.close();
    // It waits for the links, so the process may end now.
    for (const client of clients) expect(client.seqs).toHaveLength(100);
    for (const client of [...clients, silent]) await client.closed();
    expect(existsSync(path)).toBe(false);
    expect([host.watching, host.listeners.size]).toEqual([0, 0]);
  });

  test('does not wait for a client that reads nothing', async () => {
    const { host, server, join } = await startStage();
    const client = await join();
    client.socket.pause();
    for (let count = 0; count < 20; count += 1) host.publish(fact(1_000_000));
    await server.close();
    expect(host.watching).toBe(0);
  });

  test('can be called twice, and before anything else', async () => {
    const { server, path } = await startStage();
    await Promise.all([server.close(), server.close()]);
    await server.close();
    expect(existsSync(path)).toBe(false);
  });
});
