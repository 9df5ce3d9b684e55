/** The connections of a session that come and go together. */
import type { Redis } from './connection.ts';
import type { ExtraBlockers } from './extra-blockers.ts';
import type { Server } from './handshake.ts';

export interface RunnerConnections {
  /** Of the server process; ids mean something only within it. */
  readonly runId: string;
  readonly ids: readonly number[];
}

export interface Link {
  readonly commands: Redis;
  readonly blocker: Redis;
  readonly blockerId: number;
  readonly commandsId: number;
  readonly extras: ExtraBlockers;
  readonly server: Server;
}

export function connectionsOf({ commands, blocker, extras }: Link): readonly Redis[] {
  return [commands, blocker, ...extras.connections];
}

export function idsOf({ server, commandsId, blockerId, extras }: Link): RunnerConnections {
  return { runId: server.runId, ids: [commandsId, blockerId, ...extras.ids] };
}

/** Whether both are connections to the same server process. */
export function isSameServer(a: Link, b: Link): boolean {
  return a.server.runId !== '' && a.server.runId === b.server.runId;
}

/** Whether the server has closed connections since because of what waited to be sent on them. */
export function hasOutgrown(last: Link, link: Link): boolean {
  return isSameServer(last, link) && link.server.outgrown > last.server.outgrown;
}
