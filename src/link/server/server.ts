/**
 * The engine's end of the link: tells every client the state and the events behind it, carries their commands
 * to the host, and shows them what jobs print. The host is subscribed to only while somebody looks, and waits
 * for nobody: what a client is too slow for, it misses (see `connection.ts`).
 */
import { createServer, type Server, Socket } from 'node:net';
import { encodeFrame } from '../frames/encode-frame.ts';
import { LinkError } from '../link-error.ts';
import { linkMessages } from '../messages.ts';
import { type ClaimedSocket, claimSocket } from '../sockets/claim-socket.ts';
import { Connection, type ConnectionHooks } from './connection.ts';
import { EventBatch } from './event-batch.ts';
import type { LinkHost } from './link-host.ts';
import { Pacer } from './pacer.ts';

/** More than anybody opens on purpose; the owner isn't counted. */
const connectionsLimit = 64;
/** Between two looks at the output that is watched. */
const outputIntervalMs = 50;
/** How long `close` waits for clients to read the rest. */
const closeLimitMs = 500;

export class LinkServer {
  readonly #host: LinkHost;
  readonly #listener: Server;
  #claim: ClaimedSocket | null = null;
  readonly #connections = new Set<Connection>();
  /** Those that said hello. */
  readonly #joined = new Set<Connection>();
  readonly #batch = new EventBatch((frame) => {
    for (const connection of this.#joined) connection.sendEvents(frame);
  });
  readonly #outputPacer = new Pacer(outputIntervalMs, () => this.#sendOutput());
  readonly #hooks: ConnectionHooks = {
    onJoined: (connection) => this.#onJoined(connection),
    onLeft: (connection) => this.#onLeft(connection),
    onClosed: (connection) => this.#onClosed(connection),
    onWatching: () => this.#outputPacer.request(),
    afterEvents: (callback) => this.#batch.afterEvents(callback),
  };
  /** What ends the subscription and the live updates; set while a client looks. */
  #endWatching: (() => void) | null = null;
  #isClosing = false;
  #closed: Promise<void> | null = null;
  #onAllClosed: (() => void) | null = null;

  constructor(host: LinkHost) {
    this.#host = host;
    this.#listener = createServer((socket) => this.#accept(socket));
  }

  /**
   * Listens at the path, or where another engine lives there, at the next name like it (`17-2.sock`), unless
   * the path `isExact`: one that somebody chose, who would look for this engine there.
   *
   * @returns the path at which it listens
   * @throws LinkError; it may be tried again then
   */
  async listen(path: string, { isExact = false }: { readonly isExact?: boolean } = {}): Promise<string> {
    this.#claim = await claimSocket(this.#listener, path, { isExact });
    // Clients that can't be accepted, as when no descriptor is left, are their own trouble.
    this.#listener.on('error', (error) => process.emitWarning(error));
    return this.#claim.path;
  }

  /**
   * Takes over a connected stream socket that the process inherited: the owner's.
   *
   * @throws LinkError where the descriptor is none
   */
  adopt(fd: number): void {
    let socket: Socket;
    try {
      socket = new Socket({ fd, readable: true, writable: true });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new LinkError('unusable', linkMessages.notAdoptable(fd, reason), { cause: error });
    }
    this.#connect(socket, { isOwner: true });
  }

  /** Tells all clients the rest, ends the links and gives the socket's name up; half a second at most. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#isClosing = true;
    // While it still listens: a name that looked dead could already be somebody else's.
    this.#claim?.release();
    this.#listener.close();
    this.#batch.flush();
    const allClosed = new Promise<void>((resolve) => {
      this.#onAllClosed = resolve;
    });
    for (const connection of this.#connections) connection.finish(closeLimitMs);
    if (this.#connections.size > 0) await allClosed;
  }

  #accept(socket: Socket): void {
    socket.on('error', () => {});
    if (this.#isClosing) {
      socket.destroy();
      return;
    }
    const guests = [...this.#connections].filter(({ isOwner }) => !isOwner).length;
    if (guests < connectionsLimit) {
      this.#connect(socket, { isOwner: false });
      return;
    }
    const message = linkMessages.tooManyClients(connectionsLimit);
    // It goes at once: whoever has been told no may not take up a descriptor.
    socket.end(encodeFrame({ type: 'refused', message }), () => socket.destroy());
  }

  #connect(socket: Socket, role: { isOwner: boolean }): void {
    this.#connections.add(new Connection(socket, this.#host, this.#hooks, role));
  }

  #onJoined(connection: Connection): void {
    this.#joined.add(connection);
    if (this.#endWatching !== null) return;
    const unsubscribe = this.#host.subscribe((event) => {
      let isWanted = false;
      for (const each of this.#joined) {
        if (each.isBehind) each.missEvents();
        else isWanted = true;
      }
      if (isWanted) this.#batch.add(event);
    });
    const endWatch = this.#host.watch();
    this.#endWatching = () => {
      unsubscribe();
      endWatch();
    };
  }

  #onLeft(connection: Connection): void {
    this.#joined.delete(connection);
    if (this.#joined.size === 0) {
      this.#batch.clear();
      this.#endWatching?.();
      this.#endWatching = null;
    }
    if (connection.isMissed && !this.#isClosing) this.#host.onOwnerGone();
  }

  #onClosed(connection: Connection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#onAllClosed?.();
  }

  #sendOutput(): void {
    let isWatched = false;
    for (const connection of this.#joined) {
      connection.sendOutput();
      isWatched ||= connection.isWatching;
    }
    if (isWatched) this.#outputPacer.request();
  }
}
