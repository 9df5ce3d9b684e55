/** Waiting in tests: for a condition, never for a fixed time. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  /** The condition, for the error: `the job has started`. A function can add the actual state. */
  readonly message: string | (() => string);
  readonly timeoutMs?: number;
}

type Truthy<T> = Exclude<T, null | undefined | false | 0 | ''>;

const defaultTimeoutMs = 10_000;
const pollMs = 5;
/** Most conditions are met soon. Poll slow ones less often, because other processes need the CPU. */
const longestPollMs = 25;

function say(message: WaitOptions['message']): string {
  return typeof message === 'string' ? message : message();
}

/**
 * Polls until the condition returns something truthy, and returns that.
 *
 * @throws Error after `timeoutMs`. Errors of the condition are thrown immediately.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { message, timeoutMs = defaultTimeoutMs }: WaitOptions,
): Promise<Truthy<T>> {
  const start = performance.now();
  while (true) {
    const value = await condition();
    if (value) return value as Truthy<T>;
    const elapsedMs = performance.now() - start;
    if (elapsedMs > timeoutMs) throw new Error(`not within ${timeoutMs} ms: ${say(message)}`);
    await sleep(Math.min(longestPollMs, Math.max(pollMs, elapsedMs / 10)));
  }
}

/**
 * Checks that something does *not* happen: fails as soon as the condition is false within the time. A test that uses it
 * then shows that the same thing does happen after its cause is gone.
 */
export async function staysTrue(
  condition: () => boolean | Promise<boolean>,
  { message, forMs }: { readonly message: string | (() => string); readonly forMs: number },
): Promise<void> {
  const end = performance.now() + forMs;
  while (performance.now() < end) {
    if (!(await condition())) throw new Error(`not for ${forMs} ms: ${say(message)}`);
    await sleep(pollMs);
  }
}
