/**
 * Reads what Redis knows of queues and of workers of every kind, for `status`. It takes three round trips, however many
 * there are, and one more if a key has the wrong type. It reads only the names that Redis lists and never scans the keys,
 * because it is called repeatedly on servers with millions of keys. Writes nothing. Rejects with RedisError.
 */
import { countDelayed, type DelayedCount } from '../delayed/delayed-count.ts';
import { countRetriesScript } from '../delayed/list-scripts.ts';
import { type LockHolders, lockKeys } from '../delayed/move.ts';
import { keyOfName, type ResqueKeys, stopsAll } from '../format/keys.ts';
import { queueList } from '../format/queue-patterns.ts';
import { timeOfText } from '../format/timestamps.ts';
import { readWorkerId } from '../format/worker-id.ts';
import {
  checkedValuesOf,
  listLengths,
  pipelined,
  unlessRefused,
  type WrongType,
  wrongTypesAmong,
} from '../redis/bulk-reads.ts';
import type { RedisConnections } from '../redis/connection-set.ts';
import type { Key } from '../redis/large-reads.ts';
import { runScript } from '../redis/script.ts';
import type { CommandSender } from '../redis/send.ts';
import { countOf, readRegistry, readWorkers, type WorkerFacts } from './registry.ts';
import type { RunnerEntry } from './runner-entry.ts';

export interface StatusFacts {
  /** Milliseconds since the epoch, by Redis' clock. */
  readonly nowMs: number;
  /** `pause-all-workers` is set. */
  readonly isPaused: boolean;
  /** Jobs ever processed; `null` if the counter is not a number. */
  readonly processed: number | null;
  readonly failed: number | null;
  /** Length of the list of failures; `null` if the key is not a list. */
  readonly failures: number | null;
  /** The queues on Redis' list, and those that workers name. */
  readonly queues: readonly QueueFacts[];
  readonly workers: readonly WorkerFacts[];
  /** `HOST:PID` of each registered runner process → its entry; `null` if this version can't read it. */
  readonly runners: ReadonlyMap<string, RunnerEntry | null>;
  /** Read only if they help to judge one of these processes; otherwise `null`. */
  readonly connections: RedisConnections | null;
  readonly held: readonly HeldJobs[];
  readonly schedulers: LockHolders;
  /** `null` if nothing is scheduled. */
  readonly delayed: DelayedFacts | null;
  readonly wrongTypes: readonly WrongType[];
}

export interface QueueFacts {
  readonly name: string;
  /** Waiting jobs; `null` if the key is not a list. */
  readonly backlog: number | null;
}

/** Jobs of a queue that an at-least-once runner has taken and not yet settled. */
export interface HeldJobs {
  readonly owner: string;
  readonly queue: string;
  readonly jobs: number;
}

/** @param lockPrefix of resque-scheduler's lock; '' for none */
export async function readStatus(
  sender: CommandSender,
  keys: ResqueKeys,
  lockPrefix = '',
): Promise<StatusFacts> {
  const locks = lockKeys(keys, lockPrefix);
  const [named, totals, delayed] = await Promise.all([
    readNamed(sender, keys),
    checkedValuesOf(sender, [keys.pauseAllWorkers, keys.processed, keys.failedCount, ...locks]),
    readDelayed(sender, keys),
  ]);
  const [pause = null, processed = null, failed = null, master = null, leader = null] = totals.values;
  const isWrong = (key: string) => totals.wrongTypes.some((wrong) => wrong.key === key);
  const count = (key: string, value: Buffer | null) => (isWrong(key) ? null : countOf(value));
  return {
    ...named,
    isPaused: stopsAll(pause?.toString() ?? null),
    processed: count(keys.processed, processed),
    failed: count(keys.failedCount, failed),
    schedulers: { master: master?.toString() ?? null, leader: leader?.toString() ?? null },
    delayed: delayed.delayed,
    wrongTypes: [...named.wrongTypes, ...totals.wrongTypes, ...delayed.wrongTypes],
  };
}

type Named = Omit<StatusFacts, 'isPaused' | 'processed' | 'failed' | 'schedulers' | 'delayed'>;

/** Everything found by the names on Redis' lists. */
async function readNamed(sender: CommandSender, keys: ResqueKeys): Promise<Named> {
  const registry = await readRegistry(sender, keys);
  const names = queueNames(registry.queues, registry.workers);
  const lists = [...names.values()].map((name) => keyOfName(keys.queue, name));
  const [queues, workers, held] = await Promise.all([
    readQueues(sender, [...names.keys()], lists),
    readWorkers(sender, keys, registry),
    readHeld(sender, keys, [...registry.runners.keys()]),
  ]);
  return {
    nowMs: registry.nowMs,
    failures: registry.failures,
    queues: queues.facts,
    workers: workers.facts,
    runners: new Map([...registry.runners].map(([owner, { entry }]) => [owner, entry])),
    connections: registry.connections,
    held,
    wrongTypes: [...registry.wrongTypes, ...queues.wrongTypes, ...workers.wrongTypes],
  };
}

/** Names as text → as bytes. A worker may wait for a queue that has never had a job. */
function queueNames(listed: readonly Buffer[], workers: readonly Buffer[]): Map<string, Buffer> {
  const names = new Map(listed.map((name) => [name.toString(), name]));
  for (const list of new Set(workers.map((id) => readWorkerId(id.toString()).queues))) {
    for (const name of queueList(list).names) {
      if (!names.has(name)) names.set(name, Buffer.from(name));
    }
  }
  return names;
}

async function readQueues(
  sender: CommandSender,
  names: readonly string[],
  lists: readonly Key[],
): Promise<{ facts: QueueFacts[]; wrongTypes: WrongType[] }> {
  const lengths = await listLengths(sender, lists);
  const wrong = lists.filter((_, at) => lengths[at] === null);
  return {
    facts: names.map((name, at) => ({ name, backlog: lengths[at] ?? null })),
    wrongTypes: await wrongTypesAmong(sender, wrong, 'list'),
  };
}

async function readHeld(
  sender: CommandSender,
  keys: ResqueKeys,
  owners: readonly string[],
): Promise<HeldJobs[]> {
  if (owners.length === 0) return [];
  const sets = await pipelined(sender, (pipeline) => {
    for (const owner of owners) pipeline.smembers(keys.heldQueues(owner));
  });
  const lists = owners.flatMap((owner, at) => {
    const queues = sets[at];
    return Array.isArray(queues) ? queues.map((queue) => ({ owner, queue: String(queue) })) : [];
  });
  const lengths = await listLengths(
    sender,
    lists.map(({ owner, queue }) => keys.held(owner, queue)),
  );
  return lists.map((list, at) => ({ ...list, jobs: lengths[at] ?? 0 })).filter(({ jobs }) => jobs > 0);
}

export interface DelayedFacts extends Omit<DelayedCount, 'firstTime'> {
  /** How many of the first hundred jobs a runner retries; `null` if this user may not run scripts. */
  readonly retries: number | null;
  /** When the first job is due, in milliseconds since the epoch; in the past if no scheduler runs. */
  readonly nextAtMs: number | null;
}

/** Retries are counted among this many delayed jobs. */
export const retriesCountedIn = 100;
const mostBytes = 1024 * 1024;

async function readDelayed(
  sender: CommandSender,
  keys: ResqueKeys,
): Promise<{ delayed: DelayedFacts | null; wrongTypes: WrongType[] }> {
  const [counted, retries] = await Promise.all([
    countDelayed(sender, keys),
    unlessRefused(
      runScript(sender, countRetriesScript, 0, [keys.prefix, retriesCountedIn, mostBytes]).then(Number),
    ),
  ]);
  if (counted === null) {
    return { delayed: null, wrongTypes: await wrongTypesAmong(sender, [keys.delayedSchedule], 'zset') };
  }
  const { firstTime, ...count } = counted;
  if (count.times === 0) return { delayed: null, wrongTypes: [] };
  return { delayed: { ...count, retries, nextAtMs: timeOfText(firstTime ?? '') }, wrongTypes: [] };
}
