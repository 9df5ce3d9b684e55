/** The connections of a session that come and go together. */
import type { Redis } from './connection.ts';
import type { ExtraBlockers } from './extra-blockers.ts';
import type { RunnerConnections } from './runner-entry.ts';

export interface Link {
  readonly commands: Redis;
  readonly blocker: Redis;
  readonly blockerId: number;
  readonly commandsId: number;
  readonly extras: ExtraBlockers;
  /** Of the server process; ids of connections mean something only within it. '' if it doesn't tell. */
  readonly runId: string;
}

export function connectionsOf({ commands, blocker, extras }: Link): readonly Redis[] {
  return [commands, blocker, ...extras.connections];
}

export function idsOf({ runId, commandsId, blockerId, extras }: Link): RunnerConnections {
  return { runId, ids: [commandsId, blockerId, ...extras.ids] };
}
