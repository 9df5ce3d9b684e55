/**
 * Reads everything about workers and runners that the audit needs, except the list of failures. Writes nothing. Rejects with
 * RedisError.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type LockHolders, lockKeys } from '../delayed/move.ts';
import type { ResqueKeys } from '../format/keys.ts';
import {
  listLengths,
  pipelined,
  unlessWrongType,
  valuesOf,
  type WrongType,
  wrongTypesAmong,
} from '../redis/bulk-reads.ts';
import type { RedisConnections } from '../redis/connection-set.ts';
import type { CommandSender } from '../redis/send.ts';
import { type Registry, readRegistry } from '../workers/registry.ts';
import type { RunnerEntry } from '../workers/runner-entry.ts';

/** Everything in Redis under the name of one runner process. */
export interface OwnerState {
  /** Its entry in the registry; `null` if there is none, or it is unreadable. */
  readonly entry: RunnerEntry | null;
  /** The entry's text; `null` if there is none. */
  readonly entryText: string | null;
  /** Number of held jobs by queue. */
  readonly held: ReadonlyMap<string, number>;
  /** `NONCE NUMBER`; `null` if there is none. */
  readonly step: string | null;
  /** Since its last step; `null` if unknown. */
  readonly stepAgeMs: number | null;
}

export interface ResqueState {
  /** By Redis' clock. */
  readonly nowMs: number;
  /** Queues that exist, and those that the caller named. */
  readonly queues: readonly string[];
  readonly workers: ReadonlySet<string>;
  readonly heartbeats: ReadonlyMap<string, string>;
  readonly owners: ReadonlyMap<string, OwnerState>;
  /** Read only if they help to judge one of these processes; otherwise `null`. */
  readonly connections: RedisConnections | null;
  /** Worker id → the record of its job, whether the worker is registered or not. */
  readonly records: ReadonlyMap<string, Buffer>;
  /** Ids of workers with a payload beside their record. */
  readonly payloads: ReadonlySet<string>;
  readonly schedulers: LockHolders;
  /** Times of delayed jobs that are missing in the schedule, so that no scheduler will look at them. */
  readonly unscheduled: readonly string[];
  /** Delayed jobs that could not be moved to a queue. */
  readonly undeliverable: number;
  /** Names of schedules that were ever enqueued, but aren't kept in Redis. */
  readonly unkeptSchedules: readonly string[];
  /** Keys of the wrong type. */
  readonly wrongTypes: readonly WrongType[];
  readonly failures: number;
}

const scanCount = 1_000;
const settleMs = 100;
/** How long a step keeps its number in Redis. */
const stepLifeSeconds = 604_800;

export async function readState(
  sender: CommandSender,
  keys: ResqueKeys,
  queues: readonly string[],
  lockPrefix: string,
): Promise<ResqueState> {
  const [registry, scanned, locks, undeliverable, enqueued, kept] = await Promise.all([
    readRegistry(sender, keys),
    // Workers, runners and delayed jobs.
    scan(sender, `${escaped(keys.prefix)}[wrd]*e[rd]:*`),
    valuesOf(sender, lockKeys(keys, lockPrefix)),
    listLengths(sender, [keys.undeliverable]),
    ...[keys.lastEnqueuedAt, keys.persistentSchedules].map((key) =>
      unlessWrongType(sender.command((commands) => commands.hgetall(key))),
    ),
  ]);
  const workers = registry.workers.map(String);
  const named = new Set([...registry.queues.map(String), ...queues]);
  const lists = [...named].map((queue) => keys.queue(queue));
  const wrongTypes = [
    ...registry.wrongTypes,
    ...(await wrongTypesAmong(sender, [...lists, keys.undeliverable], 'list')),
    ...(await wrongTypesAmong(sender, [keys.delayedSchedule], 'zset')),
    ...(await wrongTypesAmong(sender, [keys.lastEnqueuedAt, keys.persistentSchedules], 'hash')),
  ];
  const registered = new Set(workers);
  const found = sorted(
    scanned.map((key) => key.slice(keys.prefix.length)),
    registered,
  );
  const ids = [...new Set([...found.records, ...workers])];
  const values = await valuesOf(sender, ids.map(keys.worker));
  return {
    nowMs: registry.nowMs,
    queues: [...named],
    workers: registered,
    heartbeats: registry.heartbeats,
    connections: registry.connections,
    owners: await readOwners(sender, keys, registry.runners, found),
    records: new Map(ids.flatMap((id, at) => (values[at] ? [[id, values[at]] as const] : []))),
    payloads: found.payloads,
    schedulers: { master: locks[0]?.toString() ?? null, leader: locks[1]?.toString() ?? null },
    unscheduled: await unscheduledTimes(sender, keys, scanned),
    undeliverable: undeliverable[0] ?? 0,
    unkeptSchedules: Object.keys(enqueued ?? {})
      .filter((name) => !Object.hasOwn(kept ?? {}, name))
      .toSorted(),
    wrongTypes,
    failures: registry.failures ?? 0,
  };
}

/** @param scanned keys, among them the lists of delayed jobs */
async function unscheduledTimes(
  sender: CommandSender,
  keys: ResqueKeys,
  scanned: readonly string[],
): Promise<string[]> {
  const start = keys.delayed('');
  const times = scanned
    .filter((key) => key.startsWith(start))
    .map((key) => key.slice(start.length))
    .filter((time) => /^\d+$/.test(time));
  const missing = await missingTimes(sender, keys, times);
  if (missing.length === 0) return [];
  // Ruby enqueues in three commands, the schedule last.
  await sleep(settleMs);
  return await missingTimes(sender, keys, missing);
}

async function missingTimes(
  sender: CommandSender,
  keys: ResqueKeys,
  times: readonly string[],
): Promise<string[]> {
  const missing: string[] = [];
  for (let at = 0; at < times.length; at += scanCount) {
    const some = times.slice(at, at + scanCount);
    const replies = await pipelined(sender, (pipeline) => {
      for (const time of some) pipeline.zscore(keys.delayedSchedule, time).type(keys.delayed(time));
    });
    missing.push(...some.filter((_, n) => replies[2 * n] === null && replies[2 * n + 1] === 'list'));
  }
  return missing;
}

interface Found {
  readonly records: Set<string>;
  readonly payloads: Set<string>;
  /** Owner → queues of its lists. */
  readonly held: Map<string, Set<string>>;
  readonly steps: Set<string>;
}

/** Sorts keys by what they are. A worker's id may end like one of a worker's keys. */
function sorted(names: readonly string[], registered: ReadonlySet<string>): Found {
  const found: Found = { records: new Set(), payloads: new Set(), held: new Map(), steps: new Set() };
  for (const name of names) {
    const [, owner, kind, queue] = /^runner:(.+?:\d+):(step|held)(?::(.*))?$/s.exec(name) ?? [];
    if (owner !== undefined && kind === 'step' && queue === undefined) found.steps.add(owner);
    if (owner !== undefined && kind === 'held') {
      const queues = found.held.get(owner) ?? new Set();
      found.held.set(owner, queue === undefined ? queues : queues.add(queue));
    }
    if (!name.startsWith('worker:')) continue;
    const id = name.slice('worker:'.length);
    const [, base = '', suffix] = /^(.*):(started|payload)$/s.exec(id) ?? [];
    const isRecord = registered.has(id) || suffix === undefined || !/^.+?:.+?:./s.test(base);
    if (isRecord) found.records.add(id);
    else if (suffix === 'payload') found.payloads.add(base);
  }
  return found;
}

async function readOwners(
  sender: CommandSender,
  keys: ResqueKeys,
  runners: Registry['runners'],
  { held, steps }: Found,
): Promise<Map<string, OwnerState>> {
  const names = [...new Set([...runners.keys(), ...held.keys(), ...steps])];
  const owners = await Promise.all(
    names.map(async (owner): Promise<[string, OwnerState]> => {
      const queues = [...(held.get(owner) ?? [])];
      const replies = await pipelined(sender, (pipeline) => {
        pipeline.get(keys.runnerStep(owner)).ttl(keys.runnerStep(owner));
        for (const queue of queues) pipeline.llen(keys.held(owner, queue));
      });
      const [step, ttl, ...lengths] = replies;
      const { entry = null, text: entryText = null } = runners.get(owner) ?? {};
      const state = {
        entry,
        entryText,
        // A key that is not a list holds nothing to recover.
        held: new Map(queues.map((queue, at) => [queue, typeof lengths[at] === 'number' ? lengths[at] : 0])),
        step: typeof step === 'string' ? step : null,
        stepAgeMs: typeof ttl === 'number' && ttl >= 0 ? (stepLifeSeconds - ttl) * 1000 : null,
      };
      return [owner, state];
    }),
  );
  return new Map(owners);
}

async function scan(sender: CommandSender, pattern: string): Promise<string[]> {
  const found = new Set<string>();
  let cursor = '0';
  do {
    const from = cursor;
    const [next, keys] = await sender.command((commands) =>
      commands.scan(from, 'MATCH', pattern, 'COUNT', scanCount),
    );
    for (const key of keys) found.add(key);
    cursor = next;
  } while (cursor !== '0');
  return [...found];
}

/** Escaped, so that the namespace is not taken for a pattern. */
function escaped(text: string): string {
  return text.replace(/[\\*?[\]]/g, '\\$&');
}
