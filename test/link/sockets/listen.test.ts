/** A server gets the name that others look for; no live one ever loses its name. */
import { existsSync, linkSync, lstatSync, readdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { LinkError } from '../../../src/link/link-errors.ts';
import { LinkServer } from '../../../src/link/server/server.ts';
import { removeDeadSocket } from '../../../src/link/sockets/listen.ts';
import { look } from '../../../src/link/sockets/peek.ts';
import { randomCases } from '../../helpers/random-cases.ts';
import { FakeHost } from '../fake-host.ts';
import { afterThis, pidAt, startServer, temporaryDirectory } from '../stage.ts';

/** A socket without a listener, as a killed engine leaves it. */
async function leaveDeadSocket(path: string): Promise<void> {
  const { server, path: used } = await startServer(new FakeHost(), `${path}.x.sock`);
  linkSync(used, path);
  await server.close();
  expect(await look(path)).toBe('dead');
}

function hostOf(pid: number): FakeHost {
  const host = new FakeHost();
  return Object.assign(host, { hello: { ...host.hello, pid } });
}

function wantedPath(): { directory: string; path: string } {
  const directory = temporaryDirectory();
  return { directory, path: join(directory, '17.sock') };
}

describe('listening', () => {
  test('makes a socket for its user only, and nothing else', async () => {
    const { directory, path } = wantedPath();
    await startServer(new FakeHost(), path);
    expect([lstatSync(path).mode & 0o777, lstatSync(path).isSocket()]).toEqual([0o600, true]);
    expect(readdirSync(directory)).toEqual(['17.sock']);
    expect(await pidAt(path)).toBe(4711);
  });

  test('replaces a dead socket', async () => {
    const { directory, path } = wantedPath();
    await leaveDeadSocket(path);
    await startServer(hostOf(17), path);
    expect(await pidAt(path)).toBe(17);
    expect(readdirSync(directory)).toEqual(['17.sock']);
  });

  test('is refused at a live socket, and at a file that is not a socket', async () => {
    const { directory, path } = wantedPath();
    await startServer(hostOf(1), path);
    const file = join(directory, 'file.sock');
    writeFileSync(file, 'kept');
    for (const taken of [path, file]) {
      await expect(startServer(hostOf(2), taken)).rejects.toThrow(`${taken} is in use by a runner`);
    }
    expect(await pidAt(path)).toBe(1);
    expect(readdirSync(directory).toSorted()).toEqual(['17.sock', 'file.sock']);
  });

  test('of many at the same name, free or dead, is granted to one', async () => {
    for (let round = 0; round < randomCases(20); round += 1) {
      const { directory, path } = wantedPath();
      if (round % 2 === 0) await leaveDeadSocket(path);
      const servers = await Promise.allSettled([1, 2, 3, 4, 5].map((pid) => startServer(hostOf(pid), path)));
      const started = servers.flatMap((each, at) =>
        each.status === 'fulfilled' ? [{ ...each.value, at }] : [],
      );
      expect(started).toHaveLength(1);
      expect(await pidAt(path)).toBe((started[0]?.at ?? 0) + 1);
      await started[0]?.server.close();
      expect(readdirSync(directory)).toEqual([]);
    }
  });

  test('explains why it fails if there is no directory or the path is too long', async () => {
    const listen = (path: string) => new LinkServer(new FakeHost()).listen(path);
    await expect(listen('/nonexistent/17.sock')).rejects.toThrow(LinkError);
    await expect(listen('/nonexistent/17.sock')).rejects.toThrow('check whether its directory exists');
    await expect(listen(`/tmp/${'x'.repeat(120)}.sock`)).rejects.toThrow('longer than 107 bytes');
  });

  test('can be tried again with the same server after any failure', async () => {
    const { directory, path } = wantedPath();
    const server = new LinkServer(new FakeHost());
    afterThis(() => server.close());
    await expect(server.listen(join(directory, 'missing', '17.sock'))).rejects.toThrow(LinkError);
    await expect(server.listen(join(directory, `${'x'.repeat(100)}.sock`))).rejects.toThrow(LinkError);
    await server.listen(path);
    expect(await pidAt(path)).toBe(4711);
    expect(readdirSync(directory)).toEqual(['17.sock']);
  });
});

describe('closing', () => {
  test('removes only its own socket, not one that has replaced it', async () => {
    const { path } = wantedPath();
    const first = await startServer(hostOf(1), path);
    // For example, a user tidies up by hand and the next engine starts.
    unlinkSync(path);
    const second = await startServer(hostOf(2), path);
    await first.server.close();
    expect(await pidAt(path)).toBe(2);
    await second.server.close();
    expect(existsSync(path)).toBe(false);
  });

  test('during the start leaves no socket', async () => {
    const { directory, path } = wantedPath();
    const server = new LinkServer(new FakeHost());
    const listening = server.listen(path).catch(() => {});
    await server.close();
    await listening;
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe('removing a dead socket', () => {
  test('does nothing to a live one, and leaves nothing behind', async () => {
    const { directory, path } = wantedPath();
    await startServer(new FakeHost(), path);
    expect(await removeDeadSocket(path)).toBe('taken');
    expect(await pidAt(path)).toBe(4711);
    expect(readdirSync(directory)).toEqual(['17.sock']);
  });

  test('gives a live one back its name if that has replaced the dead one since', async () => {
    const { directory, path } = wantedPath();
    const live = await startServer(new FakeHost(), join(directory, 'live.sock'));
    await leaveDeadSocket(path);
    const removed = removeDeadSocket(path);
    // The dead one has been asked already.
    unlinkSync(path);
    linkSync(live.path, path);
    expect(await removed).toBe('taken');
    expect(await pidAt(path)).toBe(4711);
    expect(readdirSync(directory).toSorted()).toEqual(['17.sock', 'live.sock']);
  });

  test('works several times at once', async () => {
    const { directory, path } = wantedPath();
    await leaveDeadSocket(path);
    const states = await Promise.all(Array.from({ length: 5 }, () => removeDeadSocket(path)));
    expect(states).toEqual(Array(5).fill('gone'));
    expect(readdirSync(directory)).toEqual([]);
  });

  test('never takes the name of a live one that replaces it at the same time', async () => {
    const { directory, path } = wantedPath();
    for (let round = 0; round < randomCases(100); round += 1) {
      await leaveDeadSocket(path);
      let isOver = false;
      const remove = async () => {
        while (!isOver) {
          await removeDeadSocket(path);
          await nextTurn();
        }
      };
      const removers = Promise.all([remove(), remove(), remove()]);
      const { server } = await startServer(hostOf(round), path);
      for (let check = 0; check < 3; check += 1) expect(await pidAt(path)).toBe(round);
      isOver = true;
      await removers;
      await server.close();
      expect(readdirSync(directory)).toEqual([]);
    }
  });
});
