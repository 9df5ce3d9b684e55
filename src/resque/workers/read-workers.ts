/** Reads what each registered worker says of itself, whoever's it is. Rejects with RedisError. */
import type { ResqueKeys } from '../format/keys.ts';
import { timeOfText } from '../format/timestamps.ts';
import { readWorkerId, type WorkerId } from '../format/worker-id.ts';
import { checkedValuesOf, type WrongType } from '../redis/bulk-reads.ts';
import type { Key } from '../redis/large-reads.ts';
import type { CommandSender } from '../redis/send.ts';
import { keyOfName } from './key-of-name.ts';
import type { Registry } from './registry.ts';
import { heartbeatTime } from './worker-problems.ts';

export interface WorkerFacts {
  readonly id: string;
  readonly about: WorkerId;
  /** What it says of the job that it runs, as it stands there; `null`: it runs none. */
  readonly record: Buffer | null;
  /** What its record is where it is no string: `hash`; otherwise `null`. */
  readonly wrongRecordType: string | null;
  readonly startedAtMs: number | null;
  /** Its last sign of life, of whichever kind; `null`: it gives none, or none that can be read. */
  readonly seenAtMs: number | null;
  /** Its signs of life are those of node-resque. */
  readonly isPinging: boolean;
  /** `null` where its counter is none. */
  readonly processed: number | null;
  readonly failed: number | null;
}

interface Named {
  readonly id: string;
  readonly about: WorkerId;
  readonly keys: readonly Key[];
}

export async function readWorkers(
  sender: CommandSender,
  keys: ResqueKeys,
  { workers, heartbeats }: Pick<Registry, 'workers' | 'heartbeats'>,
): Promise<{ facts: WorkerFacts[]; wrongTypes: WrongType[] }> {
  const named = workers.map((bytes): Named => {
    const id = bytes.toString();
    const about = readWorkerId(id);
    return { id, about, keys: keysOf(keys, bytes, about) };
  });
  const { values, wrongTypes } = await checkedValuesOf(
    sender,
    named.flatMap((each) => each.keys),
  );
  const typeOf = new Map(wrongTypes.map(({ key, type }) => [key, type]));
  let at = 0;
  const facts = named.map((each): WorkerFacts => {
    const its = values.slice(at, at + each.keys.length);
    at += each.keys.length;
    return factsOf(each, its, heartbeats.get(each.id) ?? '', typeOf);
  });
  return { facts, wrongTypes };
}

/** In the order in which `factsOf` takes them. node-resque counts and pings by name, and has no slots. */
function keysOf(keys: ResqueKeys, id: Buffer, { name, part }: WorkerId): Key[] {
  const own = [keys.worker, keys.workerStarted, keys.workerProcessed, keys.workerFailed];
  const byName = [keys.workerPing(name), keys.workerProcessed(name), keys.workerFailed(name)];
  return [...own.map((keyOf) => keyOfName(keyOf, id)), ...(part === 'slot' ? [] : byName)];
}

function factsOf(
  { id, about, keys }: Named,
  values: readonly (Buffer | null)[],
  heartbeat: string,
  typeOf: ReadonlyMap<string, string>,
): WorkerFacts {
  const [record = null, started = null, processed = null, failed = null, ...byName] = values;
  const [ping = null, processedByName = null, failedByName = null] = byName;
  const ownTime = heartbeatTime(heartbeat);
  const pingTime = ping === null ? null : pingedAt(ping);
  const times = [ownTime, pingTime].filter((time) => time !== null);
  const isOfWrongType = (key: Key | undefined) => key !== undefined && typeOf.has(key.toString());
  return {
    id,
    about,
    record,
    wrongRecordType: typeOf.get(keys[0]?.toString() ?? '') ?? null,
    startedAtMs: started === null ? null : timeOfText(started.toString()),
    seenAtMs: times.length === 0 ? null : Math.max(...times),
    isPinging: ping !== null,
    processed: isOfWrongType(keys[2]) ? null : countOf(processed ?? processedByName),
    failed: isOfWrongType(keys[3]) ? null : countOf(failed ?? failedByName),
  };
}

/** A counter that isn't there yet stands at 0. @returns `null` where it is none */
export function countOf(value: Buffer | null): number | null {
  const text = value?.toString() ?? '0';
  return /^-?\d{1,15}$/.test(text) ? Number(text) : null;
}

function pingedAt(ping: Buffer): number | null {
  try {
    const value: unknown = JSON.parse(ping.toString());
    const isPing = typeof value === 'object' && value !== null && 'time' in value;
    return isPing && typeof value.time === 'number' ? value.time * 1000 : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
