import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { LinkError } from '../../../src/link/link-error.ts';
import { LinkServer } from '../../../src/link/server/server.ts';
import { probeSocket, removeDeadSocket } from '../../../src/link/sockets/dead-socket.ts';
import { peek } from '../../../src/link/sockets/peek.ts';
import {
  prepareFirstSocketPath,
  prepareSocketPath,
  socketDirectories,
} from '../../../src/link/sockets/socket-path.ts';
import { FakeHost } from '../fake-host.ts';
import { afterThis, startServer, temporaryDirectory } from '../stage.ts';

/** A socket that nobody listens at any longer, as a killed engine leaves it. */
async function leaveDeadSocket(path: string): Promise<void> {
  const { server, path: used } = await startServer(new FakeHost(), `${path}.x.sock`);
  linkSync(used, path);
  await server.close();
  expect(await probeSocket(path)).toBe('dead');
}

function hostOf(pid: number): FakeHost {
  const host = new FakeHost();
  return Object.assign(host, { hello: { ...host.hello, pid } });
}

const modeOf = (path: string) => lstatSync(path).mode & 0o777;

describe('the directories', () => {
  test("are the session's, where there is one, and one of the user's below the temporary one", () => {
    const runtime = temporaryDirectory();
    expect(socketDirectories({ XDG_RUNTIME_DIR: runtime }, 1000, '/tmp')).toEqual([
      `${runtime}/resque-runner`,
      '/tmp/resque-runner-1000',
    ]);
  });

  test.each([
    ['is not set', {}],
    ['is empty', { XDG_RUNTIME_DIR: '' }],
    ['is relative', { XDG_RUNTIME_DIR: 'src' }],
    ['does not exist', { XDG_RUNTIME_DIR: '/nonexistent/run' }],
    ['is a file', { XDG_RUNTIME_DIR: '/etc/passwd' }],
    ['is in a file', { XDG_RUNTIME_DIR: '/etc/passwd/run' }],
  ])('are the latter only, where XDG_RUNTIME_DIR %s', (_, env) => {
    expect(socketDirectories(env, 7, '/var/tmp')).toEqual(['/var/tmp/resque-runner-7']);
  });
});

describe('preparing', () => {
  test('makes the directory for its user alone', () => {
    const directory = join(temporaryDirectory(), 'made');
    expect(prepareSocketPath(directory, 17)).toBe(join(directory, '17.sock'));
    expect(modeOf(directory)).toBe(0o700);
    expect(prepareSocketPath(directory, 18)).toBe(join(directory, '18.sock'));
  });

  test.each([0o755, 0o777, 0o710, 0o500])('closes a directory of ours that has the mode %o', (mode) => {
    const directory = join(temporaryDirectory(), 'open');
    mkdirSync(directory);
    chmodSync(directory, mode);
    prepareSocketPath(directory, 17);
    expect(modeOf(directory)).toBe(0o700);
  });

  test.each([
    ['a link to a directory', (path: string) => symlinkSync(temporaryDirectory(), path), 'is no directory'],
    ['a link to nothing', (path: string) => symlinkSync('/nonexistent', path), 'is no directory'],
    ['a file', (path: string) => writeFileSync(path, ''), 'is no directory'],
  ])('refuses %s, and says what to do', (_, make, message) => {
    const path = join(temporaryDirectory(), 'it');
    make(path);
    expect(() => prepareSocketPath(path, 17)).toThrow(message);
    expect(() => prepareSocketPath(path, 17)).toThrow('set XDG_RUNTIME_DIR or TMPDIR');
  });

  test('refuses a directory of another user and leaves its mode alone', () => {
    const directory = join(temporaryDirectory(), 'theirs');
    mkdirSync(directory, { mode: 0o777 });
    const mode = modeOf(directory);
    const uid = process.getuid?.() ?? 0;
    expect(() => prepareSocketPath(directory, 17, uid + 1)).toThrow(
      'belongs to another user: have it removed',
    );
    expect(modeOf(directory)).toBe(mode);
  });

  test.runIf(process.getuid?.() === 0)('refuses what really is of another user', () => {
    const directory = join(temporaryDirectory(), 'theirs');
    mkdirSync(directory);
    chownSync(directory, 12_345, 12_345);
    expect(() => prepareSocketPath(directory, 17)).toThrow('belongs to another user');
  });

  test('says what to do where the directory cannot be made', () => {
    const prepare = () => prepareSocketPath('/nonexistent/resque-runner', 17);
    expect(prepare).toThrow(LinkError);
    expect(prepare).toThrow("/nonexistent/resque-runner can't be made (ENOENT): set XDG_RUNTIME_DIR");
  });

  test('takes a path of 107 bytes and refuses a longer one, counted in bytes', () => {
    const base = temporaryDirectory();
    const fitting = join(base, 'x'.repeat(107 - base.length - '/'.length - '/17.sock'.length));
    expect(Buffer.byteLength(prepareSocketPath(fitting, 17))).toBe(107);
    expect(() => prepareSocketPath(fitting, 170)).toThrow('longer than the 107 bytes');
    expect(() => prepareSocketPath(join(base, 'ü'.repeat(45)), 17)).toThrow('longer than the 107 bytes');
    expect(readdirSync(base)).toHaveLength(1);
  });

  test('of several directories takes the first that can be used', () => {
    const base = temporaryDirectory();
    writeFileSync(join(base, 'file'), '');
    const usable = join(base, 'usable');
    expect(prepareFirstSocketPath([join(base, 'file'), usable], 17)).toBe(join(usable, '17.sock'));
    expect(() => prepareFirstSocketPath([join(base, 'file'), '/nonexistent/x'], 17)).toThrow(
      join(base, 'file'),
    );
  });
});

describe('listening', () => {
  test('makes a socket for its user alone, and nothing else', async () => {
    const directory = temporaryDirectory();
    const { path } = await startServer(new FakeHost(), join(directory, '17.sock'));
    expect(path).toBe(join(directory, '17.sock'));
    expect([modeOf(path), lstatSync(path).isSocket()]).toEqual([0o600, true]);
    expect(readdirSync(directory)).toEqual(['17.sock']);
    expect((await peek(path))?.pid).toBe(4711);
  });

  test('takes the place of a dead one', async () => {
    const directory = temporaryDirectory();
    const wanted = join(directory, '17.sock');
    await leaveDeadSocket(wanted);
    const { path } = await startServer(hostOf(17), wanted);
    expect([path, (await peek(path))?.pid]).toEqual([wanted, 17]);
    expect(readdirSync(directory)).toEqual(['17.sock']);
  });

  test('passes live ones over', async () => {
    const directory = temporaryDirectory();
    const wanted = join(directory, '17.sock');
    const paths: string[] = [];
    for (const pid of [1, 2, 3]) paths.push((await startServer(hostOf(pid), wanted)).path);
    expect(paths).toEqual(['17.sock', '17-2.sock', '17-3.sock'].map((name) => join(directory, name)));
    expect(await Promise.all(paths.map(async (path) => (await peek(path))?.pid))).toEqual([1, 2, 3]);
  });

  test('passes over what is no socket, and leaves it alone', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, '17.sock'), 'kept');
    const { path } = await startServer(new FakeHost(), join(directory, '17.sock'));
    expect(path).toBe(join(directory, '17-2.sock'));
    expect(readdirSync(directory).toSorted()).toEqual(['17-2.sock', '17.sock']);
  });

  test('of many at once at one name, dead before or free, takes no name of another', async () => {
    for (let round = 0; round < 20; round += 1) {
      const directory = temporaryDirectory();
      const wanted = join(directory, '17.sock');
      if (round % 2 === 0) await leaveDeadSocket(wanted);
      const pids = [1, 2, 3, 4, 5];
      const started = await Promise.all(pids.map((pid) => startServer(hostOf(pid), wanted)));
      const paths = started.map(({ path }) => path);
      expect(new Set(paths).size).toBe(pids.length);
      expect(paths).toContain(wanted);
      expect(await Promise.all(paths.map(async (path) => (await peek(path))?.pid))).toEqual(pids);
      await Promise.all(started.map(({ server }) => server.close()));
      expect(readdirSync(directory)).toEqual([]);
    }
  });

  test('goes on at the next name where the dead one cannot be removed, as after a crash in the middle of it', async () => {
    const directory = temporaryDirectory();
    const wanted = join(directory, '17.sock');
    await leaveDeadSocket(wanted);
    linkSync(wanted, join(directory, `.dead-${lstatSync(wanted).ino}`));
    const { path } = await startServer(new FakeHost(), wanted);
    expect(path).toBe(join(directory, '17-2.sock'));
    expect(await probeSocket(wanted)).toBe('dead');
  });

  test('fails in words where there is no directory, or the path is too long', async () => {
    const listen = (path: string) => new LinkServer(new FakeHost()).listen(path);
    await expect(listen('/nonexistent/17.sock')).rejects.toThrow(LinkError);
    await expect(listen('/nonexistent/17.sock')).rejects.toThrow('see whether its directory exists');
    await expect(listen(`/tmp/${'x'.repeat(120)}.sock`)).rejects.toThrow('longer than the 107 bytes');
  });

  test('can be tried again with the same server, whatever it was that failed', async () => {
    const directory = temporaryDirectory();
    const server = new LinkServer(new FakeHost());
    afterThis(() => server.close());
    await expect(server.listen(join(directory, 'missing', '17.sock'))).rejects.toThrow(LinkError);
    await expect(server.listen(join(directory, `${'x'.repeat(100)}.sock`))).rejects.toThrow(LinkError);
    const path = await server.listen(join(directory, '17.sock'));
    expect((await peek(path))?.pid).toBe(4711);
    expect(readdirSync(directory)).toEqual(['17.sock']);
  });

  test('at an exact path takes it from a dead one only', async () => {
    const directory = temporaryDirectory();
    const path = join(directory, 'mine.sock');
    await leaveDeadSocket(path);
    const server = new LinkServer(hostOf(1));
    afterThis(() => server.close());
    expect(await server.listen(path, { isExact: true })).toBe(path);
    const second = new LinkServer(hostOf(2));
    await expect(second.listen(path, { isExact: true })).rejects.toThrow(`${path} is taken by a runner`);
    expect(readdirSync(directory)).toEqual(['mine.sock']);
    expect((await peek(path))?.pid).toBe(1);
  });
});

describe('closing', () => {
  test('removes the own socket only, not one that has taken its name', async () => {
    const directory = temporaryDirectory();
    const wanted = join(directory, '17.sock');
    const first = await startServer(hostOf(1), wanted);
    // As when somebody tidies up by hand and the next engine starts.
    unlinkSync(wanted);
    const second = await startServer(hostOf(2), wanted);
    expect(second.path).toBe(wanted);
    await first.server.close();
    expect((await peek(wanted))?.pid).toBe(2);
    await second.server.close();
    expect(existsSync(wanted)).toBe(false);
  });

  test('while it starts leaves no socket', async () => {
    const directory = temporaryDirectory();
    const server = new LinkServer(new FakeHost());
    const listening = server.listen(join(directory, '17.sock')).catch(() => {});
    await server.close();
    await listening;
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe('removing a dead socket', () => {
  test('does nothing to a live one, and leaves nothing behind', async () => {
    const directory = temporaryDirectory();
    const { path } = await startServer(new FakeHost(), join(directory, '17.sock'));
    expect(await removeDeadSocket(path)).toBe('taken');
    expect((await peek(path))?.pid).toBe(4711);
    expect(readdirSync(directory)).toEqual(['17.sock']);
  });

  test('does nothing to one that was put there by hand meanwhile', async () => {
    const directory = temporaryDirectory();
    const path = join(directory, '17.sock');
    const live = await startServer(new FakeHost(), join(directory, 'live.sock'));
    await leaveDeadSocket(path);
    const removed = removeDeadSocket(path);
    // It has asked the dead one already.
    unlinkSync(path);
    linkSync(live.path, path);
    await removed;
    expect((await peek(path))?.pid).toBe(4711);
    expect(readdirSync(directory).toSorted()).toEqual(['17.sock', 'live.sock']);
  });

  test('of many at once is done by one', async () => {
    const directory = temporaryDirectory();
    const path = join(directory, '17.sock');
    await leaveDeadSocket(path);
    const results = await Promise.all(Array.from({ length: 5 }, () => removeDeadSocket(path)));
    expect(results.filter((result) => result === 'gone')).toHaveLength(1);
    expect(readdirSync(directory)).toEqual([]);
    expect(await removeDeadSocket(path)).toBe('gone');
  });

  test('never hits a live one that takes its name meanwhile', async () => {
    const directory = temporaryDirectory();
    const path = join(directory, '17.sock');
    let replaced = 0;
    for (let round = 0; round < 100; round += 1) {
      await leaveDeadSocket(path);
      let isOver = false;
      const remove = async () => {
        while (!isOver) {
          await removeDeadSocket(path);
          await nextTurn();
        }
      };
      const removers = Promise.all([remove(), remove(), remove()]);
      const { server, path: used } = await startServer(hostOf(round), path);
      if (used === path) replaced += 1;
      for (let look = 0; look < 3; look += 1) expect((await peek(used))?.pid).toBe(round);
      isOver = true;
      await removers;
      await server.close();
      expect(readdirSync(directory)).toEqual([]);
    }
    expect(replaced).toBeGreaterThan(0);
  });

  test('works beside itself in another process', async () => {
    // What the removers rely on is the kernel's: link(2) fails where the name exists. Another process that
    // holds the dead one is played by its link.
    const directory = temporaryDirectory();
    const path = join(directory, '17.sock');
    await leaveDeadSocket(path);
    const holder = join(directory, `.dead-${lstatSync(path).ino}`);
    linkSync(path, holder);
    expect(await removeDeadSocket(path)).toBe('busy');
    unlinkSync(holder);
    expect(await removeDeadSocket(path)).toBe('gone');
    afterThis(() => expect(existsSync(path)).toBe(false));
  });
});
