/**
 * What a runner process leaves in Redis for the day that it dies: who it was, when it was last seen, and what is
 * to become of the jobs that it had. One field per process of the hash `runners`; the name is `HOST:PID`.
 */
import type { RunnerConnections } from '../redis/connection-set.ts';

export interface RunnerAbout {
  readonly machine: string;
  readonly pid: number;
  readonly startedAt: string;
  /** What the environment of its programs names it by; its nonce if not given. */
  readonly mark?: string;
  /** User of the process; older versions leave it out. */
  readonly uid?: number;
  /** Keys of the config's runners whose interrupted jobs go back to their queues. */
  readonly requeues: readonly string[];
  /**
   * Keys of the config's runners that hold their jobs while they run. Left out unless jobs of others are on its lists of
   * held ones as well: those have never begun.
   */
  readonly holds?: readonly string[];
  /** How often a job that it holds may be recovered before it is recorded as failed. */
  readonly maxRecoveries: number;
  /** Slots of each of the config's runners, only for people; older versions leave it out, and `pauses` too. */
  readonly slots?: readonly PoolSlots[];
  /** What it takes no jobs of, as far as nothing else in Redis tells that. */
  readonly pauses?: readonly PoolPause[];
}

export interface PoolSlots {
  /** Key of one of the config's runners. */
  readonly runner: string;
  readonly count: number;
}

/** Of all its queues, unless it names one, or one of the config's runners. */
export interface PoolPause {
  /** `operator`, `all`: by hand; `unstartable`: its script can't be started. */
  readonly kind: (typeof pauseKinds)[number];
  /** For people: who did it, or why; '' if the kind says it all. */
  readonly detail: string;
  /** By the runner's clock. */
  readonly sinceMs: number;
  readonly runner?: string;
  readonly queue?: string;
}

/** No date is later. */
const latestMs = 8.64e15;

export const pauseKinds = ['operator', 'all', 'unstartable'] as const;

export interface RunnerEntry extends RunnerAbout {
  /** Tells this process from an earlier or later one of the same name. */
  readonly nonce: string;
  /** Milliseconds since the epoch, by Redis' clock. */
  readonly seenAtMs: number;
  /** Its connections in Redis; left out by older versions, and if the server doesn't tell its run id. */
  readonly connections?: RunnerConnections;
}

export function writeEntry(entry: RunnerEntry): string {
  return JSON.stringify(entry);
}

/** @returns `null` where it is none: of a later version, or anyone's */
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

/** Without optional members that aren't what this version takes them for. */
function withKnownOptions({ uid, connections, holds, slots, pauses, ...entry }: RunnerEntry): RunnerEntry {
  return {
    ...entry,
    ...(typeof uid === 'number' ? { uid } : {}),
    ...(isConnections(connections) ? { connections } : {}),
    ...(isStrings(holds) ? { holds } : {}),
    ...(Array.isArray(slots) ? { slots: slots.filter(isSlots) } : {}),
    ...(Array.isArray(pauses) ? { pauses: pauses.filter(isPause) } : {}),
  };
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

function isPause(value: unknown): value is PoolPause {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, detail, sinceMs, runner, queue } = value as Partial<PoolPause>;
  return (
    pauseKinds.some((each) => each === kind) &&
    typeof detail === 'string' &&
    typeof sinceMs === 'number' &&
    Math.abs(sinceMs) <= latestMs &&
    [runner, queue].every((name) => name === undefined || typeof name === 'string')
  );
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
