/**
 * Test files of a project run one after another in the same process. This makes each file restore the state of the
 * process, so that no file depends on another.
 */
import { afterAll, expect, vi } from 'vitest';

const before = look();

afterAll(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  expect(look(), 'the process, compared to before this file').toEqual(before);
});

function look(): object {
  return { directory: process.cwd(), environment: { ...process.env } };
}
