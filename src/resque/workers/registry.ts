/**
 * Who and what there is by name, as Redis lists it: workers of every kind, runner processes, queues. What is known of
 * each of them is for others to read. Writes nothing. Rejects with RedisError.
 */
import type { ResqueKeys } from '../format/keys.ts';
import { unlessWrongType, type WrongType, wrongTypesAmong } from '../redis/bulk-reads.ts';
import { type RedisConnections, readConnections } from '../redis/read-connections.ts';
import type { CommandSender } from '../redis/send.ts';
import { wantsConnections } from './liveness.ts';
import { readEntry } from './runner-entry.ts';

export interface Registry {
  /** Milliseconds since the epoch, by Redis' clock. */
  readonly nowMs: number;
  /** Ids; anyone's, so that they may be no UTF-8. */
  readonly workers: readonly Buffer[];
  /** By a worker's id. */
  readonly heartbeats: ReadonlyMap<string, string>;
  /** Entries of runner processes as they stand there, by `HOST:PID`. */
  readonly runners: ReadonlyMap<string, string>;
  /** Read only if it helps to judge one of these processes; otherwise `null`. */
  readonly connections: RedisConnections | null;
  /** Names; these too. */
  readonly queues: readonly Buffer[];
  /** How long the list of failures is; `null` where it is no list. */
  readonly failures: number | null;
  /** What of all that could not be read. */
  readonly wrongTypes: readonly WrongType[];
}

export async function readRegistry(sender: CommandSender, keys: ResqueKeys): Promise<Registry> {
  const [time, workers, heartbeats, runners, queues, failures] = await Promise.all([
    sender.command((commands) => commands.time()),
    unlessWrongType(sender.command((commands) => commands.smembersBuffer(keys.workers))),
    unlessWrongType(sender.command((commands) => commands.hgetall(keys.heartbeat))),
    unlessWrongType(sender.command((commands) => commands.hgetall(keys.runners))),
    unlessWrongType(sender.command((commands) => commands.smembersBuffer(keys.queues))),
    unlessWrongType(sender.command((commands) => commands.llen(keys.failed))),
  ]);
  const wrong = await Promise.all([
    workers === null ? wrongTypesAmong(sender, [keys.workers], 'set') : [],
    heartbeats === null ? wrongTypesAmong(sender, [keys.heartbeat], 'hash') : [],
    runners === null ? wrongTypesAmong(sender, [keys.runners], 'hash') : [],
    queues === null ? wrongTypesAmong(sender, [keys.queues], 'set') : [],
    failures === null ? wrongTypesAmong(sender, [keys.failed], 'list') : [],
  ]);
  const [seconds, micros] = time;
  const nowMs = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
  const isWanted = wantsConnections(Object.values(runners ?? {}).map(readEntry), nowMs);
  return {
    nowMs,
    connections: isWanted ? await readConnections(sender) : null,
    workers: workers ?? [],
    heartbeats: new Map(Object.entries(heartbeats ?? {})),
    runners: new Map(Object.entries(runners ?? {})),
    queues: queues ?? [],
    failures,
    wrongTypes: wrong.flat(),
  };
}
