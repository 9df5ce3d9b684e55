/** Publishes the first of many alike facts at once, and how many have followed once a minute: a storm fills no log. */

interface Untold<T> {
  count: number;
  last: T | null;
  readonly timer: NodeJS.Timeout;
}

const intervalMs = 60_000;

export class Tally<T> {
  readonly #publish: (key: string, count: number, last: T) => void;
  readonly #untold = new Map<string, Untold<T>>();

  /** @param publish gets each fact once, as one of `count` */
  constructor(publish: (key: string, count: number, last: T) => void) {
    this.#publish = publish;
  }

  /** @param key facts with the same key are alike */
  add(key: string, fact: T): void {
    const untold = this.#untold.get(key);
    if (untold === undefined) {
      this.#publish(key, 1, fact);
      this.#wait(key);
      return;
    }
    untold.count += 1;
    untold.last = fact;
  }

  /** Publishes the rest now, for good. */
  flush(): void {
    for (const [key, untold] of this.#untold) {
      clearTimeout(untold.timer);
      this.#tell(key, untold);
    }
    this.#untold.clear();
  }

  #wait(key: string): void {
    const timer = setTimeout(() => this.#look(key), intervalMs);
    timer.unref();
    this.#untold.set(key, { count: 0, last: null, timer });
  }

  #look(key: string): void {
    const untold = this.#untold.get(key);
    this.#untold.delete(key);
    if (untold !== undefined && this.#tell(key, untold)) this.#wait(key);
  }

  /** @returns whether there was something */
  #tell(key: string, { count, last }: Untold<T>): boolean {
    if (last === null) return false;
    this.#publish(key, count, last);
    return true;
  }
}
