/**
 * A runner process' entry in the registry, the hash `runners`, by `HOST:PID`. It has what others need if the process dies:
 * its identity, its last heartbeat, and what to do with its jobs. An entry with anything unexpected is unreadable as a whole.
 */
import * as v from 'valibot';
import { parsedJson } from '../format/json.ts';

function list<Item extends v.GenericSchema>(item: Item) {
  return v.pipe(v.array(item), v.readonly());
}

/** By the runner's clock, up to the latest possible date. */
export const time = v.pipe(v.number(), v.minValue(-8.64e15), v.maxValue(8.64e15));

const slots = v.object({
  /** Key of the pool. */
  runner: v.string(),
  count: v.number(),
  /** Set if an operator changed `count`. */
  byHand: v.exactOptional(
    v.object({
      /** What the config says. */
      configured: v.number(),
      /** '' if unknown. */
      by: v.string(),
      sinceMs: time,
    }),
  ),
});

/** The limits of each queue of a pool, as in the config. */
const limits = v.object({
  /** Key of the pool. */
  runner: v.string(),
  limit: v.nullable(v.number()),
  /** Such as `100/m burst 20`. */
  rate: v.nullable(v.string()),
});

export const pauseKinds = ['operator', 'all', 'unstartable'] as const;

/** A pause of a queue or a pool; of all queues if it names neither. */
const pause = v.object({
  /** `operator`, `all`: by an operator. `unstartable`: the script can't be started. */
  kind: v.picklist(pauseKinds),
  /** For people: who paused it, or why; '' if the kind says enough. */
  detail: v.string(),
  sinceMs: time,
  runner: v.exactOptional(v.string()),
  queue: v.exactOptional(v.string()),
});

const about = {
  machine: v.string(),
  pid: v.number(),
  startedAt: v.string(),
  /** Instance id: identifies the process in the environment of its programs. Its nonce if left out. */
  mark: v.exactOptional(v.string()),
  /** Its user. */
  uid: v.exactOptional(v.number()),
  /** Keys of the pools whose interrupted jobs go back to their queues. */
  requeues: list(v.string()),
  /**
   * Keys of the at-least-once pools. Left out unless jobs of other pools are on the lists of held jobs as well; those jobs
   * have never started.
   */
  holds: v.exactOptional(list(v.string())),
  /** How often a held job may be recovered before it is recorded as failed. */
  maxRecoveries: v.number(),
  /** Slots of each pool, for people. */
  slots: v.exactOptional(list(slots)),
  /** Plugins whose keys it deletes, by key of the pool: see plugin-keys.ts. Left out if there are none. */
  plugins: v.exactOptional(v.record(v.string(), list(v.string()))),
  /** Pools with limits over all runners. Left out if there are none. */
  limits: v.exactOptional(list(limits)),
  /** It moves delayed jobs. Left out if it doesn't. */
  moves: v.exactOptional(v.literal(true)),
  /** Pauses that nothing else in Redis shows. */
  pauses: v.exactOptional(list(pause)),
};

const aboutSchema = v.object(about);

const entrySchema = v.object({
  ...about,
  /** Another one after others have declared the process dead. */
  nonce: v.string(),
  /** Milliseconds since the epoch, by Redis' clock. */
  seenAtMs: v.number(),
  /** Its connections in Redis. Left out if the server doesn't tell its run id. */
  connections: v.exactOptional(v.object({ runId: v.string(), ids: list(v.number()) })),
});

export type RunnerAbout = Readonly<v.InferOutput<typeof aboutSchema>>;
export type RunnerEntry = Readonly<v.InferOutput<typeof entrySchema>>;
export type PoolSlots = Readonly<v.InferOutput<typeof slots>>;
export type PoolLimits = Readonly<v.InferOutput<typeof limits>>;
export type PoolPause = Readonly<v.InferOutput<typeof pause>>;

export function writeEntry(entry: RunnerEntry): string {
  return JSON.stringify(entry);
}

/** @returns `null` if the entry is unreadable */
export function readEntry(text: string): RunnerEntry | null {
  const read = v.safeParse(entrySchema, parsedJson(text));
  return read.success ? read.output : null;
}
