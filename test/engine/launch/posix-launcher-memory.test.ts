import { writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { peakOfChild } from '../../../src/engine/launch/posix-launcher.ts';
import { waitFor } from '../../helpers/wait-for.ts';

const ownKilobytes = () => process.resourceUsage().maxRSS;

test("the peak of a child is known only above this process' own", () => {
  const own = ownKilobytes();
  expect(peakOfChild(own)).toBeNull();
  expect(peakOfChild(own / 2)).toBeNull();
  expect(peakOfChild(own * 2)).toBe(own * 2 * 1_024);
});

test.runIf(process.platform === 'linux')('and again after our own peak was reset, as exec does', async () => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  let large: Uint8Array | null = new Uint8Array(128 * 1_048_576).fill(1);
  const before = ownKilobytes();
  expect(peakOfChild(before + 64 * 1_024)).not.toBeNull();
  large = null;
  const ofChild = before - 32 * 1_024;
  await waitFor(
    () => {
      collect();
      writeFileSync('/proc/self/clear_refs', '5');
      return ownKilobytes() < ofChild - 32 * 1_024;
    },
    { message: 'the memory is free' },
  );
  expect(large).toBeNull();
  expect(peakOfChild(ofChild)).toBe(ofChild * 1_024);
});
