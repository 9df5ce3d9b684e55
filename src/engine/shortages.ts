/**
 * Entries that the machine gives fewer children than they have slots: it has no descriptor, process or memory left.
 * Such an entry gets by with the children that it has, and tries for twice as many after a pause.
 *
 *     enough ──a start is refused──▶ short ──pause over──▶ twice as many ──…──▶ all slots, nothing refused for 10 s ──▶ enough
 *                                      ▲                        │
 *                                      └──refused: longer pause─┘
 *
 * An entry with no child at all also tries when a child of another entry ends. Its trouble is told once.
 */
import type { EngineFact } from '../protocol/events.ts';
import type { Runner } from './runner.ts';

/** What the system says when it has no more of something: not a fault of the program that it was to start. */
const refusals = {
  EMFILE: 'too many open files (EMFILE): raise the limit of open files (ulimit -n), or lower concurrency',
  ENFILE: 'too many open files on this machine (ENFILE): raise fs.file-max, or lower concurrency',
  EAGAIN:
    'too many processes (EAGAIN): raise the limit of processes (ulimit -u, pids.max), or lower concurrency',
  ENOMEM: 'not enough memory (ENOMEM): add memory, or lower concurrency',
} as const;

export type Refusal = keyof typeof refusals;

/** @param reason why a start failed, as the system says it: `spawn ./job EMFILE` */
export function refusalIn(reason: string): Refusal | null {
  const code = /^spawn\b.*\b(EMFILE|ENFILE|EAGAIN|ENOMEM)$/s.exec(reason)?.[1];
  return (code as Refusal | undefined) ?? null;
}

export interface ShortagesHooks {
  readonly publish: (fact: EngineFact) => void;
  readonly runners: () => readonly Runner[];
  /** Children of an entry that run a job or stand by for one. */
  readonly childrenOf: (runner: Runner) => number;
  /** Whether any of them stands by. */
  readonly hasIdle: (runner: Runner) => boolean;
  /** More children may be started. */
  readonly onMore: () => void;
}

interface Trouble {
  /** What was told of it. */
  readonly told: Set<Refusal>;
  pauseMs: number;
  /** Until then a refusal is no news. */
  pausedUntilMs: number;
  triedAtMs: number;
  timer: NodeJS.Timeout;
}

const firstPauseMs = 1_000;
const longestPauseMs = 30_000;
/** A trouble is over after so long without a refusal of any entry. */
const calmMs = 10_000;
/** Between the end of a child and a try of an entry that has none: four tries a second, at most. */
const afterEndMs = 250;

export class Shortages {
  readonly #hooks: ShortagesHooks;
  readonly #troubles = new Map<Runner, Trouble>();
  #afterEnd: NodeJS.Timeout | null = null;
  #refusedAtMs = 0;

  constructor(hooks: ShortagesHooks) {
    this.#hooks = hooks;
  }

  /** The system has just refused to start a child. */
  refused(runner: Runner, refusal: Refusal): void {
    const now = performance.now();
    const before = this.#troubles.get(runner);
    runner.ceiling = this.#hooks.childrenOf(runner);
    this.#refusedAtMs = now;
    if (before !== undefined && now < before.pausedUntilMs) {
      this.#tell(runner, before, refusal);
      return;
    }
    const pauseMs = Math.min(longestPauseMs, 2 * (before?.pauseMs ?? firstPauseMs / 2));
    this.#tell(runner, this.#begin(runner, pauseMs), refusal);
    if (runner.ceiling === 0) this.#share(runner, refusal);
  }

  #begin(runner: Runner, pauseMs: number): Trouble {
    const now = performance.now();
    const before = this.#troubles.get(runner);
    clearTimeout(before?.timer);
    const trouble: Trouble = {
      told: before?.told ?? new Set(),
      pauseMs,
      pausedUntilMs: now + pauseMs,
      triedAtMs: now,
      timer: setTimeout(() => this.#tryMore(runner), pauseMs).unref(),
    };
    this.#troubles.set(runner, trouble);
    return trouble;
  }

  /** Where others have everything, one of them gives up a child: at once if that waits for a job, else at its end. */
  #share(starving: Runner, refusal: Refusal): void {
    const { runners, childrenOf, hasIdle, onMore } = this.#hooks;
    const rich = runners().filter(
      (runner) => runner !== starving && (childrenOf(runner) > 1 || hasIdle(runner)),
    );
    const [donor] = rich.sort((a, b) => childrenOf(b) - childrenOf(a));
    if (donor === undefined) return;
    donor.ceiling = childrenOf(donor) - 1;
    if (!this.#troubles.has(donor)) this.#tell(donor, this.#begin(donor, firstPauseMs), refusal);
    onMore();
  }

  #tell(runner: Runner, trouble: Trouble, refusal: Refusal): void {
    if (trouble.told.has(refusal)) return;
    trouble.told.add(refusal);
    const sinceMs = runner.throttled?.sinceMs ?? Date.now();
    const { pauseMs } = trouble;
    const shortage = refusals[refusal];
    runner.throttled = { exitCode: null, signal: null, lastWords: '', shortage, pauseMs, sinceMs };
    this.#hooks.publish({ type: 'runner.throttled', runner: runner.key, throttled: runner.throttled });
  }

  #tryMore(runner: Runner): void {
    const trouble = this.#troubles.get(runner);
    if (trouble === undefined) return;
    // What becomes free is for those first that have nothing.
    const isOthersTurn =
      runner.ceiling !== 0 && [...this.#troubles.keys()].some(({ ceiling }) => ceiling === 0);
    const wanted = Math.max(1, 2 * (runner.ceiling ?? runner.concurrency));
    if (!isOthersTurn) runner.ceiling = Math.min(wanted, runner.concurrency);
    trouble.triedAtMs = performance.now();
    if (this.#isCalm) this.#forget(runner, trouble);
    else trouble.timer = setTimeout(() => this.#tryMore(runner), trouble.pauseMs).unref();
    this.#hooks.onMore();
  }

  /** As long as one entry has less than it should, the next start of another may be the one that is refused. */
  get #isCalm(): boolean {
    const hasAll = ({ ceiling, concurrency }: Runner) => ceiling === null || ceiling >= concurrency;
    return performance.now() - this.#refusedAtMs >= calmMs && [...this.#troubles.keys()].every(hasAll);
  }

  /** A child has ended: what it had may do for an entry that has none. */
  ended(): void {
    if (this.#troubles.size === 0 || this.#afterEnd !== null) return;
    this.#afterEnd = setTimeout(() => {
      this.#afterEnd = null;
      // One after the other, or the first of them would always be the same.
      const starving = [...this.#troubles].filter(([{ ceiling }]) => ceiling === 0);
      const [next] = starving.sort(([, a], [, b]) => a.triedAtMs - b.triedAtMs);
      if (next === undefined) return;
      const [runner, trouble] = next;
      runner.ceiling = 1;
      trouble.triedAtMs = performance.now();
      this.#hooks.onMore();
    }, afterEndMs).unref();
  }

  /** The config was read anew: what was wrong may be right. */
  review(): void {
    if (this.#troubles.size === 0) return;
    for (const [runner, trouble] of this.#troubles) this.#forget(runner, trouble);
    this.#hooks.onMore();
  }

  #forget(runner: Runner, { timer }: Trouble): void {
    clearTimeout(timer);
    this.#troubles.delete(runner);
    runner.ceiling = null;
    runner.throttled = null;
    this.#hooks.publish({ type: 'runner.unthrottled', runner: runner.key });
  }

  stop(): void {
    for (const { timer } of this.#troubles.values()) clearTimeout(timer);
    if (this.#afterEnd !== null) clearTimeout(this.#afterEnd);
  }
}
