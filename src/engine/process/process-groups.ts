import { groupRuns } from '../machine/identity.ts';
import { signalGroup } from './child.ts';

const checkMs = 50;

/**
 * Ends what is left of a job's process group when the job itself has ended: TERM, and KILL `killAfter`
 * later. A group's number can't be taken by another process as long as one member is left.
 */
export class ProcessGroups {
  readonly #groups = new Map<number, { readonly killAtMs: number }>();
  #timer: NodeJS.Timeout | null = null;
  #onceGone: (() => void)[] = [];

  /** @param pid of the leader, which has just been reaped */
  end(pid: number, killAfterSeconds: number): void {
    if (!signalGroup(pid, 'SIGTERM')) return;
    this.#groups.set(pid, { killAtMs: performance.now() + killAfterSeconds * 1000 });
    this.#timer ??= setInterval(() => this.#check(), checkMs);
  }

  /** Doesn't wait any longer. */
  killNow(): void {
    for (const pid of this.#groups.keys()) signalGroup(pid, 'SIGKILL');
    this.#groups.clear();
    this.#check();
  }

  /** Resolves when none is left. */
  gone(): Promise<void> {
    if (this.#groups.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onceGone.push(resolve);
      this.#check();
    });
  }

  #check(): void {
    for (const [pid, { killAtMs }] of this.#groups) {
      const isTime = performance.now() >= killAtMs;
      // To look at all processes takes time, which is worth it only where somebody waits.
      const isLeft =
        signalGroup(pid, isTime ? 'SIGKILL' : 0) && (this.#onceGone.length === 0 || groupRuns(pid) !== false);
      // After KILL nothing is left to do: what still shows is waiting to be reaped by whoever adopted it.
      if (isTime || !isLeft) this.#groups.delete(pid);
    }
    if (this.#groups.size > 0) return;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    for (const resolve of this.#onceGone.splice(0)) resolve();
  }
}
