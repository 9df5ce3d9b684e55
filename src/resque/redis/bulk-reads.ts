/**
 * Reads many keys in few round trips. A key that is of another type than it should be is a finding here, and no
 * error: whoever put it there, the rest can still be read. All reject with RedisError.
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

/** Stands in the place of a reply. */
const wrongType: unique symbol = Symbol('WRONGTYPE');

const chunkSize = 500;

/** @returns the reply; `null` where the key is of another type */
export async function unlessWrongType<T>(reply: Promise<T>): Promise<T | null> {
  try {
    return await reply;
  } catch (error) {
    if (error instanceof RedisError && isWrongType(error)) return null;
    throw error;
  }
}

type Pipeline = ReturnType<Redis['pipeline']>;

/** @returns the replies; in the place of one from a key of another type, a symbol */
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

/** Of each key: how long its list is, `null` where it is none. */
export async function listLengths(sender: CommandSender, keys: readonly Key[]): Promise<(number | null)[]> {
  const lengths = await inChunks(keys, (chunk) =>
    pipelined(sender, (pipeline) => {
      for (const key of chunk) pipeline.llen(key);
    }),
  );
  return lengths.map((length) => (typeof length === 'number' ? length : null));
}

/** Of each key: `none` where it isn't there. */
async function typesOf(sender: CommandSender, keys: readonly Key[]): Promise<string[]> {
  const types = await inChunks(keys, (chunk) =>
    pipelined(sender, (pipeline) => {
      for (const key of chunk) pipeline.type(key);
    }),
  );
  return types.map(String);
}

/** Those of the keys that are of another type. */
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

/** Of each key: its value, `null` where it has none or is no string. */
export function valuesOf(sender: CommandSender, keys: readonly Key[]): Promise<(Buffer | null)[]> {
  const reads = new LargeReads(sender);
  return inChunks(keys, (chunk) => reads.values(chunk));
}

/**
 * The same, and which of them are no strings. MGET doesn't tell; but then more keys are there than have values, and
 * only then is there anything to ask for.
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
