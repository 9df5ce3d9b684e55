import { once } from 'node:events';
import { linkSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { Duplex, PassThrough } from 'node:stream';
import { describe, expect, test, vi } from 'vitest';
import { LinkClient, type LinkEvents } from '../../../src/link/client/client.ts';
import { LinkError } from '../../../src/link/link-errors.ts';
import { look } from '../../../src/link/sockets/peek.ts';
import type { Command, CommandReply } from '../../../src/protocol/commands.ts';
import { clientFrameLimit, protocolVersion } from '../../../src/protocol/frames.ts';
import type { OutputBatch } from '../../../src/protocol/job.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { FakeHost, fact } from '../fake-host.ts';
import { FakeOutput } from '../fake-output.ts';
import { afterThis, startServer, startStage, temporaryDirectory } from '../stage.ts';

const who = { name: 'ann@pts/3', isReadOnly: false };
const hello = {
  type: 'hello',
  protocol: protocolVersion,
  ...new FakeHost().hello,
  health: new FakeHost().health(),
  isOwner: false,
};

/** What a client reports to its user, in order. */
class Told implements LinkEvents {
  readonly log: string[] = [];
  readonly closed: string[] = [];

  onSnapshot({ seq }: { seq: number }): void {
    this.log.push(`snapshot ${seq}`);
  }

  onEvents(events: readonly { seq: number }[]): void {
    this.log.push(...events.map(({ seq }) => `event ${seq}`));
  }

  onClosed(reason: string): void {
    this.closed.push(reason);
  }
}

async function connect(path: string, told: LinkEvents = new Told(), identity = who): Promise<LinkClient> {
  const client = await LinkClient.connect(path, identity, told);
  afterThis(() => client.close());
  return client;
}

/** A server that acts as the test wants. @returns its path, and the accepted sockets */
async function startFake(
  onConnection: (socket: Socket) => void,
): Promise<{ path: string; sockets: Socket[]; received: string[] }> {
  const sockets: Socket[] = [];
  const received: string[] = [];
  const server: Server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => received.push(String(chunk)));
    onConnection(socket);
  });
  const path = join(temporaryDirectory(), '1.sock');
  await new Promise<void>((resolve) => server.listen(path, resolve));
  afterThis(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { path, sockets, received };
}

function say(socket: Socket, ...frames: readonly object[]): void {
  socket.write(frames.map((frame) => `${JSON.stringify(frame)}\n`).join(''));
}

describe('a client', () => {
  test('has the hello of the engine, and gets the snapshot and the events in order', async () => {
    const { host, path } = await startStage();
    host.seq = 5;
    const told = new Told();
    const client = await connect(path, told);
    expect(client.hello).toEqual({ ...hello, health: host.health() });
    await waitFor(() => told.log.length > 0, { message: 'a snapshot' });
    for (let count = 0; count < 100; count += 1) host.publish(fact());
    await waitFor(() => told.log.length === 101, { message: '100 events' });
    expect(told.log).toEqual([
      'snapshot 5',
      ...Array.from({ length: 100 }, (_, index) => `event ${index + 6}`),
    ]);
  });

  test('passes on events that it may have seen, and further snapshots', async () => {
    const snapshot = new FakeHost().snapshot();
    const events = [3, 4].map((seq) => ({ ...fact(), seq, atMs: 0 }));
    const { path } = await startFake((socket) =>
      say(
        socket,
        hello,
        { type: 'snapshot', snapshot: { ...snapshot, seq: 3 } },
        { type: 'events', events },
        { type: 'snapshot', snapshot: { ...snapshot, seq: 9 } },
      ),
    );
    const told = new Told();
    await connect(path, told);
    await waitFor(() => told.log.length === 4, { message: 'all of it' });
    expect(told.log).toEqual(['snapshot 3', 'event 3', 'event 4', 'snapshot 9']);
    expect(told.closed).toEqual([]);
  });

  test('sends its name', async () => {
    const { path, received } = await startFake((socket) => say(socket, hello));
    await connect(path, new Told(), { name: 'bob', isReadOnly: true });
    await waitFor(() => received.length > 0, { message: 'its hello' });
    expect(JSON.parse(received.join(''))).toEqual({
      type: 'hello',
      protocol: protocolVersion,
      name: 'bob',
      isReadOnly: true,
    });
  });

  test('works over any stream', async () => {
    const [toClient, toServer] = [new PassThrough(), new PassThrough()];
    const told = new Told();
    const connecting = LinkClient.over(Duplex.from({ readable: toClient, writable: toServer }), who, told);
    toClient.write(`${JSON.stringify(hello)}\n`);
    const client = await connecting;
    const reply = client.send({ type: 'pause-all' });
    await waitFor(() => toServer.readableLength > 0, { message: 'something sent' });
    toClient.write('{"type":"reply","id":1,"reply":{"ok":true,"message":"done"}}\n');
    expect(await reply).toEqual({ ok: true, message: 'done' });
    toClient.end();
    await waitFor(() => told.closed.length > 0, { message: 'the end' });
    expect(told.closed).toEqual(['the runner ended the link']);
  });
});

describe('connecting fails', () => {
  async function failure(path: string): Promise<LinkError> {
    const told = new Told();
    const error = await LinkClient.connect(path, who, told).then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(LinkError);
    // Without a client, there is no end to report.
    expect([told.log, told.closed]).toEqual([[], []]);
    return error as LinkError;
  }

  test('if there is no socket', async () => {
    const path = join(temporaryDirectory(), '1.sock');
    const { code, message } = await failure(path);
    expect(code).toBe('absent');
    expect(message).toContain(`no runner has a socket at ${path}: start one`);
  });

  test('if the engine has died', async () => {
    const host = new FakeHost();
    const { server, path } = await startServer(host, join(temporaryDirectory(), '1.sock'));
    // A copy of its name is left, as after a kill.
    linkSync(path, `${path}.left`);
    await server.close();
    const { code, message } = await failure(`${path}.left`);
    expect(code).toBe('absent');
    expect(message).toContain('has ended: start it again');
  });

  test('if the path is too long for a socket', async () => {
    const { code, message } = await failure(`/tmp/${'x'.repeat(103)}`);
    expect(code).toBe('unusable');
    expect(message).toContain('longer than 107 bytes');
  });

  test('if the engine refuses', async () => {
    const { path } = await startFake((socket) => say(socket, { type: 'refused', message: 'too many' }));
    expect(await failure(path)).toMatchObject({ code: 'refused', message: 'the runner refused: too many' });
  });

  test('if the engine has another version of the link', async () => {
    const { path } = await startFake((socket) => say(socket, { ...hello, protocol: 99, version: '9.0.0' }));
    const { code, message } = await failure(path);
    expect(code).toBe('version');
    expect(message).toContain(`with link protocol 99, this program uses protocol ${protocolVersion}`);
  });

  test('if another program answers', async () => {
    const { path } = await startFake((socket) => socket.write('-ERR unknown command\r\n'));
    const { code, message } = await failure(path);
    expect(code).toBe('broken');
    expect(message).toContain('the program at this socket is not a runner: a line is not JSON: "-ERR');
  });

  test.each([
    ['a snapshot', { type: 'snapshot', snapshot: {} }],
    ['a hello without its fields', { type: 'hello', protocol: protocolVersion }],
    ['an unknown frame', { type: 'dance' }],
  ])('if %s arrives first', async (_, frame) => {
    const { path } = await startFake((socket) => say(socket, frame));
    expect((await failure(path)).code).toBe('broken');
  });

  test('if the connection ends immediately', async () => {
    const { path } = await startFake((socket) => socket.end());
    expect((await failure(path)).message).toContain('ended the link before it said hello');
  });

  test('if there is no answer for 5 s; an established link has no such limit', async () => {
    const { path: good } = await startStage();
    const told = new Told();
    const client = await connect(good, told);
    const { path, sockets } = await startFake((socket) => socket.write('{"type":"hel'));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    afterThis(() => vi.useRealTimers());
    const failed = failure(path);
    let hasFailed = false;
    void failed.then(() => {
      hasFailed = true;
    });
    await waitFor(() => sockets.length === 1 && vi.getTimerCount() === 1, { message: 'a connection' });
    vi.advanceTimersByTime(4_999);
    expect((await client.send({ type: 'pause-all' })).ok).toBe(true);
    expect(hasFailed).toBe(false);
    vi.advanceTimersByTime(1);
    const { code, message } = await failed;
    expect(code).toBe('timeout');
    expect(message).toContain('did not answer within 5 s');
    expect((await client.send({ type: 'pause-all' })).ok).toBe(true);
    expect(told.closed).toEqual([]);
  });

  test('if the stream has already ended', async () => {
    const socket = new PassThrough();
    socket.destroy();
    await once(socket, 'close');
    await expect(LinkClient.over(socket, who, new Told())).rejects.toMatchObject({ code: 'broken' });
  });
});

describe('a command', () => {
  test('gets the reply to it', async () => {
    const { host, path } = await startStage();
    host.onExecute = (command) =>
      Promise.resolve({ ok: true, message: 'queue' in command ? command.queue : command.type });
    const client = await connect(path);
    const queues = Array.from({ length: 50 }, (_, index) => `q${index}`);
    const replies = await Promise.all(queues.map((queue) => client.send({ type: 'pause-queue', queue })));
    expect(replies.map(({ message }) => message)).toEqual(queues);
  });

  test('is answered by link-down when the link ends, and after that', async () => {
    const { host, path, server } = await startStage();
    host.onExecute = () => new Promise(() => {});
    const told = new Told();
    const client = await connect(path, told);
    const waiting = client.send({ type: 'pause-all' });
    await waitFor(() => host.executed.length === 1, { message: 'the command' });
    await server.close();
    const down = { ok: false, code: 'link-down', message: 'the link to the runner is down' };
    expect(await waiting).toEqual(down);
    expect(await client.send({ type: 'pause-all' })).toEqual(down);
    expect(told.closed).toEqual(['the runner ended the link']);
  });

  test('is answered by link-down when the client closes', async () => {
    const { host, path } = await startStage();
    host.onExecute = () => new Promise(() => {});
    const told = new Told();
    const client = await connect(path, told);
    const waiting = client.send({ type: 'pause-all' });
    await client.close();
    expect(await waiting).toMatchObject({ ok: false, code: 'link-down' });
    expect(await client.send({ type: 'pause-all' })).toMatchObject({ ok: false, code: 'link-down' });
    expect(told.closed).toEqual([]);
    await waitFor(() => host.watching === 0, { message: 'nobody looks' });
  });

  test('that is invalid or too large is refused without asking the engine', async () => {
    const { host, path } = await startStage();
    const client = await connect(path);
    const malformed = await client.send({ type: 'pause-queue' } as unknown as Command);
    expect(malformed).toMatchObject({ ok: false, code: 'out-of-range' });
    const entries = [{ index: 0, recordBase64: 'x'.repeat(clientFrameLimit) }];
    expect(await client.send({ type: 'retry-failures', entries })).toMatchObject({
      ok: false,
      message: expect.stringContaining('longer than 4 MiB'),
    });
    expect((await client.send({ type: 'pause-all' })).ok).toBe(true);
    expect(host.executed).toHaveLength(1);
  });
});

describe('a watch', () => {
  /** The texts that a watch got, with `null` and `end` in their places. */
  function recorder(): { told: string[]; onBatch: (batch: OutputBatch | null) => void } {
    const told: string[] = [];
    return {
      told,
      onBatch: (batch) => {
        if (batch === null) told.push('null');
        else told.push(...batch.pieces.map(({ text }) => text), ...(batch.isEnd ? ['end'] : []));
      },
    };
  }

  test('gets all output of the job, up to the end', async () => {
    const { host, path } = await startStage();
    const output = new FakeOutput();
    output.print('one');
    host.onOpenOutput = () => output.open();
    const client = await connect(path);
    const { told, onBatch } = recorder();
    const end = client.watch('a', onBatch);
    await waitFor(() => told.length === 1, { message: 'the first' });
    output.print('two');
    output.isEnded = true;
    await waitFor(() => told.includes('end'), { message: 'the end' });
    end();
    expect((await client.send({ type: 'pause-all' })).ok).toBe(true);
    expect(told).toEqual(['one', 'two', 'end']);
    const again = recorder();
    client.watch('a', again.onBatch);
    await waitFor(() => again.told.includes('end'), { message: 'the end, again' });
    expect([told, again.told]).toEqual([told.slice(0, 3), ['one', 'two', 'end']]);
  });

  test('gets null if no output is kept', async () => {
    const { path } = await startStage();
    const client = await connect(path);
    const { told, onBatch } = recorder();
    client.watch('a', onBatch);
    await waitFor(() => told.length > 0, { message: 'an answer' });
    expect(told).toEqual(['null']);
  });

  test('gets nothing after its end, and nothing of an earlier watch of the same job', async () => {
    // A fake server, so that batches of the first watch are still on their way.
    const { path, sockets, received } = await startFake((socket) => say(socket, hello));
    const client = await connect(path);
    const first = recorder();
    const second = recorder();
    const batch = (text: string, isEnd = false) => ({
      type: 'output',
      jobId: 'a',
      batch: { pieces: [{ stream: 'stdout', atMs: 0, text }], skippedLines: 0, isEnd },
    });
    const [socket] = sockets as [Socket];
    const endFirst = client.watch('a', first.onBatch);
    say(socket, batch('1'));
    await waitFor(() => first.told.length === 1, { message: 'the first' });
    endFirst();
    endFirst();
    const endSecond = client.watch('a', second.onBatch);
    endFirst();
    say(socket, batch('1 late'), { type: 'output', jobId: 'a', batch: null }, batch('2'));
    await waitFor(() => second.told.length > 0, { message: 'the second' });
    endSecond();
    // The job's end crosses the unwatch, which has no answer then.
    const third = recorder();
    client.watch('a', third.onBatch);
    say(socket, batch('2 late', true), batch('3', true));
    await waitFor(() => third.told.length > 0, { message: 'the third' });
    expect([first.told, second.told, third.told]).toEqual([['1'], ['2'], ['3', 'end']]);
    // Two watches that were cancelled before any output arrived.
    const fourth = recorder();
    client.watch('a', first.onBatch)();
    client.watch('a', first.onBatch)();
    client.watch('a', fourth.onBatch);
    const none = { type: 'output', jobId: 'a', batch: null };
    say(socket, batch('of one'), none, batch('of the other'), none, batch('4', true));
    await waitFor(() => fourth.told.length > 0, { message: 'the fourth' });
    expect([first.told, fourth.told]).toEqual([['1'], ['4', 'end']]);
    const frames = () =>
      received
        .join('')
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { type: string }).type);
    const sent = 'hello watch unwatch watch unwatch watch watch unwatch watch unwatch watch'.split(' ');
    await waitFor(() => frames().length === sent.length, { message: () => frames().join(' ') });
    expect(frames()).toEqual(sent);
  });

  test('of a job is replaced by a second one of the same job, which starts from the beginning', async () => {
    const { host, path } = await startStage();
    const output = new FakeOutput();
    output.print('x');
    host.onOpenOutput = () => output.open();
    const client = await connect(path);
    const first = recorder();
    const second = recorder();
    client.watch('a', first.onBatch);
    await waitFor(() => first.told.length === 1, { message: 'the first' });
    client.watch('a', second.onBatch);
    await waitFor(() => second.told.length === 1, { message: 'the second' });
    output.print('y');
    await waitFor(() => second.told.length === 2, { message: 'both' });
    expect([first.told, second.told]).toEqual([['x'], ['x', 'y']]);
    expect(output.readers.map(({ isClosed }) => isClosed)).toEqual([true, false]);
  });

  test('that switches between jobs during a flood shows each from its beginning, without old output', async () => {
    const { host, path } = await startStage();
    const output = new FakeOutput();
    output.print(...Array.from({ length: 200 }, (_, index) => `${index} `.padEnd(10_000, 'x')));
    host.onOpenOutput = () => output.open();
    const client = await connect(path);
    for (let round = 0; round < 20; round += 1) {
      const { told, onBatch } = recorder();
      const end = client.watch('a', onBatch);
      await waitFor(() => told.length > 0, { message: 'a beginning' });
      expect(told.map((text) => Number.parseInt(text, 10))).toEqual(told.map((_, index) => index));
      end();
    }
  });
});

describe('the end of the link', () => {
  test.each([
    ['no JSON', 'garbage\n'],
    ['events that are no list', '{"type":"events","events":{}}\n'],
    ['a snapshot of nothing', '{"type":"snapshot"}\n'],
    ['a reply to nothing', '{"type":"reply","reply":{"ok":true,"message":""}}\n'],
    ['a reply without a message', '{"type":"reply","id":1,"reply":{"ok":true}}\n'],
    ['an output without pieces', '{"type":"output","jobId":"a","batch":{}}\n'],
    ['a second hello', `${JSON.stringify(hello)}\n`],
  ])('is reported with a reason when the engine sends %s', async (_, garbage) => {
    const { path, sockets } = await startFake((socket) => say(socket, hello));
    const told = new Told();
    const client = await connect(path, told);
    const waiting = client.send({ type: 'pause-all' });
    sockets[0]?.write(garbage);
    await waitFor(() => told.closed.length > 0, { message: 'the end' });
    expect(told.closed).toEqual([expect.stringContaining('the runner sent something that is not a frame: ')]);
    expect((await waiting).ok).toBe(false);
  });

  test('is reported with the message of the engine if it refuses later', async () => {
    const { path, sockets } = await startFake((socket) => say(socket, hello));
    const told = new Told();
    await connect(path, told);
    say(sockets[0] as Socket, { type: 'refused', message: 'enough' });
    await waitFor(() => told.closed.length > 0, { message: 'the end' });
    expect(told.closed).toEqual(['the runner refused: enough']);
  });

  test('is reported once when the engine dies', async () => {
    const { path, sockets } = await startFake((socket) => say(socket, hello));
    const told = new Told();
    await connect(path, told);
    sockets[0]?.write('{"type":"eve');
    sockets[0]?.destroy();
    await waitFor(() => told.closed.length > 0, { message: 'the end' });
    expect(told.closed).toEqual(['the runner ended the link']);
  });

  test('is reported if the stream just closes', async () => {
    const { path } = await startStage();
    const socket = createConnection(path);
    const told = new Told();
    await LinkClient.over(socket, who, told);
    socket.destroy();
    await waitFor(() => told.closed.length > 0, { message: 'the end' });
    expect(told.closed).toHaveLength(1);
  });

  test('comes when the client closes, even if the engine reads nothing', async () => {
    const { path } = await startFake((socket) => {
      say(socket, hello);
      socket.pause();
    });
    const told = new Told();
    const client = await connect(path, told);
    const replies: Promise<CommandReply>[] = [];
    for (let count = 0; count < 200; count += 1) {
      const entries = [{ index: 0, recordBase64: 'x'.repeat(100_000) }];
      replies.push(client.send({ type: 'retry-failures', entries }));
    }
    await client.close();
    expect((await Promise.all(replies)).every((reply) => !reply.ok)).toBe(true);
    expect(told.closed).toEqual([]);
  });
});

describe('look', () => {
  test('returns the hello of the engine there, without becoming a client', async () => {
    const { host, path } = await startStage();
    expect(await look(path)).toEqual({ ...hello, health: host.health() });
    expect(host.snapshots).toBe(0);
  });

  test('returns "gone" or "taken" if no hello arrives in time', async () => {
    const directory = temporaryDirectory();
    const hung = await startFake(() => {});
    const chatty = await startFake((socket) => say(socket, { type: 'refused', message: 'full' }));
    const stranger = await startFake((socket) => socket.write('220 smtp\r\n'));
    const mute = await startFake((socket) => socket.end());
    const paths = [join(directory, '1.sock'), `/tmp/${'x'.repeat(200)}`];
    for (const { path } of [hung, chatty, stranger, mute]) paths.push(path);
    expect(await Promise.all(paths.map((path) => look(path)))).toEqual([
      'gone',
      'gone',
      ...Array(4).fill('taken'),
    ]);
  });

  test('returns the hello of another version', async () => {
    const other = { ...hello, protocol: 99 };
    const { path } = await startFake((socket) => say(socket, { ...other, more: 'of it' }));
    expect(await look(path)).toEqual(other);
  });
});
