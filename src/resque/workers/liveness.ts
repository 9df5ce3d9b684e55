/**
 * Judges from a runner's entry whether its process is alive or dead: one model for recovery, `status` and `check`. Pure.
 *
 *     this machine sees the process, or sees that it is gone      alive, or dead
 *     Redis has not heard of it for more than 300 s               dead
 *     its container has ended (see `isCutOff`)                    dead
 *     Redis has heard of it within 40 s                           alive
 *     otherwise                                                   unknown
 *
 * Unknown is never dead: nothing of such a runner is recovered. Times are by Redis' clock only.
 */
import type { RedisConnections } from '../redis/connection-set.ts';
import type { RunnerEntry } from './runner-entry.ts';

export type Liveness = 'alive' | 'dead' | 'unknown';

/** What a look at the processes of this machine tells. */
export type Presence = 'running' | 'gone' | 'unknown';

/** Why a runner counts as dead. */
export type Death = 'gone' | 'silent' | 'cut-off';

/** The place from which to judge: this machine, or what a test or the simulator puts in its place. */
export interface Vantage {
  readonly identity: { readonly machine: string; readonly uid?: number };
  readonly presenceOf: (process: Pick<RunnerEntry, 'machine' | 'pid' | 'startedAt'>) => Presence;
}

/** What Redis tells, all of the same moment. */
export interface RedisView {
  readonly nowMs: number;
  /** `null` if unknown. */
  readonly connections: RedisConnections | null;
  /**
   * How long this process has been in touch with Redis since the last outage that it knows of. After an outage all
   * runners are silent, and the first one to return must not take the others for dead.
   */
  readonly listeningMs?: number;
}

/** As Resque itself, see `Resque.prune_interval`. */
export const silentLimitMs = 300_000;
/** Two heartbeats in a row are missing. */
const heardLimitMs = 40_000;

export function livenessOf(entry: RunnerEntry, here: Vantage, redis: RedisView): Liveness {
  const presence = here.presenceOf(entry);
  if (presence === 'running') return 'alive';
  if (deathBy(presence, entry, here, redis) !== null) return 'dead';
  return redis.nowMs - entry.seenAtMs < heardLimitMs ? 'alive' : 'unknown';
}

/** @returns `null` unless `livenessOf` says that it is dead */
export function deathOf(entry: RunnerEntry, here: Vantage, redis: RedisView): Death | null {
  return deathBy(here.presenceOf(entry), entry, here, redis);
}

/** Whether the server's list of connections may help to judge any of these runners. */
export function wantsConnections(entries: readonly (RunnerEntry | null)[], nowMs: number): boolean {
  return entries.some((entry) => {
    if (entry?.connections === undefined) return false;
    const silentMs = nowMs - entry.seenAtMs;
    return silentMs >= heardLimitMs && silentMs <= silentLimitMs;
  });
}

function deathBy(presence: Presence, entry: RunnerEntry, here: Vantage, redis: RedisView): Death | null {
  if (presence !== 'unknown') return presence === 'gone' ? 'gone' : null;
  const { nowMs, listeningMs = Number.POSITIVE_INFINITY } = redis;
  if (listeningMs < heardLimitMs) return null;
  const silentMs = nowMs - entry.seenAtMs;
  if (silentMs > silentLimitMs) return 'silent';
  return silentMs >= heardLimitMs && isCutOff(entry, here, redis) ? 'cut-off' : null;
}

/**
 * Whether the runner was in another container of this very kernel and none of its connections is left. One that lives
 * opens new ones within seconds and enters them; that it doesn't, and says nothing for 40 s, means that its container
 * has ended. A connection over a network may be cut with its runner still alive, so this is for the same kernel only.
 */
function isCutOff(
  { machine, connections }: RunnerEntry,
  { identity: { machine: own } }: Vantage,
  { connections: open }: RedisView,
): boolean {
  if (machine === own || bootOf(machine) === '' || bootOf(machine) !== bootOf(own)) return false;
  if (connections === undefined || open === null || connections.runId !== open.runId) return false;
  return connections.ids.length > 0 && !connections.ids.some((id) => open.ids.has(id));
}

/** A machine's name is its kernel's boot id and the pid namespace. */
function bootOf(machine: string): string {
  return machine.split(' ')[0] ?? '';
}
