import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { listSockets } from '../../../src/link/sockets/list-sockets.ts';
import { prepareSocketPath } from '../../../src/link/sockets/socket-path.ts';
import { FakeHost } from '../fake-host.ts';
import { afterThis, startServer, temporaryDirectory } from '../stage.ts';

function hostSince(startedAtMs: number): FakeHost {
  const host = new FakeHost();
  return Object.assign(host, { hello: { ...host.hello, startedAtMs } });
}

test('lists the engines of all directories with their hello, oldest first', async () => {
  const [first, second] = [temporaryDirectory(), temporaryDirectory()];
  await startServer(hostSince(3), join(first, '3.sock'));
  await startServer(hostSince(1), join(second, '1.sock'));
  const oldest = await startServer(hostSince(2), join(first, '2.sock'));
  const listed = await listSockets([first, second, first, '/nonexistent']);
  expect(listed.map(({ path }) => path)).toEqual([
    join(second, '1.sock'),
    oldest.path,
    join(first, '3.sock'),
  ]);
  expect(listed[0]?.hello).toMatchObject({ startedAtMs: 1, pid: 4711, isOwner: false });
});

test('finds engines of older versions, which name their sockets by the pid alone', async () => {
  const directory = temporaryDirectory();
  const own = await startServer(hostSince(2), prepareSocketPath(directory, 17));
  for (const name of ['17.sock', '17-2.sock']) await startServer(hostSince(1), join(directory, name));
  const listed = await listSockets([directory]);
  expect(listed.map(({ path }) => path)).toEqual([
    join(directory, '17-2.sock'),
    join(directory, '17.sock'),
    own.path,
  ]);
});

test('removes the sockets of dead engines, and leaves a hung one and other files alone', async () => {
  const directory = temporaryDirectory();
  const { path } = await startServer(new FakeHost(), join(directory, '1.sock'));
  const dying = await startServer(new FakeHost(), join(directory, '2.sock'));
  linkSync(dying.path, join(directory, '3.sock'));
  await dying.server.close();
  const hung = createServer(() => {});
  await new Promise<void>((resolve) => hung.listen(join(directory, '4.sock'), resolve));
  afterThis(() => hung.close());
  writeFileSync(join(directory, '5.sock'), '');
  writeFileSync(join(directory, 'notes.txt'), '');
  symlinkSync(path, join(directory, '6.sock'));
  mkdirSync(join(directory, '7.sock'));
  const [one, two] = await Promise.all([listSockets([directory]), listSockets([directory])]);
  expect(one.map((listed) => listed.path)).toEqual([path]);
  expect(two).toEqual(one);
  expect(readdirSync(directory).toSorted()).toEqual([
    '1.sock',
    '4.sock',
    '5.sock',
    '6.sock',
    '7.sock',
    'notes.txt',
  ]);
});

test('removes the hidden socket of an engine that died before it had its name, after a minute', async () => {
  const directory = temporaryDirectory();
  const dying = await startServer(new FakeHost(), join(directory, '1.sock'));
  const names = ['.0123abcd', '.dead-12', '.89ab01'];
  for (const name of names) linkSync(dying.path, join(directory, name));
  const living = createServer(() => {});
  await new Promise<void>((resolve) => living.listen(join(directory, '.0000aaaa'), resolve));
  afterThis(() => living.close());
  await dying.server.close();
  const [old, young] = [new Date(Date.now() - 120_000), new Date()];
  for (const name of [...names, '.0000aaaa']) utimesSync(join(directory, name), old, old);
  expect(await listSockets([directory])).toEqual([]);
  expect(readdirSync(directory).toSorted()).toEqual(['.0000aaaa', '.89ab01', '.dead-12']);
  linkSync(join(directory, '.dead-12'), join(directory, '.0123abcd'));
  utimesSync(join(directory, '.0123abcd'), young, young);
  expect(await listSockets([directory])).toEqual([]);
  expect(readdirSync(directory)).toContain('.0123abcd');
});

test('skips a directory of another user, or one that others can write to', async () => {
  const directory = temporaryDirectory();
  await startServer(new FakeHost(), join(directory, '1.sock'));
  expect(await listSockets([directory])).toHaveLength(1);
  expect(await listSockets([directory], (process.getuid?.() ?? 0) + 1)).toEqual([]);
  if (process.getuid?.() === 0) {
    chownSync(directory, 12_345, 12_345);
    expect(await listSockets([directory])).toEqual([]);
    chownSync(directory, 0, 0);
  }
  chmodSync(directory, 0o777);
  expect(await listSockets([directory])).toEqual([]);
  chmodSync(directory, 0o700);
  const link = join(temporaryDirectory(), 'link');
  symlinkSync(directory, link);
  expect(await listSockets([link])).toEqual([]);
});

test('finds nothing in a directory that goes away while it looks', async () => {
  const directory = join(temporaryDirectory(), 'sockets');
  // The last engine of a user removes it, the next one makes it again.
  const worker = new Worker(
    `const { mkdirSync, rmdirSync } = require('node:fs');
     for (;;) { mkdirSync(${JSON.stringify(directory)}); rmdirSync(${JSON.stringify(directory)}); }`,
    { eval: true },
  );
  afterThis(() => worker.terminate());
  await once(worker, 'online');
  for (let looks = 0; looks < 3_000; looks += 1) expect(await listSockets([directory])).toEqual([]);
});
