/** The state of the simulated Redis, and its own answers: everything about connections and the server. */
import type { Link } from './link.ts';
import type { Command, Reply } from './resp.ts';

export interface ServerState {
  isReachable: boolean;
  isLoading: boolean;
  isReplica: boolean;
  isFull: boolean;
  /** No data passes before this time. */
  frozenUntilMs: number;
  /** Of the server process. */
  runId: string;
  /** Names of commands in capitals, with `|` before a subcommand. */
  readonly refused: Set<string>;
}

export interface ServerView {
  readonly state: ServerState;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  readonly links: readonly Link[];
  /** @returns whether it waited */
  unblock(link: Link): boolean;
  kill(link: Link): void;
}

/** @returns `undefined` for what the real server answers */
export function ownAnswer(view: ServerView, link: Link, { name, args }: Command): Reply | undefined {
  const { state, links } = view;
  const subcommand = name === 'CLIENT' ? `CLIENT|${args[0]?.toString().toUpperCase()}` : name;
  if (state.refused.has(name) || state.refused.has(subcommand)) {
    const refused = subcommand.toLowerCase();
    return { error: `NOPERM User runner has no permissions to run the '${refused}' command` };
  }
  const named = (id: Buffer | undefined) => links.find((other) => other.isOpen && other.id === Number(id));
  switch (subcommand) {
    case 'SELECT':
    case 'AUTH':
      return { ok: 'OK' };
    case 'CLIENT|SETNAME':
      link.name = args[1]?.toString() ?? '';
      return { ok: 'OK' };
    case 'CLIENT|ID':
      return link.id;
    case 'CLIENT|LIST':
      return Buffer.from(list(links));
    case 'CLIENT|UNBLOCK': {
      const waiting = named(args[1]);
      return waiting !== undefined && view.unblock(waiting) ? 1 : 0;
    }
    case 'CLIENT|KILL': {
      const killed = named(args[2]);
      if (killed !== undefined) view.kill(killed);
      return killed === undefined ? 0 : 1;
    }
    case 'CONFIG':
      return [Buffer.from('client-output-buffer-limit'), Buffer.from('normal 64 0 0')];
    case 'INFO':
      return Buffer.from(info(state));
    case 'TIME':
      return serverTime(view);
  }
  if (name === 'CLIENT') throw new Error(`the simulated Redis doesn't know ${subcommand}`);
  if (state.isLoading) return { error: 'LOADING Redis is loading the dataset in memory' };
  return name === 'PING' ? { ok: 'PONG' } : undefined;
}

/** The reply to TIME. */
export function serverTime({ nowMs }: ServerView): Buffer[] {
  return [Math.floor(nowMs / 1000), Math.floor((nowMs % 1000) * 1000)].map((part) =>
    Buffer.from(String(part)),
  );
}

function list(links: readonly Link[]): string {
  const open = links.filter(({ isOpen }) => isOpen);
  return open.map(({ id, name }) => `id=${id} addr=127.0.0.1:1 name=${name}\n`).join('');
}

function info({ runId, isLoading, isReplica }: ServerState): string {
  const fields = {
    redis_version: '7.0.15',
    run_id: runId,
    loading: isLoading ? 1 : 0,
    role: isReplica ? 'slave' : 'master',
    ...(isReplica ? { slave_read_only: 1 } : {}),
  };
  return Object.entries(fields)
    .map(([name, value]) => `${name}:${value}\r\n`)
    .join('');
}
