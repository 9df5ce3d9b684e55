import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { libc } from '../../../src/engine/launch/libc.ts';
import { withFreeDescriptors } from './launchers.ts';

/** Resident pages of files, kB. */
function filePages(): number {
  return Number(/^RssFile:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}

test.skipIf(libc() === null)(
  "pages of Node's own code are let go, and come back where they are needed",
  () => {
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
