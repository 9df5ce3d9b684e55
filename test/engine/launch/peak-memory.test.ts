import { expect, test } from 'vitest';
import { PeakMemory } from '../../../src/engine/launch/peak-memory.ts';

test("the peak of a child is known only above this process' own", () => {
  const memory = new PeakMemory();
  const own = process.resourceUsage().maxRSS;
  expect(memory.ofChild(own)).toBeNull();
  expect(memory.ofChild(own / 2)).toBeNull();
  const more = own * 2;
  expect(memory.ofChild(more)).toBe(more * 1_024);
});
