/** Readers that misbehave, over real sockets. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Listener } from '../../../src/monitoring/http/listener.ts';

const limits = { connections: 5, requestMs: 150, answerMs: 200, checkMs: 50 };
/** More than the system keeps for a reader that doesn't read. */
const large = Buffer.alloc(8 * 1024 * 1024, 'x');

let directory = '';
let listeners: Listener[] = [];
let clients: Socket[] = [];
let body = Buffer.from('up 1\n');

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rr-listener-'));
  body = Buffer.from('up 1\n');
});
afterEach(async () => {
  for (const client of clients) client.destroy();
  await Promise.all(listeners.map((listener) => listener.close()));
  listeners = [];
  clients = [];
  rmSync(directory, { recursive: true });
});

const path = () => join(directory, 'metrics.sock');

async function open(): Promise<Listener> {
  const ok = () => ({ ok: true }) as const;
  const page = () => Promise.resolve(body);
  const served = { page, health: { livez: ok, readyz: ok } };
  const listener = await Listener.open({ kind: 'unix', text: '', path: path() }, served, limits);
  listeners.push(listener);
  return listener;
}

function get(url = '/metrics', method = 'GET'): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: path(), path: url, method, agent: false }, (response) => {
      let text = `${response.statusCode} `;
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece.slice(0, 20);
      });
      response.on('end', () => resolve(text));
    });
    sent.on('error', reject).end();
  });
}

/** Sends this and reads nothing until `closed`. */
function client(text: string): { readonly closed: Promise<void> } {
  const socket = connect(path());
  clients.push(socket);
  socket.on('error', () => {});
  socket.pause();
  socket.write(text);
  return {
    closed: new Promise((resolve) => {
      socket.on('close', () => resolve());
      // A socket that is paused doesn't notice its end.
      const look = setInterval(() => socket.write(' '), 50);
      socket.on('close', () => clearInterval(look));
    }),
  };
}

test('a client that never finishes its request is disconnected, and so is one that says nothing', async () => {
  await open();
  const all = [
    client(''),
    client('GET /metrics HTTP/1.1\r\n'),
    client('GET /metrics HTTP/1.1\r\nhost: x\r\nx-a: '),
  ];
  await Promise.all(all.map(({ closed }) => closed));
});

test('a client that never reads is disconnected, and others get their answers meanwhile', async () => {
  body = large;
  await open();
  const { closed } = client('GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n');
  expect(await get('/livez')).toBe('200 {"ok":true}\n');
  await closed;
});

test('there is a limit for the number of connections, and it ends with them', async () => {
  await open();
  const held = Array.from({ length: limits.connections }, () => client('GET /li'));
  await expect(Promise.all(Array.from({ length: 3 }, () => get()))).rejects.toThrow();
  await Promise.all(held.map(({ closed }) => closed));
  expect(await get()).toBe('200 up 1\n');
});

test('HEAD has no body; a body of a GET means nothing; a request that is not HTTP is refused', async () => {
  await open();
  expect(await get('/metrics', 'HEAD')).toBe('200 ');
  expect(await get('/nothing')).toMatch(/^404 not found/);
  expect(await get('/metrics', 'POST')).toMatch(/^405 /);
  await client('\0\0 no HTTP\r\n\r\n').closed;
  expect(await get()).toBe('200 up 1\n');
});

test('closing ends all connections at once, and removes the socket', async () => {
  const listener = await open();
  const { closed } = client('GET ');
  await get();
  await listener.close();
  await closed;
  expect(existsSync(path())).toBe(false);
});

test('it replaces a socket that is dead, but no live one, and no file', async () => {
  const other: Server = createServer();
  await new Promise<void>((resolve) => other.listen(path(), resolve));
  await expect(open()).rejects.toThrow('EADDRINUSE');
  await new Promise((resolve) => other.close(resolve));

  writeFileSync(path(), '');
  await expect(open()).rejects.toThrow('EADDRINUSE');
  rmSync(path());
  await open();
});
