/**
 * What the runners of this user on this machine know of their queues, asked over their sockets. Redis doesn't have it. `status`
 * reads Redis at the same time and doesn't wait long, because a runner may be stopped.
 */
import { LinkClient } from '../../link/client/client.ts';
import { listSockets } from '../../link/sockets/list-sockets.ts';
import type { QueueState } from '../../protocol/snapshot.ts';
import type { WindowStatistics } from '../../protocol/statistics.ts';
import type { Io } from '../command-line/io.ts';
import { ownSocketDirectories } from '../files/own-directories.ts';
import { openSession, whoWeAre } from '../run/link-session.ts';
import type { WindowStatus } from './document.ts';

/** By `HOST:PID` of the runner. */
export type LocalRunners = ReadonlyMap<string, readonly WindowStatus[]>;

/** More than a snapshot of a thousand queues takes. */
const limitMs = 500;

/** Leaves out runners that don't answer in time, or have another version of the link. Never rejects. */
export async function readLocalRunners(io: Io): Promise<LocalRunners> {
  const found = new Map<string, readonly WindowStatus[]>();
  let timer: NodeJS.Timeout | null = null;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  const all = listSockets(ownSocketDirectories(io)).then((listed) =>
    Promise.all(listed.map(({ path }) => readRunner(io, path, found))),
  );
  // What can't be read is left out: everything else is in Redis.
  await Promise.race([all.catch(() => {}), limit]);
  if (timer !== null) clearTimeout(timer);
  return new Map(found);
}

async function readRunner(io: Io, path: string, found: Map<string, readonly WindowStatus[]>): Promise<void> {
  const { client, store } = await openSession((events) =>
    LinkClient.connect(path, whoWeAre(io, true), events),
  );
  const { engine, queues } = store.getState().model;
  if (engine !== null) found.set(`${engine.workerHost}:${engine.pid}`, queues.flatMap(windowsOf));
  await client.close();
}

function windowsOf({ name, statistics }: QueueState): WindowStatus[] {
  const windows = statistics?.windows ?? null;
  if (windows === null) return [];
  return [
    windowOf(name, '1m', windows.lastMinute),
    windowOf(name, '15m', windows.last15Minutes),
    windowOf(name, 'start', windows.sinceStart),
  ];
}

function windowOf(
  queue: string,
  window: WindowStatus['window'],
  { duration, wait, ...counts }: WindowStatistics,
): WindowStatus {
  return {
    queue,
    window,
    ...counts,
    p50Ms: duration?.p50Ms ?? null,
    p95Ms: duration?.p95Ms ?? null,
    maxMs: duration?.maxMs ?? null,
    waitP50Ms: wait?.p50Ms ?? null,
    waitP95Ms: wait?.p95Ms ?? null,
    waitMaxMs: wait?.maxMs ?? null,
  };
}
