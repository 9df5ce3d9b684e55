/** A link to a runner and a store that follows it, for the screen and for commands such as `pause`. */
import { readlinkSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { LinkClient, LinkEvents, LinkIdentity } from '../../link/client/client.ts';
import { LinkError } from '../../link/link-errors.ts';
import type { Snapshot } from '../../protocol/snapshot.ts';
import { type AppStore, applyEvents, createAppStore, replaceModel } from '../../store/app-store.ts';
import { OperatingError } from '../command-line/exit-codes.ts';
import type { Io } from '../command-line/io.ts';

export interface Session {
  readonly client: LinkClient;
  readonly store: AppStore;
  readonly lost: Promise<string>;
}

/**
 * Resolves when it is connected and the store has the first snapshot, so that the first frame has something to show.
 *
 * @param take what to do with the first snapshot, if the store has been used before
 */
export async function openSession(
  connect: (events: LinkEvents) => Promise<LinkClient>,
  store: AppStore = createAppStore(),
  take: (store: AppStore, snapshot: Snapshot) => void = replaceModel,
): Promise<Session> {
  let isFirst = true;
  let lose: (reason: string) => void = () => {};
  const lost = new Promise<string>((resolve) => {
    lose = resolve;
  });
  let arrive: () => void = () => {};
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const client = await connected(connect, {
    onSnapshot: (snapshot) => {
      if (isFirst) take(store, snapshot);
      else replaceModel(store, snapshot);
      isFirst = false;
      arrive();
    },
    onEvents: (events) => applyEvents(store, events),
    onClosed: (reason) => lose(reason),
  });
  await Promise.race([arrived, lost.then((reason) => Promise.reject(new OperatingError(reason)))]);
  return { client, store, lost };
}

async function connected(
  connect: (events: LinkEvents) => Promise<LinkClient>,
  events: LinkEvents,
): Promise<LinkClient> {
  try {
    return await connect(events);
  } catch (error) {
    if (error instanceof LinkError) throw new OperatingError(error.message, { cause: error });
    throw error;
  }
}

/** `ann@pts/3`, for the log of commands. */
export function whoWeAre(io: Pick<Io, 'stdin'>, isReadOnly: boolean): LinkIdentity {
  const terminal = terminalName(io);
  return { name: terminal === null ? userName() : `${userName()}@${terminal}`, isReadOnly };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without an entry, as in many containers.
    return `uid ${process.getuid?.() ?? '?'}`;
  }
}

/** `pts/3`; `null` without a terminal, or if the system doesn't name it. */
function terminalName({ stdin }: Pick<Io, 'stdin'>): string | null {
  if (stdin.isTTY !== true) return null;
  try {
    return readlinkSync('/proc/self/fd/0').replace(/^\/dev\//, '');
  } catch {
    // No /proc, as on macOS.
    return null;
  }
}
