/** Reads which connections a Redis server has, to tell whether a runner has any left. */
import { RedisError } from './redis-error.ts';
import type { CommandSender } from './send.ts';

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
