/**
 * Calls the user when trouble begins: the bell, and the terminal's title until the trouble is over. The texts are ours, with
 * nothing in them that comes from jobs, queues or Redis.
 */
import { bell, keepTitle, restoreTitle, titleSequence } from '../terminal/title.ts';
import { type Troubles, TroubleWatch } from './troubles.ts';

const program = 'resque-runner';
/** The bell is annoying enough. */
const bellPauseMs = 30_000;

export interface AttentionOptions {
  /** Writes a sequence between frames. */
  readonly write: (sequence: string) => void;
  readonly hasTitle: boolean;
}

const none: Troubles = { isRedisDown: false, unstartable: 0, isBursting: false };

export class Attention {
  readonly #options: AttentionOptions;
  readonly #watch = new TroubleWatch();
  #before = none;
  #rangAtMs = Number.NEGATIVE_INFINITY;
  /** The title of the terminal; `null`: the user's own. */
  #title: string | null = null;

  constructor(options: AttentionOptions) {
    this.#options = options;
  }

  /** @param nowMs by a clock that never goes back */
  look(model: Parameters<TroubleWatch['look']>[0], isOn: boolean, nowMs: number): void {
    const troubles = this.#watch.look(model, nowMs);
    if (isOn && isWorse(troubles, this.#before)) this.#ring(nowMs);
    this.#before = troubles;
    this.#show(isOn ? titleOf(troubles) : null);
  }

  /** The terminal has its own title again, for example after a suspension. */
  forget(): void {
    this.#title = null;
  }

  #ring(nowMs: number): void {
    if (nowMs - this.#rangAtMs < bellPauseMs) return;
    this.#rangAtMs = nowMs;
    this.#options.write(bell);
  }

  #show(title: string | null): void {
    if (title === this.#title || !this.#options.hasTitle) return;
    this.#title = title;
    // A terminal that doesn't keep titles shows our name at least.
    this.#options.write(
      title === null ? `${titleSequence(program)}${restoreTitle}${keepTitle}` : titleSequence(title),
    );
  }
}

function isWorse(now: Troubles, before: Troubles): boolean {
  return (
    (now.isRedisDown && !before.isRedisDown) ||
    now.unstartable > before.unstartable ||
    (now.isBursting && !before.isBursting)
  );
}

/** @returns `null` if there is no trouble */
function titleOf({ isRedisDown, unstartable, isBursting }: Troubles): string | null {
  if (isRedisDown) return `✗ ${program}: Redis is down`;
  if (unstartable === 1) return `✗ ${program}: a queue can't start`;
  if (unstartable > 1) return `✗ ${program}: ${unstartable} queues can't start`;
  return isBursting ? `✗ ${program}: many jobs fail` : null;
}
