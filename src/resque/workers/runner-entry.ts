/**
 * A runner process' entry in the registry, the hash `runners`, by `HOST:PID`. It has what others need if the process dies:
 * its identity, its last heartbeat, and what to do with its jobs.
 *
 * Older and newer versions run side by side: members may be added, never renamed.
 */
import type { RunnerConnections } from '../redis/connection-set.ts';

export interface RunnerAbout {
  readonly machine: string;
  readonly pid: number;
  readonly startedAt: string;
  /** Instance id: identifies the process in the environment of its programs. Its nonce if left out. */
  readonly mark?: string;
  /** Its user. Older versions leave it out. */
  readonly uid?: number;
  /** Keys of the pools whose interrupted jobs go back to their queues. */
  readonly requeues: readonly string[];
  /**
   * Keys of the at-least-once pools. Left out unless jobs of other pools are on the lists of held jobs as well; those jobs
   * have never started.
   */
  readonly holds?: readonly string[];
  /** How often a held job may be recovered before it is recorded as failed. */
  readonly maxRecoveries: number;
  /** Slots of each pool, for people. Older versions leave out this and `pauses`. */
  readonly slots?: readonly PoolSlots[];
  /** Plugins whose keys it deletes, by key of the pool: see plugin-keys.ts. Left out if there are none. */
  readonly plugins?: Readonly<Record<string, readonly string[]>>;
  /** Pools with limits over all runners. Left out if there are none. */
  readonly limits?: readonly PoolLimits[];
  /** It moves delayed jobs. Left out if it doesn't. */
  readonly moves?: true;
  /** Pauses that nothing else in Redis shows. */
  readonly pauses?: readonly PoolPause[];
}

export interface PoolSlots {
  /** Key of the pool. */
  readonly runner: string;
  readonly count: number;
  /** Set if an operator changed `count`. */
  readonly byHand?: {
    /** What the config says. */
    readonly configured: number;
    /** '' if unknown. */
    readonly by: string;
    /** By the runner's clock. */
    readonly sinceMs: number;
  };
}

/** The limits of each queue of a pool, as in the config. */
export interface PoolLimits {
  /** Key of the pool. */
  readonly runner: string;
  readonly limit: number | null;
  /** Such as `100/m burst 20`. */
  readonly rate: string | null;
}

/** A pause of a queue or a pool; of all queues if it names neither. */
export interface PoolPause {
  /** `operator`, `all`: by an operator. `unstartable`: the script can't be started. */
  readonly kind: (typeof pauseKinds)[number];
  /** For people: who paused it, or why; '' if the kind says enough. */
  readonly detail: string;
  /** By the runner's clock. */
  readonly sinceMs: number;
  readonly runner?: string;
  readonly queue?: string;
}

/** The latest possible date. */
const latestMs = 8.64e15;

export const pauseKinds = ['operator', 'all', 'unstartable'] as const;

export interface RunnerEntry extends RunnerAbout {
  /** Distinguishes this process from others with the same name. */
  readonly nonce: string;
  /** Milliseconds since the epoch, by Redis' clock. */
  readonly seenAtMs: number;
  /** Its connections in Redis. Left out by older versions, and if the server doesn't tell its run id. */
  readonly connections?: RunnerConnections;
}

export function writeEntry(entry: RunnerEntry): string {
  return JSON.stringify(entry);
}

/** @returns `null` if this version can't read it */
export function readEntry(text: string): RunnerEntry | null {
  try {
    const value: unknown = JSON.parse(text);
    return isEntry(value) ? withKnownOptions(value) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function isEntry(value: unknown): value is RunnerEntry {
  if (typeof value !== 'object' || value === null) return false;
  const { nonce, machine, pid, startedAt, requeues, maxRecoveries, seenAtMs } = value as Partial<RunnerEntry>;
  return (
    typeof nonce === 'string' &&
    typeof machine === 'string' &&
    typeof pid === 'number' &&
    typeof startedAt === 'string' &&
    typeof seenAtMs === 'number' &&
    typeof maxRecoveries === 'number' &&
    isStrings(requeues)
  );
}

/** Without optional members of an unexpected type. */
function withKnownOptions({
  uid,
  connections,
  holds,
  slots,
  limits,
  moves,
  plugins,
  pauses,
  ...entry
}: RunnerEntry): RunnerEntry {
  return {
    ...entry,
    ...(typeof uid === 'number' ? { uid } : {}),
    ...(isConnections(connections) ? { connections } : {}),
    ...(isStrings(holds) ? { holds } : {}),
    ...(moves === true ? { moves } : {}),
    ...(isPlugins(plugins) ? { plugins } : {}),
    ...(Array.isArray(slots) ? { slots: slots.filter(isSlots).map(withKnownChange) } : {}),
    ...(Array.isArray(limits) ? { limits: limits.filter(isLimits) } : {}),
    ...(Array.isArray(pauses) ? { pauses: pauses.filter(isPause) } : {}),
  };
}

function isPlugins(value: unknown): value is Readonly<Record<string, readonly string[]>> {
  return typeof value === 'object' && value !== null && Object.values(value).every(isStrings);
}

function isConnections(value: unknown): value is RunnerConnections {
  if (typeof value !== 'object' || value === null) return false;
  const { runId, ids } = value as Partial<RunnerConnections>;
  return typeof runId === 'string' && Array.isArray(ids) && ids.every((id) => typeof id === 'number');
}

function isSlots(value: unknown): value is PoolSlots {
  if (typeof value !== 'object' || value === null) return false;
  const { runner, count } = value as Partial<PoolSlots>;
  return typeof runner === 'string' && typeof count === 'number';
}

function withKnownChange({ byHand, ...slots }: PoolSlots): PoolSlots {
  if (typeof byHand !== 'object' || byHand === null) return slots;
  const { configured, by, sinceMs } = byHand as Partial<NonNullable<PoolSlots['byHand']>>;
  const isKnown = typeof configured === 'number' && typeof by === 'string' && isTime(sinceMs);
  return isKnown ? { ...slots, byHand: { configured, by, sinceMs } } : slots;
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= latestMs;
}

function isLimits(value: unknown): value is PoolLimits {
  if (typeof value !== 'object' || value === null) return false;
  const { runner, limit, rate } = value as Partial<PoolLimits>;
  const isLimit = limit === null || typeof limit === 'number';
  return typeof runner === 'string' && isLimit && (rate === null || typeof rate === 'string');
}

function isPause(value: unknown): value is PoolPause {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, detail, sinceMs, runner, queue } = value as Partial<PoolPause>;
  return (
    pauseKinds.some((each) => each === kind) &&
    typeof detail === 'string' &&
    isTime(sinceMs) &&
    [runner, queue].every((name) => name === undefined || typeof name === 'string')
  );
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
