import { setTimeout as sleep } from 'node:timers/promises';

/** Looks every `everyMs` until the condition holds. */
export async function waitFor(
  what: string,
  condition: () => boolean | Promise<boolean>,
  { limitMs = 60_000, everyMs = 20 } = {},
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Waited ${limitMs / 1000} s in vain: ${what}`);
    await sleep(everyMs);
  }
}
