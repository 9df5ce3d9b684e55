/**
 * The connections of a session, which open and close together, and the list of connections that Redis has.
 *
 * A connection's id is unique only within one run of the server, so ids come with the server's run id.
 */
import type { Redis } from './connection.ts';
import type { Server } from './handshake.ts';
import { RedisError } from './redis-error.ts';
import type { CommandSender } from './send.ts';

export interface RunnerConnections {
  readonly runId: string;
  readonly ids: readonly number[];
}

export interface ConnectionSet {
  readonly commands: Redis;
  readonly blocker: Redis;
  readonly blockerId: number;
  readonly commandsId: number;
  readonly extras: ExtraBlockers;
  readonly server: Server;
}

export function connectionsOf({ commands, blocker, extras }: ConnectionSet): readonly Redis[] {
  return [commands, blocker, ...extras.connections];
}

export function idsOf({ server, commandsId, blockerId, extras }: ConnectionSet): RunnerConnections {
  return { runId: server.runId, ids: [commandsId, blockerId, ...extras.ids] };
}

/** Whether both connect to the same run of the server. */
export function isSameServer(a: ConnectionSet, b: ConnectionSet): boolean {
  return a.server.runId !== '' && a.server.runId === b.server.runId;
}

/** Whether the server has closed connections since then because of its output buffer limit. */
export function hasOutgrown(last: ConnectionSet, set: ConnectionSet): boolean {
  return isSameServer(last, set) && set.server.outgrown > last.server.outgrown;
}

interface Blocker {
  readonly connection: Redis;
  readonly id: number;
}

/** Connections besides the first that may block: one for each name, opened when it is first needed. */
export class ExtraBlockers {
  readonly #open: () => Redis;
  readonly #connect: (connection: Redis) => Promise<number>;
  readonly #byName = new Map<string, Promise<Blocker>>();
  readonly #connections: Redis[] = [];
  readonly #ids: number[] = [];

  /** @param connect connects. @returns the connection's id in Redis */
  constructor(open: () => Redis, connect: (connection: Redis) => Promise<number>) {
    this.#open = open;
    this.#connect = connect;
  }

  get connections(): readonly Redis[] {
    return this.#connections;
  }

  get ids(): readonly number[] {
    return this.#ids;
  }

  get(name: string): Promise<Blocker> {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const opening = this.#openBlocker();
    this.#byName.set(name, opening);
    return opening;
  }

  /** @returns `null` if there is no connection with this name */
  async idOf(name: string): Promise<number | null> {
    return (await this.#byName.get(name))?.id ?? null;
  }

  async #openBlocker(): Promise<Blocker> {
    const connection = this.#open();
    this.#connections.push(connection);
    const id = await this.#connect(connection);
    this.#ids.push(id);
    return { connection, id };
  }
}

/** All connections of a server. */
export interface RedisConnections {
  readonly runId: string;
  readonly ids: ReadonlySet<number>;
  /** Names of the connections on which runners wait for jobs, as `waitsOf` makes them, by id. */
  readonly waits: ReadonlyMap<number, string>;
}

/** Name of the connections on which a process waits for jobs. Its programs have the same instance id. */
export function waitsOf(instanceId: string): string {
  return `resque-runner-wait:${instanceId}`;
}

/** @returns `null` if unknown: not permitted, or a proxy answers. Rejects with RedisError. */
export async function readConnections(sender: CommandSender): Promise<RedisConnections | null> {
  try {
    const [info, own, list] = await sender.command((commands) =>
      Promise.all([commands.info('server'), commands.client('ID'), commands.client('LIST')]),
    );
    const runId = /^run_id:(\w+)\r?$/m.exec(info)?.[1] ?? '';
    const names = new Map(
      [...String(list).matchAll(/^id=(\d+) .*? name=(\S*)/gm)].map(([, id, name = '']) => [Number(id), name]),
    );
    // If our own connection is missing, the list is filtered or comes from another server.
    if (runId === '' || !names.has(Number(own))) return null;
    const waits = [...names].filter(([, name]) => name.startsWith(waitsOf('')));
    return { runId, ids: new Set(names.keys()), waits: new Map(waits) };
  } catch (error) {
    // Optional: without it, the runner counts as dead later, after a longer silence.
    if (error instanceof RedisError && error.kind !== 'away') return null;
    throw error;
  }
}
