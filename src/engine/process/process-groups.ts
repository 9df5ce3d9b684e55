import { isNotStarted, type LaunchSpec, type NotStarted } from '../launch/launched-process.ts';
import { groupRuns } from '../machine/identity.ts';
import { type Child, type OutputSink, signalGroup, startChild } from './child.ts';

const checkMs = 50;

/**
 * Children, and what they leave in their process groups. When a child has ended, the rest of its group gets TERM, and KILL
 * `killAfter` later. While a member is left, no other process can get the group's number.
 */
export class ProcessGroups {
  readonly #children = new Set<Child>();
  /** When what is left of a group gets KILL, by the pid of the child that led it. */
  readonly #left = new Map<number, number>();
  #timer: NodeJS.Timeout | null = null;
  #onceGone: (() => void)[] = [];

  start(spec: LaunchSpec, sink: OutputSink, killAfterSeconds: number): Child | NotStarted {
    const child = startChild(spec, sink, killAfterSeconds);
    if (isNotStarted(child)) return child;
    this.#children.add(child);
    void child.ended.then(() => {
      this.#children.delete(child);
      this.#endRest(child.pid, killAfterSeconds);
    });
    return child;
  }

  #endRest(pid: number, killAfterSeconds: number): void {
    if (signalGroup(pid, 'SIGTERM')) {
      this.#left.set(pid, performance.now() + killAfterSeconds * 1000);
      this.#timer ??= setInterval(() => this.#check(), checkMs);
    } else if (this.#onceGone.length > 0) this.#check();
  }

  /** TERM to each child, and KILL `killAfter` later. */
  end(): void {
    for (const child of this.#children) child.end();
  }

  /** Kills without waiting any longer. */
  killNow(): void {
    for (const child of this.#children) child.kill();
    for (const pid of this.#left.keys()) signalGroup(pid, 'SIGKILL');
    this.#left.clear();
    this.#check();
  }

  /** Resolves when none is left. */
  gone(): Promise<void> {
    return new Promise((resolve) => {
      this.#onceGone.push(resolve);
      this.#check();
    });
  }

  #check(): void {
    for (const [pid, killAtMs] of this.#left) {
      const isTime = performance.now() >= killAtMs;
      // Looking at all processes takes time, so only if `gone` is being awaited.
      const isLeft =
        signalGroup(pid, isTime ? 'SIGKILL' : 0) && (this.#onceGone.length === 0 || groupRuns(pid) !== false);
      // After KILL nothing is left to do: remaining entries wait to be reaped by the process that adopted them.
      if (isTime || !isLeft) this.#left.delete(pid);
    }
    if (this.#left.size > 0) return;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    if (this.#children.size > 0) return;
    for (const resolve of this.#onceGone.splice(0)) resolve();
  }
}
