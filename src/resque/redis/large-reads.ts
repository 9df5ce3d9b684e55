/**
 * Reads payloads and records of any size, also from a server that limits its replies: then small values come together and
 * large ones in pieces, one reply at a time. Without a limit, each read is one command. All reject with RedisError.
 */

import { runScript, script } from './script.ts';
import type { CommandSender } from './send.ts';

/** As bytes if the name may not be UTF-8. */
export type Key = string | Buffer;

/** Sizes of a list's elements. */
const sizesScript = script(`
local sizes = {}
for i, element in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do sizes[i] = #element end
return sizes
`);

/** ARGV: index, first and last byte, counted from 1. */
const pieceScript = script(`
local element = redis.call('LRANGE', KEYS[1], ARGV[1], ARGV[1])[1] or ''
return element:sub(tonumber(ARGV[2]), tonumber(ARGV[3]))
`);

interface BatchReads {
  /** Reads this many values, from this index. */
  readonly many: (first: number, count: number) => Promise<(Buffer | null)[]>;
  /** Reads bytes `first` to `last` of the value at this index. */
  readonly piece: (at: number, first: number, last: number) => Promise<Buffer>;
}

export class LargeReads {
  readonly #sender: CommandSender;
  /** Reads wait for each other, because the limit is for all replies together. */
  #reads: Promise<unknown> = Promise.resolve();

  constructor(sender: CommandSender) {
    this.#sender = sender;
  }

  /** The largest reply to ask for, in bytes. */
  get limit(): number {
    return this.#sender.replyLimit ?? Number.POSITIVE_INFINITY;
  }

  /** The value of each key; `null` if it has none or is not a string. */
  async values(keys: readonly Key[]): Promise<(Buffer | null)[]> {
    const many = (first: number, count: number) =>
      this.#sender.command((commands) => commands.mgetBuffer(...keys.slice(first, first + count)));
    if (this.limit === Number.POSITIVE_INFINITY) return await many(0, keys.length);
    const piece = (at: number, first: number, last: number) => this.#range(keys[at] ?? '', first, last);
    return await this.#inTurn(async () => this.#inBatches(await this.#lengths(keys), { many, piece }));
  }

  /** A value of this length; `null` if another value has replaced it. */
  value(key: Key, length: number): Promise<Buffer | null> {
    return this.#inTurn(() => inPieces(length, this.limit, (first, last) => this.#range(key, first, last)));
  }

  /** All elements of a list that only grows at its end; fewer if others shorten it during the read. */
  async list(key: Key): Promise<Buffer[]> {
    const range = (first: number, last: number) =>
      this.#sender.command((commands) => commands.lrangeBuffer(key, first, last));
    if (this.limit === Number.POSITIVE_INFINITY) return await range(0, -1);
    const many = (first: number, count: number) => range(first, first + count - 1);
    const piece = async (at: number, first: number, last: number) =>
      (await runScript(this.#sender, pieceScript, 1, [key, at, first + 1, last + 1])) as Buffer;
    const elements = await this.#inTurn(async () => {
      const sizes = (await runScript(this.#sender, sizesScript, 1, [key])) as number[];
      return await this.#inBatches(sizes, { many, piece });
    });
    return elements.filter((element) => element !== null);
  }

  #range(key: Key, first: number, last: number): Promise<Buffer> {
    return this.#sender.command((commands) => commands.getrangeBuffer(key, first, last));
  }

  /** 0 if it has no value, or is not a string. */
  async #lengths(keys: readonly Key[]): Promise<number[]> {
    const replies = await this.#sender.command(async (commands) => {
      const pipeline = commands.pipeline();
      for (const key of keys) pipeline.strlen(key);
      const results = (await pipeline.exec()) ?? [];
      const refusal = results.find(([error]) => error !== null && !error.message.startsWith('WRONGTYPE'));
      if (refusal) throw refusal[0];
      return results;
    });
    return replies.map(([error, length]) => (error === null ? Number(length) : 0));
  }

  async #inBatches(sizes: readonly number[], { many, piece }: BatchReads): Promise<(Buffer | null)[]> {
    const all: (Buffer | null)[] = [];
    for (let at = 0; at < sizes.length; ) {
      const first = at;
      const count = this.#fitting(sizes.slice(first));
      if (count > 0) all.push(...(await many(first, count)));
      else all.push(await inPieces(sizes[first] ?? 0, this.limit, (...bytes) => piece(first, ...bytes)));
      at += Math.max(1, count);
    }
    return all;
  }

  /** How many values, from the first, fit into one reply. */
  #fitting(sizes: readonly number[]): number {
    let bytes = 0;
    const count = sizes.findIndex((size) => {
      bytes += size;
      return bytes > this.limit;
    });
    return count === -1 ? sizes.length : count;
  }

  #inTurn<T>(read: () => Promise<T>): Promise<T> {
    const reading = this.#reads.then(read, read);
    this.#reads = reading;
    return reading;
  }
}

/** @returns `null` if there are no more bytes before the last */
export async function inPieces(
  length: number,
  limit: number,
  read: (first: number, last: number) => Promise<Buffer>,
): Promise<Buffer | null> {
  const pieces: Buffer[] = [];
  for (let at = 0; at < length; ) {
    const piece = await read(at, Math.min(at + limit, length) - 1);
    if (piece.length === 0) return null;
    pieces.push(piece);
    at += piece.length;
  }
  return Buffer.concat(pieces);
}
