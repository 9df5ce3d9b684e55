/**
 * The names that Redis lists: workers of every kind, runner processes and queues; and what each worker says of itself.
 * Writes nothing. Rejects with RedisError.
 */
import { asObject, parsedJson } from '../format/json.ts';
import { keyOfName, type ResqueKeys } from '../format/keys.ts';
import { heartbeatTime, timeOfText } from '../format/timestamps.ts';
import { readWorkerId, type WorkerId } from '../format/worker-id.ts';
import {
  checkedValuesOf,
  pipelined,
  unlessWrongType,
  type WrongType,
  wrongTypesAmong,
} from '../redis/bulk-reads.ts';
import { readConnections } from '../redis/connection-set.ts';
import type { Key } from '../redis/large-reads.ts';
import type { CommandSender } from '../redis/send.ts';
import { type RedisView, wantsConnections } from './liveness.ts';
import { type RunnerEntry, readEntry } from './runner-entry.ts';

/** A runner process in the registry. */
export interface ListedRunner {
  /** `HOST:PID` */
  readonly owner: string;
  /** `null` if this version can't read it. */
  readonly entry: RunnerEntry | null;
  /** The text of the entry in Redis. */
  readonly text: string;
}

export interface Runners extends RedisView {
  readonly runners: readonly ListedRunner[];
  readonly wrongTypes: readonly WrongType[];
}

/** All runner processes, and what is needed to judge them. */
export async function readRunners(sender: CommandSender, { runners }: ResqueKeys): Promise<Runners> {
  const [[seconds, micros], entries] = await Promise.all([
    sender.command((commands) => commands.time()),
    unlessWrongType(sender.command((commands) => commands.hgetall(runners))),
  ]);
  const nowMs = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
  const listed = Object.entries(entries ?? {}).map(([owner, text]) => ({
    owner,
    entry: readEntry(text),
    text,
  }));
  const isWanted = wantsConnections(
    listed.map(({ entry }) => entry),
    nowMs,
  );
  return {
    nowMs,
    runners: listed,
    connections: isWanted ? await readConnections(sender) : null,
    wrongTypes: entries === null ? await wrongTypesAmong(sender, [runners], 'hash') : [],
  };
}

export interface Registry extends Omit<Runners, 'runners'> {
  /** By `HOST:PID`. */
  readonly runners: ReadonlyMap<string, ListedRunner>;
  /** Ids of any client's workers; may not be UTF-8. */
  readonly workers: readonly Buffer[];
  /** By a worker's id. */
  readonly heartbeats: ReadonlyMap<string, string>;
  /** Names; may not be UTF-8. */
  readonly queues: readonly Buffer[];
  /** Length of the list of failures; `null` if the key is not a list. */
  readonly failures: number | null;
}

export async function readRegistry(sender: CommandSender, keys: ResqueKeys): Promise<Registry> {
  const [runners, workers, heartbeats, queues, failures] = await Promise.all([
    readRunners(sender, keys),
    unlessWrongType(sender.command((commands) => commands.smembersBuffer(keys.workers))),
    unlessWrongType(sender.command((commands) => commands.hgetall(keys.heartbeat))),
    unlessWrongType(sender.command((commands) => commands.smembersBuffer(keys.queues))),
    unlessWrongType(sender.command((commands) => commands.llen(keys.failed))),
  ]);
  const wrong = await Promise.all([
    workers === null ? wrongTypesAmong(sender, [keys.workers], 'set') : [],
    heartbeats === null ? wrongTypesAmong(sender, [keys.heartbeat], 'hash') : [],
    queues === null ? wrongTypesAmong(sender, [keys.queues], 'set') : [],
    failures === null ? wrongTypesAmong(sender, [keys.failed], 'list') : [],
  ]);
  return {
    ...runners,
    runners: new Map(runners.runners.map((runner) => [runner.owner, runner])),
    workers: workers ?? [],
    heartbeats: new Map(Object.entries(heartbeats ?? {})),
    queues: queues ?? [],
    failures,
    wrongTypes: [...runners.wrongTypes, ...wrong.flat()],
  };
}

export interface WorkerFacts {
  readonly id: string;
  readonly about: WorkerId;
  /** Record of the job that it runs; `null` if it runs none. */
  readonly record: Buffer | null;
  /** Whether `record` is only its beginning. */
  readonly isRecordCut: boolean;
  /** Type of the record if it is not a string, such as `hash`; otherwise `null`. */
  readonly wrongRecordType: string | null;
  readonly startedAtMs: number | null;
  /** Its last heartbeat of either kind; `null` if there is none that can be read. */
  readonly seenAtMs: number | null;
  /** Whether it has node-resque's kind of heartbeat. */
  readonly isPinging: boolean;
  /** `null` if its counter is not a number. */
  readonly processed: number | null;
  readonly failed: number | null;
}

interface Named {
  readonly id: string;
  readonly about: WorkerId;
  /** The beginning of a long record; then `keys` don't have it. */
  readonly head: Buffer | null;
  readonly keys: readonly Key[];
}

/** Of a record that is cut: enough for its queue, its class and the beginning of its args. */
const headBytes = 4 * 1024;

/** @param recordLimit bytes; of longer records, only the beginning is read */
export async function readWorkers(
  sender: CommandSender,
  keys: ResqueKeys,
  { workers, heartbeats }: Pick<Registry, 'workers' | 'heartbeats'>,
  recordLimit = Number.POSITIVE_INFINITY,
): Promise<{ facts: WorkerFacts[]; wrongTypes: WrongType[] }> {
  const heads = await headsOf(
    sender,
    recordLimit,
    workers.map((id) => keyOfName(keys.worker, id)),
  );
  const named = workers.map((bytes, at): Named => {
    const id = bytes.toString();
    const about = readWorkerId(id);
    const head = heads[at] ?? null;
    return { id, about, head, keys: keysOf(keys, bytes, about).slice(head === null ? 0 : 1) };
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

/** The beginnings of records that are longer than the limit; `null` for others. */
async function headsOf(
  sender: CommandSender,
  limit: number,
  records: readonly Key[],
): Promise<(Buffer | null)[]> {
  if (limit === Number.POSITIVE_INFINITY || records.length === 0) return [];
  const lengths = await pipelined(sender, (pipeline) => {
    for (const key of records) pipeline.strlen(key);
  });
  const isLong = (at: number) => Number(typeof lengths[at] === 'number' ? lengths[at] : 0) > limit;
  const long = records.filter((_, at) => isLong(at));
  if (long.length === 0) return [];
  const heads = await pipelined(sender, (pipeline) => {
    for (const key of long) pipeline.getrangeBuffer(key, 0, headBytes - 1);
  });
  return records.map((key, at) => {
    const head = isLong(at) ? heads[long.indexOf(key)] : null;
    return Buffer.isBuffer(head) && head.length > 0 ? head : null;
  });
}

/** In the order that `factsOf` expects. node-resque counts and pings by name, and has no slots. */
function keysOf(keys: ResqueKeys, id: Buffer, { name, part }: WorkerId): Key[] {
  const own = [keys.worker, keys.workerStarted, keys.workerProcessed, keys.workerFailed];
  const byName = [keys.workerPing(name), keys.workerProcessed(name), keys.workerFailed(name)];
  return [...own.map((keyOf) => keyOfName(keyOf, id)), ...(part === 'slot' ? [] : byName)];
}

function factsOf(
  { id, about, head, keys: read }: Named,
  values: readonly (Buffer | null)[],
  heartbeat: string,
  typeOf: ReadonlyMap<string, string>,
): WorkerFacts {
  const keys = head === null ? read : ['', ...read];
  const all = head === null ? values : [head, ...values];
  const [record = null, started = null, processed = null, failed = null, ...byName] = all;
  const [ping = null, processedByName = null, failedByName = null] = byName;
  const ownTime = heartbeatTime(heartbeat);
  const pingTime = ping === null ? null : pingedAt(ping);
  const times = [ownTime, pingTime].filter((time) => time !== null);
  const isOfWrongType = (key: Key | undefined) => key !== undefined && typeOf.has(key.toString());
  return {
    id,
    about,
    record,
    isRecordCut: head !== null,
    wrongRecordType: typeOf.get(keys[0]?.toString() ?? '') ?? null,
    startedAtMs: started === null ? null : timeOfText(started.toString()),
    seenAtMs: times.length === 0 ? null : Math.max(...times),
    isPinging: ping !== null,
    processed: isOfWrongType(keys[2]) ? null : countOf(processed ?? processedByName),
    failed: isOfWrongType(keys[3]) ? null : countOf(failed ?? failedByName),
  };
}

/** A missing counter is 0. @returns `null` if the value is not a number */
export function countOf(value: Buffer | null): number | null {
  const text = value?.toString() ?? '0';
  return /^-?\d{1,15}$/.test(text) ? Number(text) : null;
}

function pingedAt(ping: Buffer): number | null {
  const time = asObject(parsedJson(ping.toString()))?.time;
  return typeof time === 'number' ? time * 1000 : null;
}
