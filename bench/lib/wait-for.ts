import { setTimeout as sleep } from 'node:timers/promises';

/** Polls every `everyMs` until the condition is met. */
export async function waitFor(
  what: string,
  condition: () => boolean | Promise<boolean>,
  { limitMs = 60_000, everyMs = 20 } = {},
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${limitMs / 1000} s for this: ${what}`);
    await sleep(everyMs);
  }
}
