/**
 * Reads payloads and records of any size from a server that limits its replies: what is larger comes in pieces, one at a
 * time. Without a limit each read is one command. All reject with RedisTrouble.
 */
import { pipelined } from './bulk-reads.ts';
import { runScript } from './run-script.ts';
import { script } from './script.ts';
import type { CommandSender } from './send.ts';

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

/** Reads the bytes from `first` up to `last`. */
type ReadPiece = (first: number, last: number) => Promise<Buffer>;

export class LargeReads {
  /** False if this user may not read pieces; everything then comes whole. */
  mayReadPieces = true;
  readonly #sender: CommandSender;
  /** The reads so far, one after the other: their replies together may be no larger. */
  #reads: Promise<unknown> = Promise.resolve();

  constructor(sender: CommandSender) {
    this.#sender = sender;
  }

  /** Bytes that a reply may have. */
  get limit(): number {
    return this.mayReadPieces
      ? (this.#sender.replyLimit ?? Number.POSITIVE_INFINITY)
      : Number.POSITIVE_INFINITY;
  }

  /** Of each key: its value, `null` where it has none or is no string. */
  async values(...keys: string[]): Promise<(Buffer | null)[]> {
    const all = () => this.#sender.command((commands) => commands.mgetBuffer(...keys));
    if (this.limit === Number.POSITIVE_INFINITY) return await all();
    return await this.#inTurn(async () => {
      const replies = await pipelined(this.#sender, (pipeline) => {
        for (const key of keys) pipeline.strlen(key);
      });
      const lengths = replies.map((length) => (typeof length === 'number' ? length : 0));
      if (sum(lengths) <= this.limit) return await all();
      const values: (Buffer | null)[] = [];
      for (const [at, key] of keys.entries()) values.push(await this.#valueOf(key, lengths[at] ?? 0));
      return values;
    });
  }

  /** A value of so many bytes; `null` if it is another by now. */
  value(key: string, length: number): Promise<Buffer | null> {
    return this.#inTurn(() => this.#valueOf(key, length));
  }

  /** All elements of a list that only grows at its end. */
  async list(key: string): Promise<Buffer[]> {
    const range = (first: number, last: number) =>
      this.#sender.command((commands) => commands.lrangeBuffer(key, first, last));
    if (this.limit === Number.POSITIVE_INFINITY) return await range(0, -1);
    return await this.#inTurn(async () => {
      const sizes = (await runScript(this.#sender, sizesScript, 1, [key])) as number[];
      const elements: Buffer[] = [];
      while (elements.length < sizes.length) {
        const first = elements.length;
        const count = this.#fitting(sizes.slice(first));
        if (count > 0) elements.push(...(await range(first, first + count - 1)));
        else
          elements.push(
            await this.#pieces(sizes[first] ?? 0, (...bytes) => this.#elementPiece(key, first, ...bytes)),
          );
        // Someone else has emptied it.
        if (elements.length < first + Math.max(1, count)) break;
      }
      return elements;
    });
  }

  async #valueOf(key: string, length: number): Promise<Buffer | null> {
    const bytes = await this.#pieces(length, (first, last) =>
      this.#sender.command((commands) => commands.getrangeBuffer(key, first, last)),
    );
    return length > 0 && bytes.length === length ? bytes : null;
  }

  async #elementPiece(key: string, index: number, first: number, last: number): Promise<Buffer> {
    return (await runScript(this.#sender, pieceScript, 1, [key, index, first + 1, last + 1])) as Buffer;
  }

  async #pieces(length: number, read: ReadPiece): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (let at = 0; at < length; at += this.limit) {
      pieces.push(await read(at, Math.min(at + this.limit, length) - 1));
    }
    return Buffer.concat(pieces);
  }

  /** How many of the first ones fit into a reply. */
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

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
