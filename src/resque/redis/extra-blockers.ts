/**
 * Connections of one session that may block, beside its first: one for each name, made when it is first needed.
 * They go with the session.
 */
import type { Redis } from './connection.ts';

interface Blocker {
  readonly connection: Redis;
  readonly id: number;
}

export class ExtraBlockers {
  readonly #open: () => Redis;
  readonly #connect: (connection: Redis) => Promise<number>;
  readonly #byName = new Map<string, Promise<Blocker>>();
  readonly #connections: Redis[] = [];
  readonly #ids: number[] = [];

  /** @param connect connects, and says the connection's id in Redis */
  constructor(open: () => Redis, connect: (connection: Redis) => Promise<number>) {
    this.#open = open;
    this.#connect = connect;
  }

  get connections(): readonly Redis[] {
    return this.#connections;
  }

  get ids(): readonly number[] {
    return this.#ids;
  }

  get(name: string): Promise<Blocker> {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const opening = this.#openBlocker();
    this.#byName.set(name, opening);
    return opening;
  }

  /** @returns `null` where there is none of this name */
  async idOf(name: string): Promise<number | null> {
    return (await this.#byName.get(name))?.id ?? null;
  }

  async #openBlocker(): Promise<Blocker> {
    const connection = this.#open();
    this.#connections.push(connection);
    const id = await this.#connect(connection);
    this.#ids.push(id);
    return { connection, id };
  }
}
