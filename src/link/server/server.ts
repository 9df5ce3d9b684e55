/**
 * The engine's end of the link. It sends every client the state and the events that follow, passes commands to the host,
 * and shows what jobs print. It subscribes to the host only while a client is connected. The host waits for no client: a slow
 * one misses events (see `connection.ts`).
 */
import { createServer, type Server, Socket } from 'node:net';
import { encodeFrame } from '../frames/frame-codec.ts';
import { LinkError, linkMessages } from '../link-errors.ts';
import { listenAt } from '../sockets/listen.ts';
import { Connection, type ConnectionHooks, type LinkHost } from './client-connection.ts';
import { EventBatch } from './event-batch.ts';
import { helloOf } from './hello.ts';
import { Pacer } from './pacer.ts';

/** More than a user opens on purpose; the owner doesn't count. */
const connectionsLimit = 64;
/** Between two reads of the watched output. */
const outputIntervalMs = 50;
/** How long `close` waits for clients to read the rest. */
const closeLimitMs = 500;

export class LinkServer {
  readonly #host: LinkHost;
  readonly #listener: Server;
  #releaseName: (() => void) | null = null;
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
   * Listens at the path. Replaces a dead engine's socket, but nothing else.
   *
   * @throws LinkError; then it may be called again
   */
  async listen(path: string): Promise<void> {
    this.#releaseName = await listenAt(this.#listener, path);
    // For example, no descriptor is left for a client. The engine goes on.
    this.#listener.on('error', (error) => process.emitWarning(error));
  }

  /**
   * Takes over the owner's connection, a stream socket that the process inherited.
   *
   * @throws LinkError if the descriptor isn't one
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

  /** Sends all clients the rest, ends the links and removes the socket, within half a second. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#isClosing = true;
    // While it still listens: a name that looks dead could already be another engine's.
    this.#releaseName?.();
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
    // A probe needs no more than the hello.
    socket.write(encodeFrame(helloOf(this.#host, false)));
    // Closed at once: a rejected client must not keep a descriptor.
    socket.end(encodeFrame({ type: 'refused', message }), () => socket.destroy());
  }

  #connect(socket: Socket, role: { isOwner: boolean }): void {
    this.#connections.add(new Connection(socket, this.#host, this.#hooks, role));
  }

  #onJoined(connection: Connection): void {
    this.#joined.add(connection);
    if (this.#endWatching !== null) return;
    const unsubscribe = this.#host.subscribe((event) => {
      // For the log alone.
      if (event.type === 'output.logged' || event.type === 'output.left-out') return;
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
