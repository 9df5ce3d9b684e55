/** Notifications reach systemd's socket, whatever its address, and a socket that takes none holds up nothing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { libc } from '../../../src/engine/launch/libc.ts';
import { openDatagrams } from '../../../src/monitoring/systemd/datagrams.ts';
import { Notifier } from '../../../src/monitoring/systemd/notifier.ts';
import { MovableClock } from '../../helpers/movable-clock.ts';
import { koffi, StandIn } from './stand-in.ts';

function temporaryPath(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'rr-notify-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return join(directory, name);
}

function openNotifier(address: string) {
  const clock = new MovableClock();
  const told: string[] = [];
  const notifier = Notifier.open({
    env: { NOTIFY_SOCKET: address },
    ...{ clock, koffi },
    tell: (message) => told.push(message),
  });
  return { notifier, clock, told };
}

/** What was sent has been passed on or has failed. */
async function settle(): Promise<void> {
  await new Promise(setImmediate);
}

describe.skipIf(libc() === null)('through the C library', () => {
  test.each([
    ['a path', () => temporaryPath('notify')],
    ['an abstract name', () => `@rr-test-${process.pid}/an abstract name`],
  ])('notifications reach %s in order', async (_, addressOf) => {
    const systemd = StandIn.listen(addressOf());
    const { notifier, told } = openNotifier(systemd.address);
    for (const text of ['STATUS=one', 'READY=1\nSTATUS=zwölf', 'WATCHDOG=1']) {
      notifier?.send(text);
      await settle();
    }
    expect(systemd.read()).toEqual(['STATUS=one', 'READY=1\nSTATUS=zwölf', 'WATCHDOG=1']);
    expect([told, notifier?.isCheap]).toEqual([[], true]);
    await notifier?.close();
  });

  test('a full socket is told once, and takes the latest of each kind when it has room', async () => {
    const systemd = StandIn.listen();
    let count = 0;
    // Where the queue is long, each sender reaches its own limit first.
    for (let before = -1; before < count; ) {
      before = count;
      const filler = openDatagrams(koffi, systemd.address);
      while (filler?.send('X=1') === null) count += 1;
      filler?.close();
    }
    const { notifier, clock, told } = openNotifier(systemd.address);
    for (const text of ['READY=1', 'STATUS=old', 'WATCHDOG=1', 'STATUS=new', 'WATCHDOG=1']) {
      notifier?.send(text);
      await settle();
    }
    clock.move(1_000);
    await settle();
    expect(told).toEqual(["can't notify systemd: EAGAIN; trying again"]);
    expect(systemd.read()).toHaveLength(count);
    clock.move(1_000);
    await settle();
    expect(systemd.read().slice(count)).toEqual(['READY=1', 'STATUS=new', 'WATCHDOG=1']);
    await notifier?.close();
  });

  test('a socket that has gone is told once, and gets the rest when it is back', async () => {
    const path = temporaryPath('notify');
    const { notifier, clock, told } = openNotifier(path);
    notifier?.send('READY=1');
    await settle();
    clock.move(1_000);
    await settle();
    expect(told).toEqual(["can't notify systemd: ENOENT; trying again"]);
    const systemd = StandIn.listen(path);
    notifier?.send('WATCHDOG=1');
    await settle();
    expect(systemd.read()).toEqual(['READY=1', 'WATCHDOG=1']);
    await notifier?.close();
  });

  test('a path that no socket can have is an error like any other', async () => {
    const { notifier, told } = openNotifier(`/${'x'.repeat(108)}`);
    notifier?.send('READY=1');
    await settle();
    expect(told).toEqual(["can't notify systemd: ENAMETOOLONG; trying again"]);
    await notifier?.close();
  });
});

test('a systemd-notify that hangs does not hold up the end of the runner', async () => {
  const program = temporaryPath('systemd-notify');
  writeFileSync(program, '#!/bin/sh\nexec sleep 60\n', { mode: 0o755 });
  const clock = new MovableClock();
  const env = { NOTIFY_SOCKET: '/run/systemd/notify', PATH: `${dirname(program)}:/usr/bin:/bin` };
  const told: string[] = [];
  const notifier = Notifier.open({ ...{ env, clock, koffi: null }, tell: (message) => told.push(message) });
  for (const text of ['STOPPING=1', 'STATUS=stopping']) notifier?.send(text);
  const closed = notifier?.close();
  clock.move(1_000);
  await closed;
  notifier?.send('WATCHDOG=1');
  expect(told).toEqual([expect.stringContaining('NotifyAccess=all')]);
});

test.each(['relative/path', 'vsock:2:1234', '/', '@'])('an address like %s is refused', (address) => {
  const { notifier, told } = openNotifier(address);
  expect(notifier).toBeNull();
  expect(told).toEqual([
    `can't notify systemd: NOTIFY_SOCKET must be an absolute path or begin with @, got "${address}"`,
  ]);
});
