import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { expect, test } from 'vitest';
import { libc } from '../../../src/engine/launch/libc.ts';
import { withFreeDescriptors } from './launchers.ts';

/** Resident pages of files, kB. */
function filePages(): number {
  return Number(/^RssFile:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}

/** Brings all of Node's code into memory: another test of this process may have let go of it. */
function readCode(): void {
  const memory = openSync('/proc/self/mem', 'r');
  const chunk = Buffer.alloc(1024 * 1024);
  for (const line of readFileSync('/proc/self/maps', 'utf8').split('\n')) {
    const [, from = '', to = ''] = /^([0-9a-f]+)-([0-9a-f]+) r-xp /.exec(line) ?? [];
    if (!line.endsWith(process.execPath)) continue;
    for (let at = Number(`0x${from}`); at < Number(`0x${to}`); at += chunk.length)
      readSync(memory, chunk, 0, chunk.length, at);
  }
  closeSync(memory);
}

test.skipIf(libc() === null)(
  "pages of Node's own code are let go, and come back where they are needed",
  () => {
    readCode();
    const before = filePages();
    libc()?.releaseCode();
    expect(filePages()).toBeLessThan(before - 8 * 1024);
    // All of Node still works: its code is read again as it is used.
    expect(JSON.parse(JSON.stringify({ text: 'ä'.normalize('NFD') }))).toEqual({ text: 'a\u0308' });
    expect([3, 1, 2].toSorted()).toEqual([1, 2, 3]);
  },
);

test.skipIf(libc() === null)('when no descriptor is left, they stay where they are', () => {
  withFreeDescriptors(0, () => expect(() => libc()?.releaseCode()).not.toThrow());
});
