/** A client reaches only sockets of its user and of root, and only if no other user can replace them. */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { connectTo } from '../../../src/link/client/connect-to.ts';
import { holdSocket } from '../../../src/link/sockets/held-socket.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { FakeHost } from '../fake-host.ts';
import { afterThis, pidAt, startServer, temporaryDirectory } from '../stage.ts';

const own = process.getuid?.() ?? 0;
const isRoot = own === 0;
const nobody = 65_534;
/** A user other than root and the test's own. */
const caller = isRoot ? 65_533 : own + 1;

/** @returns its path */
async function startEngine(directory = temporaryDirectory(), pid = 4711): Promise<string> {
  const host = new FakeHost();
  const { path } = await startServer(
    Object.assign(host, { hello: { ...host.hello, pid } }),
    join(directory, '1.sock'),
  );
  return path;
}

async function owner(path: string, uid = own): Promise<number> {
  const { socket, ownerUid } = await connectTo(path, uid);
  socket.destroy();
  return ownerUid;
}

describe('a socket', () => {
  test('of the caller can be reached', async () => {
    expect(await owner(await startEngine())).toBe(own);
  });

  test('of another user is refused; the message names the owner and the fix', async () => {
    const path = await startEngine();
    if (isRoot) chownSync(path, nobody, nobody);
    await expect(owner(path, caller)).rejects.toThrow(
      isRoot
        ? `${path} belongs to user nobody, so it can't be trusted: attach as nobody or as root`
        : `${path} belongs to user `,
    );
  });

  test.runIf(isRoot)('of any user can be reached by root, who learns the owner', async () => {
    const directory = temporaryDirectory();
    const path = await startEngine(directory);
    chownSync(path, nobody, nobody);
    chownSync(directory, nobody, nobody);
    expect(await owner(path)).toBe(nobody);
    expect(await owner(path, nobody)).toBe(nobody);
  });

  test.runIf(isRoot)('of root can be reached by others', async () => {
    const directory = temporaryDirectory();
    expect(await owner(await startEngine(directory), caller)).toBe(0);
  });

  test.runIf(isRoot)(
    'that another user has put into a shared directory is refused; the message names the owner',
    async () => {
      const directory = temporaryDirectory();
      chmodSync(directory, 0o1777);
      const path = join(directory, '1.sock');
      const program = `require('node:net').createServer().listen(${JSON.stringify(path)})`;
      const child = spawn(process.execPath, ['-e', program], { uid: nobody, gid: nobody, stdio: 'ignore' });
      afterThis(() => child.kill('SIGKILL'));
      await waitFor(() => existsSync(path), { message: 'it listens' });
      await expect(owner(path, caller)).rejects.toThrow(`${path} belongs to user nobody`);
      expect(await owner(path)).toBe(nobody);
    },
  );

  test('that is a regular file is refused', async () => {
    const path = join(temporaryDirectory(), '1.sock');
    writeFileSync(path, '');
    await expect(owner(path)).rejects.toThrow(`${path} is not a socket`);
  });
});

describe('its directory', () => {
  test.runIf(isRoot)('is refused if it belongs to another user', async () => {
    const directory = temporaryDirectory();
    const path = await startEngine(directory);
    chownSync(directory, nobody, nobody);
    await expect(owner(path, caller)).rejects.toThrow(
      `user nobody owns ${directory} and can replace ${path}: give the runner a socket in a directory of yours`,
    );
  });

  test('is refused if every user can replace the socket, even for root', async () => {
    const directory = temporaryDirectory();
    const path = await startEngine(directory);
    chmodSync(directory, 0o777);
    await expect(owner(path)).rejects.toThrow(
      `every user of this machine can replace ${path}: chmod o-w ${directory}, or chmod +t`,
    );
    chmodSync(directory, 0o1777);
    expect(await owner(path)).toBe(own);
  });

  test('need not be readable', async () => {
    const directory = temporaryDirectory();
    const path = await startEngine(directory);
    chmodSync(directory, 0o300);
    expect(await owner(path)).toBe(own);
    chmodSync(directory, 0o700);
  });
});

describe('links', () => {
  test('of the caller are followed, to the socket and to its directory', async () => {
    const path = await startEngine();
    const link = join(temporaryDirectory(), 'link');
    symlinkSync(path, link);
    expect(await owner(link)).toBe(own);
    rmSync(link);
    symlinkSync(join(path, '..'), link);
    expect(await owner(join(link, '..', 'link', './1.sock'))).toBe(own);
  });

  test.runIf(isRoot)('of other users are not followed anywhere on the path', async () => {
    const path = await startEngine();
    const directory = temporaryDirectory();
    const link = join(directory, 'link');
    symlinkSync(join(path, '..'), link);
    lchownSync(link, nobody, nobody);
    symlinkSync('link/1.sock', join(directory, 'second'));
    for (const name of ['link/1.sock', 'second']) {
      await expect(owner(join(directory, name), caller)).rejects.toThrow(
        `${link} is a link of user nobody, who can change where it leads: give the path of the socket itself`,
      );
    }
  });

  test('in a circle are refused', async () => {
    const link = join(temporaryDirectory(), 'link');
    symlinkSync('link', link);
    await expect(owner(link)).rejects.toThrow('too many links');
  });
});

describe('between the check and the connection', () => {
  test.runIf(process.platform === 'linux')(
    'a directory that replaces its directory changes nothing',
    async () => {
      const base = temporaryDirectory();
      mkdirSync(join(base, 'run'));
      const path = await startEngine(join(base, 'run'), 1);
      const held = holdSocket(path, own);
      afterThis(() => held.release());
      renameSync(join(base, 'run'), join(base, 'away'));
      mkdirSync(join(base, 'run'));
      await startEngine(join(base, 'run'), 2);
      expect(await pidAt(path)).toBe(2);
      expect(await pidAt(held.address)).toBe(1);
      expect(held.isSame()).toBe(true);
    },
  );

  test('a socket that replaces it is noticed', async () => {
    const directory = temporaryDirectory();
    const path = await startEngine(directory, 1);
    const held = holdSocket(path, own);
    afterThis(() => held.release());
    renameSync(path, join(directory, 'away'));
    expect(held.isSame()).toBe(false);
    await startEngine(directory, 2);
    const socket = createConnection(held.address);
    afterThis(() => socket.destroy());
    expect(held.isSame()).toBe(false);
  });
});
