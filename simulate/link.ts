/** A connection between a runner and the simulated Redis, as both ends see it, and its description. */
import type { Owner } from './agenda.ts';
import type { Command, Reply } from './resp.ts';
import type { SimStream } from './sim-stream.ts';

export interface Client extends Owner {
  readonly name: string;
  /** No data passes in either direction before this time. */
  readonly stalledUntilMs: number;
}

/** A connection, as both ends see it. */
export interface Link {
  readonly id: number;
  readonly client: Client;
  readonly stream: SimStream;
  /** As CLIENT SETNAME says it. */
  name: string;
  /** Whether the server knows it (still). */
  isOpen: boolean;
  /** Whether the client has closed it. */
  isClosed: boolean;
  /** Whether data in both directions is silently lost. */
  isSilent: boolean;
  parked: Parked | null;
  /** Arrived, but not carried out yet. */
  readonly queue: Command[];
  /** On their way, in order. */
  readonly toServer: { readonly atMs: number; readonly command: Command }[];
  readonly toClient: Message[];
}

/** A blocking command: it waits for an element, or until its time is over. */
export interface Parked {
  readonly command: Command;
  readonly keys: readonly Buffer[];
  readonly cancelTimeout: () => void;
}

/** A reply on its way. */
export interface Message {
  readonly atMs: number;
  readonly bytes: Buffer;
  /** The job that it brings. */
  readonly popped: Buffer | null;
  /** The connection ends with it. */
  readonly isLast: boolean;
}

export function linkText({ id, client }: Link): string {
  return `${client.name}.${id}`;
}

const shownCharacters = 1_000;

export function commandText({ name, args }: Command): string {
  // For a script, its name is enough.
  const isScript = name === 'EVAL' || name === 'SCRIPT';
  const shown = args.map((arg) => (isScript && arg.length > 100 ? '…' : arg.toString('latin1')));
  return `${name} ${shown.join(' ')}`.replaceAll('\r\n', ' ').slice(0, shownCharacters);
}

export function replyText(reply: Reply): string {
  if (reply === null || typeof reply === 'number') return String(reply);
  if (Buffer.isBuffer(reply))
    return reply.toString('latin1').replaceAll('\r\n', ' ').slice(0, shownCharacters);
  if (Array.isArray(reply)) return `[${reply.map(replyText).join(' ')}]`.slice(0, shownCharacters);
  return 'ok' in reply ? reply.ok : `! ${reply.error}`;
}
