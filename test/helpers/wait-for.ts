/**
 * Waiting in tests: for a condition, never for a span of time.
 */
import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  /** What is waited for, for the error: `the job has started`. A function can add what was seen instead. */
  readonly message: string | (() => string);
  readonly timeoutMs?: number;
}

type Truthy<T> = Exclude<T, null | undefined | false | 0 | ''>;

const defaultTimeoutMs = 10_000;
const pollMs = 5;
/** Nearly all that is waited for comes soon. What takes longer is looked at less often: those who are to bring it need the CPU. */
const longestPollMs = 25;

function say(message: WaitOptions['message']): string {
  return typeof message === 'string' ? message : message();
}

/**
 * Polls until the condition returns something truthy, and returns that.
 *
 * @throws Error after `timeoutMs`; whatever the condition throws, at once.
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
    if (elapsedMs > timeoutMs) throw new Error(`Not within ${timeoutMs} ms: ${say(message)}`);
    await sleep(Math.min(longestPollMs, Math.max(pollMs, elapsedMs / 10)));
  }
}

/**
 * For what must *not* happen: fails as soon as the condition is false within the span. A test that uses it
 * goes on to show that the same thing does happen once its cause is gone.
 */
export async function staysTrue(
  condition: () => boolean | Promise<boolean>,
  { message, forMs }: { readonly message: string | (() => string); readonly forMs: number },
): Promise<void> {
  const end = performance.now() + forMs;
  while (performance.now() < end) {
    if (!(await condition())) throw new Error(`Did not stay so for ${forMs} ms: ${say(message)}`);
    await sleep(pollMs);
  }
}
