/**
 * Why queues are paused, and the pauses and slots that operators have set. A reason belongs to a place: all queues, an entry
 * or a queue. Each place has at most two:
 *
 *     place     by hand     a condition, found by the runner
 *     all       all         cluster: `pause-all-workers` is set in Redis
 *     entry     operator    unstartable: its program can't be started
 *     queue     operator    unreadable: its key in Redis is not a list
 *
 * Operators' settings stay when their queue or entry leaves the config, and apply again when it comes back.
 */
import type { PauseReason } from '../../protocol/events.ts';
import type { About, Override } from '../../resque/workers/overrides.ts';
import { type PoolPause, pauseKinds } from '../../resque/workers/runner-entry.ts';

export type Place = Exclude<About, `slots:${string}`>;

const kinds = {
  all: ['all', 'cluster'],
  entry: ['operator', 'unstartable'],
  queue: ['operator', 'unreadable'],
} as const satisfies Record<string, readonly PauseReason['kind'][]>;

/** Characters of a pause's reason in Redis. */
const longestDetail = 300;

/** By hand. */
export interface ByHand extends Override {
  /** Set if it ends with this runner, as with a signal. */
  readonly isKept?: false;
}

/** `queue:mail` → `queue` and `mail` */
export function partsOf<T extends About>(
  about: T,
): { readonly level: T extends `${infer L}:${string}` ? L : 'all'; readonly name: string } {
  const [level = '', ...name] = about.split(':');
  return { level: level as ReturnType<typeof partsOf<T>>['level'], name: name.join(':') };
}

export class Pauses {
  readonly byHand = new Map<About, ByHand>();
  readonly #conditions = new Map<Place, PauseReason>();

  get isEmpty(): boolean {
    return this.byHand.size === 0 && this.#conditions.size === 0;
  }

  has(place: Place): boolean {
    return this.byHand.has(place) || this.#conditions.has(place);
  }

  /** For people; `null` if there is none. */
  condition(place: Place): string | null {
    return this.#conditions.get(place)?.detail ?? null;
  }

  setCondition(place: Place, detail: string | null): void {
    if (detail === null) {
      this.#conditions.delete(place);
      return;
    }
    const [, kind] = kinds[partsOf(place).level];
    const sinceMs = this.#conditions.get(place)?.sinceMs ?? Date.now();
    this.#conditions.set(place, { kind, detail, sinceMs });
  }

  /** The reasons of these places. */
  at(...places: readonly Place[]): PauseReason[] {
    return places.flatMap((place) => {
      const { level, name } = partsOf(place);
      const set = this.byHand.get(place);
      const condition = this.#conditions.get(place);
      const entry = level === 'entry' ? { entry: name } : {};
      return [
        ...(set === undefined
          ? []
          : [{ kind: kinds[level][0], detail: set.by, sinceMs: set.sinceMs, ...entry }]),
        ...(condition === undefined ? [] : [condition]),
      ];
    });
  }

  /** For the runner's entry in Redis: the pauses of these places that Redis doesn't show by itself. */
  forEntry(places: readonly Place[]): PoolPause[] {
    return places.flatMap((place) => {
      const { level, name } = partsOf(place);
      const scope = { all: {}, entry: { runner: name }, queue: { queue: name } }[level];
      return this.at(place).flatMap(({ kind: any, detail: full, sinceMs }) => {
        const kind = pauseKinds.find((each) => each === any);
        const detail = full.slice(0, longestDetail).toWellFormed();
        return kind === undefined ? [] : [{ ...scope, kind, detail, sinceMs }];
      });
    });
  }
}
