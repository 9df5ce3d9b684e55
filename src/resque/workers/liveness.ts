/**
 * Judges from a runner's entry whether its process is alive or dead. Recovery, `status` and `check` all use it. Pure.
 *
 *     this machine sees the process, or sees that it is gone      alive, or dead
 *     no heartbeat for more than 300 s                            dead
 *     its container has ended (see `isCutOff`)                    dead
 *     a heartbeat within 40 s                                     alive
 *     otherwise                                                   unknown
 *
 * An unknown runner is never recovered. All times are by Redis' clock.
 */
import type { Death } from '../../protocol/redis-views.ts';
import type { RedisConnections } from '../redis/connection-set.ts';
import type { RunnerEntry } from './runner-entry.ts';

export type Liveness = 'alive' | 'dead' | 'unknown';

/** Whether this machine has the process. */
export type Presence = 'running' | 'gone' | 'unknown';

/** The machine that judges: this one, or one that a test or the simulator makes. */
export interface Vantage {
  readonly identity: { readonly machine: string; readonly uid?: number };
  readonly presenceOf: (process: Pick<RunnerEntry, 'machine' | 'pid' | 'startedAt'>) => Presence;
}

/** What Redis says, all at the same moment. */
export interface RedisView {
  readonly nowMs: number;
  /** `null` if unknown. */
  readonly connections: RedisConnections | null;
  /**
   * How long this process has been connected since the last outage. After an outage all runners are silent, and the first
   * one to return must not take the others for dead.
   */
  readonly listeningMs?: number;
}

/** The same as in Resque, see `Resque.prune_interval`. */
export const silentLimitMs = 300_000;
/** Two missed heartbeats. */
export const heardLimitMs = 40_000;

export function livenessOf(entry: RunnerEntry, here: Vantage, redis: RedisView): Liveness {
  const presence = here.presenceOf(entry);
  if (presence === 'running') return 'alive';
  if (deathBy(presence, entry, here, redis) !== null) return 'dead';
  return redis.nowMs - entry.seenAtMs < heardLimitMs ? 'alive' : 'unknown';
}

/** @returns `null` unless `livenessOf` says `dead` */
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
 * Whether the runner was in another container of the same kernel and has no connection left. A living runner opens new
 * connections within seconds and enters them. Without any, and without a heartbeat for 40 s, its container must have ended.
 * A network may cut the connections of a living runner, so this applies to the same kernel only.
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
