/** `resque-runner health`, for probes: which runner it asks, and what it says of each answer. */
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { prepareSocketPath, socketDirectories } from '../../../src/link/sockets/socket-path.ts';
import { ownUid } from '../../../src/link/sockets/users.ts';
import { protocolVersion } from '../../../src/protocol/frames.ts';
import { useEndToEnd } from '../../helpers/end-to-end.ts';
import { FakeHost } from '../../link/fake-host.ts';
import { RawClient } from '../../link/raw-client.ts';
import { afterThis, startServer, temporaryDirectory } from '../../link/stage.ts';
import { type Outcome, runCommand } from '../run-command.ts';

const stage = useEndToEnd({ redis: { isOwn: true } });

function healthIn(tmpdir: string, ...args: string[]): Promise<Outcome> {
  return runCommand(['health', ...args], { env: { TMPDIR: tmpdir, XDG_RUNTIME_DIR: '' } });
}

/** A new directory for temporary files. @returns it, and a path for the socket of a runner with this pid */
function freshPlace(pid = 4711): { tmpdir: string; path: string } {
  const tmpdir = temporaryDirectory();
  const [sockets = ''] = socketDirectories({}, ownUid(), tmpdir);
  return { tmpdir, path: prepareSocketPath(sockets, pid) };
}

function hostWith(hello: Partial<FakeHost['hello']>): FakeHost {
  const host = new FakeHost();
  return Object.assign(host, { hello: { ...host.hello, ...hello } });
}

const name = 'process 4711 (/etc/resque-runner.json)';

test('a real runner is alive and ready; while Redis is away alive only; stopped in its tracks neither', async () => {
  const runner = await stage.run({ runners: { mail: 1 }, script: stage.script(':') });
  const tmpdir = stage.path('tmp');
  const file = stage.path('cfg.json');
  const real = `process ${runner.pid} (${file})`;
  expect(await healthIn(tmpdir)).toEqual({ code: 0, stdout: `${real} is alive`, stderr: '' });
  expect(await healthIn(tmpdir, '--ready', file)).toMatchObject({ code: 0, stdout: `${real} is ready` });
  const { length: from } = runner.lines;
  await stage.redis.stop();
  await runner.waitForLine('redis.down', undefined, { from });
  expect(await healthIn(tmpdir, String(runner.pid))).toMatchObject({ code: 0 });
  const away = await healthIn(tmpdir, '--ready');
  expect(away).toMatchObject({ code: 1, stdout: '' });
  expect(away.stderr).toMatch(`resque-runner: ${real} is not ready: Redis is not usable: `);
  runner.signal('SIGSTOP');
  try {
    const startedAt = performance.now();
    const frozen = await healthIn(tmpdir);
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    expect(frozen).toMatchObject({ code: 1, stdout: '' });
    expect(frozen.stderr).toMatch(/^resque-runner: the runner at \S+\.sock did not answer within 2\.0 s$/);
    expect((await healthIn(tmpdir, String(runner.pid))).stderr).toBe(frozen.stderr);
  } finally {
    runner.signal('SIGCONT');
    await stage.redis.start();
  }
  await runner.waitForLine('redis.up', undefined, { from });
  expect(await healthIn(tmpdir, '--ready')).toMatchObject({ code: 0 });
});

test('every reason is on STDERR, and a runner that is not alive may be ready no more', async () => {
  const { tmpdir, path } = freshPlace();
  const host = new FakeHost();
  host.onHealth = () => ({ notAlive: ['stuck: so'], notReady: ['stuck: so', 'no contact\u001b with Redis'] });
  await startServer(host, path);
  expect(await healthIn(tmpdir)).toEqual({
    ...{ code: 1, stdout: '' },
    stderr: `resque-runner: ${name} is not alive: stuck: so`,
  });
  expect((await healthIn(tmpdir, '--ready', '4711')).stderr).toBe(
    `resque-runner: ${name} is not ready: stuck: so; no contact\\u001b with Redis`,
  );
  // It did not become a client for that.
  expect([host.snapshots, host.watching]).toEqual([0, 0]);
});

test('no runner, or none of that config or process, is not healthy', async () => {
  const { tmpdir, path } = freshPlace();
  expect(await healthIn(tmpdir)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^resque-runner: no runner of this user is running/),
  });
  await startServer(new FakeHost(), path);
  expect(await healthIn(tmpdir, '/etc/other.json')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^resque-runner: no runner of \/etc\/other\.json is running/),
  });
  expect(await healthIn(tmpdir, '4712')).toMatchObject({
    code: 1,
    stderr: 'resque-runner: no runner of this user has process id 4712',
  });
  expect(await healthIn(tmpdir, '--socket', join(tmpdir, 'none.sock'))).toMatchObject({ code: 1 });
  expect(await healthIn(tmpdir, '--socket', path)).toMatchObject({ code: 0, stdout: `${name} is alive` });
});

test('of several runners one must be named; of several with one config all must be healthy', async () => {
  const { tmpdir, path } = freshPlace();
  const [second, third] = [4712, 4713].map((pid) => path.replace('4711', String(pid)));
  await startServer(new FakeHost(), path);
  await startServer(hostWith({ pid: 4712 }), second ?? '');
  await startServer(hostWith({ pid: 4713, configFile: '/etc/other.json' }), third ?? '');
  const unnamed = await healthIn(tmpdir);
  expect(unnamed.code).toBe(2);
  expect(unnamed.stderr).toMatch(/^resque-runner: 3 runners are running; choose one/);
  expect(await healthIn(tmpdir, '/etc/resque-runner.json')).toMatchObject({
    code: 0,
    stdout: `${name} is alive\nprocess 4712 (/etc/resque-runner.json) is alive`,
  });
  expect(await healthIn(tmpdir, '4713')).toMatchObject({ code: 0 });
});

test('a runner of another version of the link is refused with a sentence that names both versions', async () => {
  const { tmpdir, path } = freshPlace();
  const server = createServer((socket) => {
    const hello = { ...new FakeHost().hello, type: 'hello', protocol: 99, isOwner: false };
    socket.end(`${JSON.stringify(hello)}\n`);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  afterThis(() => server.close());
  const { code, stderr } = await healthIn(tmpdir);
  expect(code).toBe(1);
  expect(stderr).toBe(
    `resque-runner: ${name} is resque-runner 1.2.3 with link protocol 99, this program uses protocol ${protocolVersion}: ` +
      'use the same release of resque-runner on both sides',
  );
});

test('a runner with as many screens as it can have still tells its health', async () => {
  const { tmpdir, path } = freshPlace();
  await startServer(new FakeHost(), path);
  const clients = Array.from({ length: 65 }, () => RawClient.at(path));
  afterThis(() => {
    for (const client of clients) client.socket.destroy();
  });
  await clients.at(-1)?.first('refused');
  expect(await healthIn(tmpdir)).toMatchObject({ code: 0 });
});
