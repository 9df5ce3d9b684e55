/** The connections of a session, which come and go together, and what Redis knows of connections. */
import type { Redis } from './connection.ts';
import type { Server } from './handshake.ts';
import { RedisError } from './redis-error.ts';
import type { CommandSender } from './send.ts';

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

interface Blocker {
  readonly connection: Redis;
  readonly id: number;
}

export class ExtraBlockers {
  readonly #open: () => Redis;
  readonly #connect: (connection: Redis) => Promise<number>;
  readonly #byName = new Map<string, Promise<Blocker>>();
  readonly #connections: Redis[] = [];
  readonly #ids: number[] = [];

  /** @param connect connects, and says the connection's id in Redis */
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

  /** @returns `null` where there is none of this name */
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

/** Ids of connections mean something only together with the server process that gave them. */
export interface RedisConnections {
  readonly runId: string;
  readonly ids: ReadonlySet<number>;
  /** Of those that a runner waits for jobs on; `waitsOf` names them. */
  readonly waits: ReadonlyMap<number, string>;
}

/** Name of the connections that a process waits for jobs on. `mark` is the one of its programs. */
export function waitsOf(mark: string): string {
  return `resque-runner-wait:${mark}`;
}

/** @returns `null` if that can't be known: not permitted, or a proxy answers. Rejects with RedisError. */
export async function readConnections(sender: CommandSender): Promise<RedisConnections | null> {
  try {
    const [info, own, list] = await sender.command((commands) =>
      Promise.all([commands.info('server'), commands.client('ID'), commands.client('LIST')]),
    );
    const runId = /^run_id:(\w+)\r?$/m.exec(info)?.[1] ?? '';
    const names = new Map(
      [...String(list).matchAll(/^id=(\d+) .*? name=(\S*)/gm)].map(([, id, name = '']) => [Number(id), name]),
    );
    // A list without this very connection is of another server, or filtered.
    if (runId === '' || !names.has(Number(own))) return null;
    const waits = [...names].filter(([, name]) => name.startsWith(waitsOf('')));
    return { runId, ids: new Set(names.keys()), waits: new Map(waits) };
  } catch (error) {
    // Optional: without it the runner counts as dead later, when it has been silent for long enough.
    if (error instanceof RedisError && error.kind !== 'away') return null;
    throw error;
  }
}
