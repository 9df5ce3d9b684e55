/**
 * Reads many keys in few round trips. A key of the wrong type is a result and not an error, so the rest can still be read.
 * All reject with RedisError.
 */
import type { Redis } from './connection.ts';
import { type Key, LargeReads } from './large-reads.ts';
import { RedisError } from './redis-error.ts';
import type { CommandSender } from './send.ts';

export interface WrongType {
  readonly key: string;
  readonly type: string;
  readonly expected: string;
}

/** In place of the reply for a key of the wrong type. */
const wrongType: unique symbol = Symbol('WRONGTYPE');

const chunkSize = 500;

/** @returns `null` if the key has the wrong type */
export async function unlessWrongType<T>(reply: Promise<T>): Promise<T | null> {
  try {
    return await reply;
  } catch (error) {
    if (error instanceof RedisError && isWrongType(error)) return null;
    throw error;
  }
}

/** @returns `null` if the key has the wrong type, or if this user may not do it */
export async function unlessRefused<T>(reply: Promise<T>): Promise<T | null> {
  try {
    return await reply;
  } catch (error) {
    if (error instanceof RedisError && error.kind !== 'away') return null;
    throw error;
  }
}

type Pipeline = ReturnType<Redis['pipeline']>;

/** @returns the replies; a symbol for each key of the wrong type */
export async function pipelined(
  sender: CommandSender,
  fill: (pipeline: Pipeline) => void,
): Promise<unknown[]> {
  const replies = await sender.command(async (commands) => {
    const pipeline = commands.pipeline();
    fill(pipeline);
    const results = (await pipeline.exec()) ?? [];
    const refused = results.find(([error]) => error !== null && !isWrongType(error))?.[0];
    if (refused) throw refused;
    return results;
  });
  return replies.map(([error, reply]) => (error === null ? reply : wrongType));
}

/** The length of each list; `null` if the key is not a list. */
export async function listLengths(sender: CommandSender, keys: readonly Key[]): Promise<(number | null)[]> {
  const lengths = await inChunks(keys, (chunk) =>
    pipelined(sender, (pipeline) => {
      for (const key of chunk) pipeline.llen(key);
    }),
  );
  return lengths.map((length) => (typeof length === 'number' ? length : null));
}

/** The type of each key; `none` if it doesn't exist. */
async function typesOf(sender: CommandSender, keys: readonly Key[]): Promise<string[]> {
  const types = await inChunks(keys, (chunk) =>
    pipelined(sender, (pipeline) => {
      for (const key of chunk) pipeline.type(key);
    }),
  );
  return types.map(String);
}

/** The keys with another type. */
export async function wrongTypesAmong(
  sender: CommandSender,
  keys: readonly Key[],
  expected: string,
): Promise<WrongType[]> {
  const types = await typesOf(sender, keys);
  return keys.flatMap((key, at) => {
    const type = types[at] ?? 'none';
    return type === expected || type === 'none' ? [] : [{ key: key.toString(), type, expected }];
  });
}

/** The value of each key; `null` if it has none or is not a string. */
export function valuesOf(sender: CommandSender, keys: readonly Key[]): Promise<(Buffer | null)[]> {
  const reads = new LargeReads(sender);
  return inChunks(keys, (chunk) => reads.values(chunk));
}

/**
 * The same, and which keys are not strings. MGET doesn't tell. But if more keys exist than have values, some must be of
 * another type, and only then are types read.
 */
export async function checkedValuesOf(
  sender: CommandSender,
  keys: readonly Key[],
): Promise<{ readonly values: (Buffer | null)[]; readonly wrongTypes: WrongType[] }> {
  const reads = new LargeReads(sender);
  const suspects: Key[] = [];
  const values = await inChunks(keys, async (chunk) => {
    const [found, count] = await Promise.all([
      reads.values(chunk),
      sender.command((commands) => commands.exists(...chunk)),
    ]);
    const without = chunk.filter((_, at) => (found[at] ?? null) === null);
    if (count > chunk.length - without.length) suspects.push(...without);
    return found;
  });
  return { values, wrongTypes: await wrongTypesAmong(sender, suspects, 'string') };
}

async function inChunks<T, R>(
  all: readonly T[],
  read: (chunk: readonly T[]) => Promise<readonly R[]>,
): Promise<R[]> {
  const count = Math.ceil(all.length / chunkSize);
  const chunks = Array.from({ length: count }, (_, at) => all.slice(at * chunkSize, (at + 1) * chunkSize));
  return (await Promise.all(chunks.map(read))).flat();
}

function isWrongType({ message }: Error): boolean {
  return message.startsWith('WRONGTYPE');
}
