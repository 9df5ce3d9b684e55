import { RedisTrouble } from './trouble.ts';

const outgrown = new RedisTrouble(
  'away',
  'it closes connections for replies above its client-output-buffer-limit: raise the one of normal clients',
);

/** Tells each trouble of an outage once. */
export class ToldTroubles {
  readonly #tell: (trouble: RedisTrouble) => void;
  readonly #told = new Set<string>();

  constructor(tell: (trouble: RedisTrouble) => void) {
    this.#tell = tell;
  }

  add(trouble: RedisTrouble): void {
    // The same trouble is worded in many ways; of permissions, each command that lacks one is a fact of its own.
    const [, command = ''] = /(?:may not run|to run the) '?(\w+)/.exec(trouble.message) ?? [];
    this.#addFact(`${trouble.kind} ${command.toUpperCase()}`, trouble);
  }

  /** Connections were closed because of what waited to be sent on them. */
  addOutgrown(): void {
    this.#addFact('outgrown', outgrown);
  }

  clear(): void {
    this.#told.clear();
  }

  #addFact(fact: string, trouble: RedisTrouble): void {
    if (this.#told.has(fact)) return;
    this.#told.add(fact);
    this.#tell(trouble);
  }
}
