/**
 * What operators have set by hand in this runner: pauses and slots that differ from the config, by what they are about. They
 * survive HUP. `lifecycle/override-keeper.ts` keeps them in Redis, so that they survive a restart, too.
 *
 * An override may be about a queue or an entry that isn't in the config. Then it does nothing, until the config has it again.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Override } from '../../resque/workers/overrides.ts';

export class Overrides {
  /** Called after each change that Redis doesn't have yet. */
  onChange: () => void = () => {};
  readonly #all = new Map<string, Override>();
  /** What has changed since Redis was told. */
  readonly #untold = new Set<string>();
  /** What Redis has kept may differ from this, until it is restored. */
  #isRestored = false;
  /** The config's word in everything, also in what Redis has kept. */
  #isCleared = false;

  get(about: string): Override | null {
    return this.#all.get(about) ?? null;
  }

  get isAny(): boolean {
    return this.#all.size > 0;
  }

  /** @param override `null`: the config's word again */
  set(about: string, override: Override | null): void {
    const isNews = override === null && !this.#isRestored;
    if (!isNews && isDeepStrictEqual(this.get(about), override)) return;
    if (override === null) this.#all.delete(about);
    else this.#all.set(about, override);
    this.#untold.add(about);
    this.onChange();
  }

  /** The config's word again, in everything. */
  clear(): void {
    this.#isCleared = !this.#isRestored;
    for (const about of [...this.#all.keys()]) this.set(about, null);
  }

  /** Takes over what Redis has kept. What was changed here since is newer. */
  restore(kept: ReadonlyMap<string, Override>): void {
    for (const [about, override] of kept) {
      if (this.#untold.has(about)) continue;
      if (this.#isCleared) this.#untold.add(about);
      else this.#all.set(about, override);
    }
    this.#isRestored = true;
  }

  /** Redis has lost data: it must be told everything again. */
  tellAll(): void {
    for (const about of this.#all.keys()) this.#untold.add(about);
  }

  /** What Redis must be told, as it is now. */
  get untold(): ReadonlyMap<string, Override | null> {
    return new Map([...this.#untold].map((about) => [about, this.get(about)]));
  }

  /** Redis has these. What has changed while it was told remains untold. */
  told(saved: ReadonlyMap<string, Override | null>): void {
    for (const [about, override] of saved) if (this.get(about) === override) this.#untold.delete(about);
  }
}
