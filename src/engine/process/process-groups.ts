import { groupRuns } from '../machine/identity.ts';
import { signalGroup } from './child.ts';

const checkMs = 50;

/**
 * Ends what is left of a job's process group after the job itself has ended: TERM, and KILL `killAfter` later. While a
 * member is left, no other process can get the group's number.
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

  /** Kills without waiting any longer. */
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
      // Looking at all processes takes time, so only if `gone` is being awaited.
      const isLeft =
        signalGroup(pid, isTime ? 'SIGKILL' : 0) && (this.#onceGone.length === 0 || groupRuns(pid) !== false);
      // After KILL nothing is left to do: remaining entries wait to be reaped by the process that adopted them.
      if (isTime || !isLeft) this.#groups.delete(pid);
    }
    if (this.#groups.size > 0) return;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    for (const resolve of this.#onceGone.splice(0)) resolve();
  }
}
