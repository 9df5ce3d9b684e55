/** The connection that the engine's process inherits: the process at its other end owns the engine. */
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LinkClient } from '../../../src/link/client/client.ts';
import { LinkServer } from '../../../src/link/server/server.ts';
import { protocolVersion } from '../../../src/protocol/frames.ts';
import { staysTrue, waitFor } from '../../helpers/wait-for.ts';
import { FakeHost, fact } from '../fake-host.ts';
import { RawClient } from '../raw-client.ts';
import { afterThis, temporaryDirectory } from '../stage.ts';

/** Two connected sockets: one is a descriptor without a reader, as a process inherits it. */
async function socketPair(): Promise<{ fd: number; other: Socket }> {
  const path = join(temporaryDirectory(), 'pair');
  const accepted = new Promise<Socket>((resolve) => {
    // Paused, Node does nothing with the descriptor; the socket is never used otherwise, nor closed.
    const listener: Server = createServer({ pauseOnConnect: true }, (socket) => {
      listener.close();
      resolve(socket);
    }).listen(path);
  });
  const other = createConnection(path);
  afterThis(() => other.destroy());
  const { _handle } = (await accepted) as unknown as { _handle: { fd: number } };
  return { fd: _handle.fd, other };
}

async function startOwned(): Promise<{ host: FakeHost; server: LinkServer; path: string; other: Socket }> {
  const host = new FakeHost();
  const server = new LinkServer(host);
  afterThis(() => server.close());
  const path = join(temporaryDirectory(), '1.sock');
  await server.listen(path);
  const { fd, other } = await socketPair();
  server.adopt(fd);
  return { host, server, path, other };
}

test('only the owner is told that it is the owner', async () => {
  const { path, other } = await startOwned();
  const owner = new RawClient(other);
  expect((await owner.first('hello')).isOwner).toBe(true);
  const guest = RawClient.at(path);
  expect((await guest.first('hello')).isOwner).toBe(false);
  guest.socket.destroy();
});

test("the owner doesn't count as a guest", async () => {
  const { path, other } = await startOwned();
  await new RawClient(other).first('hello');
  const guests = Array.from({ length: 65 }, () => RawClient.at(path));
  afterThis(() => {
    for (const guest of guests) guest.socket.destroy();
  });
  await waitFor(() => guests.every(({ frames }) => frames.length > 0), { message: 'an answer for all' });
  const refused = () => guests.filter((guest) => guest.of('refused').length > 0);
  await waitFor(() => refused().length > 0, { message: 'one is refused' });
  expect(refused()).toHaveLength(1);
});

test('the owner is served like any client', async () => {
  const { host, other } = await startOwned();
  const owner = new RawClient(other);
  owner.sayHello({ name: 'ann' });
  await owner.first('snapshot');
  host.publish(fact());
  owner.command(1, { type: 'pause-all' });
  await owner.reply(1);
  expect([owner.seqs, host.executed]).toEqual([[1], [{ command: { type: 'pause-all' }, by: 'ann' }]]);
});

test('the host learns once that the owner has disconnected, and nothing about other clients', async () => {
  const { host, path, other } = await startOwned();
  const owner = new RawClient(other);
  owner.sayHello();
  await owner.first('snapshot');
  const guests = [await RawClient.joined(path), await RawClient.joined(path), RawClient.at(path)];
  guests[0]?.say({ type: 'disown' });
  await guests[2]?.first('hello');
  for (const guest of guests) guest.socket.destroy();
  await staysTrue(() => host.ownersGone === 0, { message: 'the owner is there', forMs: 50 });
  owner.socket.destroy();
  await waitFor(() => host.ownersGone > 0, { message: 'the owner is gone' });
  await staysTrue(() => host.ownersGone === 1, { message: 'told once', forMs: 50 });
});

test('the host also learns that an owner without a hello has disconnected', async () => {
  const { host, other } = await startOwned();
  await new RawClient(other).first('hello');
  other.destroy();
  await waitFor(() => host.ownersGone === 1, { message: 'the owner is gone' });
});

test('the host does not learn that an owner has disconnected after it disowned the engine', async () => {
  const { host, other } = await startOwned();
  const owner = new RawClient(other);
  owner.sayHello();
  await owner.first('snapshot');
  owner.say({ type: 'disown' });
  owner.socket.end();
  await waitFor(() => host.watching === 0, { message: 'nobody looks' });
  await staysTrue(() => host.ownersGone === 0, { message: 'not told', forMs: 50 });
});

test('an owner can disown the engine and close immediately, even while it is sent events', async () => {
  const { host, other } = await startOwned();
  const events = { onSnapshot: () => {}, onEvents: () => {}, onClosed: () => {} };
  const client = await LinkClient.over(other, { name: 'ann', isReadOnly: false }, events);
  await waitFor(() => host.watching === 1, { message: 'it joined' });
  client.disown();
  const closed = client.close();
  // Large enough to be written in this tick, before the server has read what the owner said.
  for (let count = 0; count < 10; count += 1) host.publish(fact(2_000_000));
  await closed;
  await waitFor(() => host.watching === 0, { message: 'nobody looks' });
  expect(host.ownersGone).toBe(0);
});

test('garbage from the owner immediately counts as a disconnect', async () => {
  const { host, other } = await startOwned();
  const owner = new RawClient(other);
  owner.sayHello();
  await owner.first('snapshot');
  owner.sayText('garbage\n');
  await owner.first('refused');
  expect(host.ownersGone).toBe(1);
  await owner.closed();
  await staysTrue(() => host.ownersGone === 1, { message: 'told once', forMs: 50 });
});

test('an owner of another version is refused, which counts as a disconnect', async () => {
  const { host, other } = await startOwned();
  const owner = new RawClient(other);
  owner.say({ type: 'hello', protocol: 99 });
  await owner.first('refused');
  expect(host.ownersGone).toBe(1);
});

test('closing the server does not count as a disconnect of the owner', async () => {
  const { host, server, other } = await startOwned();
  const owner = new RawClient(other);
  owner.sayHello();
  await owner.first('snapshot');
  await server.close();
  await owner.closed();
  expect(host.ownersGone).toBe(0);
});

test('a killed owner counts as disconnected', async () => {
  const { host, other } = await startOwned();
  const program = `
    const socket = new (require('node:net').Socket)({ fd: 3, readable: true, writable: true });
    socket.on('data', () => {});
    socket.write('{"type":"hello","protocol":${protocolVersion},"name":"child","isReadOnly":false}\\n{"type":"comm');
  `;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'ignore', 'ignore', other] });
  afterThis(() => child.kill('SIGKILL'));
  // The child has a copy of the socket; ours must not keep the link open.
  await waitFor(() => host.watching === 1, { message: 'the child joined' });
  other.destroy();
  await staysTrue(() => host.ownersGone === 0, { message: 'the owner is there', forMs: 100 });
  child.kill('SIGKILL');
  await waitFor(() => host.ownersGone === 1, { message: 'the owner is gone' });
  expect(host.watching).toBe(0);
});

test('a descriptor that is not a socket is rejected with an explanation', () => {
  const server = new LinkServer(new FakeHost());
  expect(() => server.adopt(openSync('/dev/null', 'r'))).toThrow(/^descriptor \d+ is not a connected socket/);
  expect(() => server.adopt(9_999)).toThrow('descriptor 9999 is not a connected socket');
});
