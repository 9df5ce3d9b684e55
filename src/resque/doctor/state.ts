/**
 * Reads what Redis holds about workers and runners: all that the doctor judges by, except the list of failures.
 * Writes nothing. Rejects with RedisTrouble.
 */
import type { Redis } from '../connection.ts';
import type { ResqueKeys } from '../keys.ts';
import type { CommandSender } from '../run-script.ts';
import { type RunnerEntry, readEntry } from '../runner-entry.ts';

/** What is there under the name of one runner process. */
export interface OwnerState {
  /** Its entry in the registry; `null`: none, or unreadable. */
  readonly entry: RunnerEntry | null;
  /** The entry's text as it stands there; `null`: none. */
  readonly entryText: string | null;
  /** Jobs in each of its lists of held ones. */
  readonly held: ReadonlyMap<string, number>;
  /** `NONCE NUMBER`; `null`: none. */
  readonly step: string | null;
  /** Since its last step; `null` where nobody can tell. */
  readonly stepAgeMs: number | null;
}

export interface ResqueState {
  /** By Redis' clock. */
  readonly nowMs: number;
  readonly workers: ReadonlySet<string>;
  readonly heartbeats: ReadonlyMap<string, string>;
  readonly owners: ReadonlyMap<string, OwnerState>;
  /** Worker id → its job's record, registered or not. */
  readonly records: ReadonlyMap<string, Buffer>;
  /** Ids of workers with a payload beside their record. */
  readonly payloads: ReadonlySet<string>;
  /** Keys that are not what they should be. */
  readonly wrongTypes: readonly WrongType[];
  readonly failures: number;
}

export interface WrongType {
  readonly key: string;
  readonly type: string;
  readonly expected: string;
}

const scanCount = 1_000;
const chunkSize = 500;
/** As `advance` keeps a step's number, in seconds. */
const stepLifeSeconds = 604_800;

export async function readState(
  sender: CommandSender,
  keys: ResqueKeys,
  queues: readonly string[],
): Promise<ResqueState> {
  const expected = {
    [keys.workers]: 'set',
    [keys.heartbeat]: 'hash',
    [keys.runners]: 'hash',
    [keys.queues]: 'set',
  };
  const core = await typesOf(sender, [...Object.keys(expected), keys.failed]);
  const is = (key: string, type: string) => core.get(key) === type;
  const [nowMs, workers, heartbeats, runners, named, scanned, failures] = await Promise.all([
    sender.command((commands) => commands.time()).then(([seconds]) => Number(seconds) * 1000),
    is(keys.workers, 'set') ? sender.command((commands) => commands.smembers(keys.workers)) : [],
    is(keys.heartbeat, 'hash') ? sender.command((commands) => commands.hgetall(keys.heartbeat)) : {},
    is(keys.runners, 'hash') ? sender.command((commands) => commands.hgetall(keys.runners)) : {},
    is(keys.queues, 'set') ? sender.command((commands) => commands.smembers(keys.queues)) : [],
    scan(sender, `${escaped(keys.prefix)}[wr]*er:*`),
    is(keys.failed, 'list') ? sender.command((commands) => commands.llen(keys.failed)) : 0,
  ]);
  const lists = [...new Set([...named, ...queues])].map((queue) => keys.queue(queue));
  const types = new Map([...core, ...(await typesOf(sender, lists))]);
  const wrongTypes = [...types].flatMap(([key, type]) => {
    const should = expected[key] ?? 'list';
    return type === should || type === 'none' ? [] : [{ key, type, expected: should }];
  });
  const registered = new Set(workers);
  const found = sorted(
    scanned.map((key) => key.slice(keys.prefix.length)),
    registered,
  );
  return {
    nowMs,
    workers: registered,
    heartbeats: new Map(Object.entries(heartbeats)),
    owners: await readOwners(sender, keys, runners, found),
    records: await valuesOf(sender, [...new Set([...found.records, ...workers])], keys.worker),
    payloads: found.payloads,
    wrongTypes,
    failures,
  };
}

interface Found {
  readonly records: Set<string>;
  readonly payloads: Set<string>;
  /** Owner → queues of its lists. */
  readonly held: Map<string, Set<string>>;
  readonly steps: Set<string>;
}

/** Which key is what. A worker's id may end like a key that belongs to a worker. */
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
  runners: Readonly<Record<string, string>>,
  { held, steps }: Found,
): Promise<Map<string, OwnerState>> {
  const names = [...new Set([...Object.keys(runners), ...held.keys(), ...steps])];
  const owners = await Promise.all(
    names.map(async (owner): Promise<[string, OwnerState]> => {
      const queues = [...(held.get(owner) ?? [])];
      const replies = await pipelined(sender, (pipeline) => {
        pipeline.get(keys.runnerStep(owner)).ttl(keys.runnerStep(owner));
        for (const queue of queues) pipeline.llen(keys.held(owner, queue));
      });
      const [step, ttl, ...lengths] = replies;
      const entryText = runners[owner] ?? null;
      const state = {
        entry: entryText === null ? null : readEntry(entryText),
        entryText,
        held: new Map(queues.map((queue, at) => [queue, Number(lengths[at] ?? 0)])),
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

async function typesOf(sender: CommandSender, keys: readonly string[]): Promise<Map<string, string>> {
  const types = new Map<string, string>();
  for (const chunk of chunks(keys)) {
    const replies = await pipelined(sender, (pipeline) => {
      for (const key of chunk) pipeline.type(key);
    });
    for (const [at, key] of chunk.entries()) types.set(key, String(replies[at]));
  }
  return types;
}

/** MGET has nothing to say about keys of other types. */
async function valuesOf(
  sender: CommandSender,
  ids: readonly string[],
  keyOf: (id: string) => string,
): Promise<Map<string, Buffer>> {
  const values = new Map<string, Buffer>();
  for (const chunk of chunks(ids)) {
    const found = await sender.command((commands) => commands.mgetBuffer(...chunk.map(keyOf)));
    chunk.forEach((id, at) => {
      const value = found[at];
      if (value) values.set(id, value);
    });
  }
  return values;
}

type Pipeline = ReturnType<Redis['pipeline']>;

/** @returns the replies; where one is an error, `null` */
async function pipelined(sender: CommandSender, fill: (pipeline: Pipeline) => void): Promise<unknown[]> {
  const replies = await sender.command(async (commands) => {
    const pipeline = commands.pipeline();
    fill(pipeline);
    const results = (await pipeline.exec()) ?? [];
    const refused = results.find(([error]) => error !== null && !error.message.startsWith('WRONGTYPE'))?.[0];
    if (refused) throw refused;
    return results;
  });
  return replies.map(([error, reply]) => (error === null ? reply : null));
}

function chunks<T>(all: readonly T[]): T[][] {
  const count = Math.ceil(all.length / chunkSize);
  return Array.from({ length: count }, (_, at) => all.slice(at * chunkSize, (at + 1) * chunkSize));
}

/** A namespace is no pattern. */
function escaped(text: string): string {
  return text.replace(/[\\*?[\]]/g, '\\$&');
}
