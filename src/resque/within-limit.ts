/**
 * A limit on how long a reply may take. Commands are many and nearly all are answered within a millisecond, so that a
 * timer for each would cost more than the waiting: one stands for all, and is not moved when a reply comes.
 */
import { RedisTrouble } from './trouble.ts';

/** A peer that takes a connection or a command and doesn't answer is found after this time. */
export const answerLimitMs = 10_000;
/** Between the end of the limit and the look that decides. */
const lastLookMs = 100;
const never = Number.POSITIVE_INFINITY;

interface Waiting {
  readonly limitMs: number;
  readonly deadlineMs: number;
  readonly giveUp: (trouble: RedisTrouble) => void;
  /** Whether its time was over when it was last looked at. */
  isOverdue: boolean;
}

const all = new Set<Waiting>();
let timer: NodeJS.Timeout | null = null;
let timerAtMs = never;

/**
 * The reply, or RedisTrouble where it doesn't come in time.
 *
 * A process that was stopped for longer (SIGSTOP, a laptop's lid) finds the time over before it has read what came
 * meanwhile, and what came may be a job: so a reply is given up only when it is still missing at the next look.
 */
export function withinLimit<T>(reply: Promise<T>, limitMs = answerLimitMs): Promise<T> {
  if (limitMs === never) return reply;
  return new Promise((resolve, reject) => {
    const waiting = { limitMs, deadlineMs: performance.now() + limitMs, giveUp: reject, isOverdue: false };
    all.add(waiting);
    lookAt(waiting.deadlineMs);
    reply.then(
      (value) => {
        all.delete(waiting);
        resolve(value);
      },
      (error: unknown) => {
        all.delete(waiting);
        reject(error as Error);
      },
    );
  });
}

/** The earliest look that was asked for is the one that there will be. */
function lookAt(atMs: number): void {
  if (atMs >= timerAtMs) return;
  if (timer !== null) clearTimeout(timer);
  timerAtMs = atMs;
  timer = setTimeout(look, Math.max(1, atMs - performance.now()));
}

function look(): void {
  timer = null;
  timerAtMs = never;
  const nowMs = performance.now();
  let nextMs = never;
  for (const waiting of all) {
    if (nowMs < waiting.deadlineMs) {
      nextMs = Math.min(nextMs, waiting.deadlineMs);
    } else if (waiting.isOverdue) {
      all.delete(waiting);
      waiting.giveUp(new RedisTrouble('away', `no answer within ${waiting.limitMs / 1000} s`));
    } else {
      waiting.isOverdue = true;
      nextMs = Math.min(nextMs, nowMs + lastLookMs);
    }
  }
  if (nextMs !== never) lookAt(nextMs);
}
