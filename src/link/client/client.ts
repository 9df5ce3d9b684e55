/**
 * The screen's end of the link. It passes on what the engine sends, in order, and leaves the state to the store. Every
 * command gets an answer, from the engine or from the end of the link.
 *
 *     greeting ──the engine's hello──▶ open ──close()──▶ closing ──┐
 *         └── refused, other version, too late ──┴── its end ──────┴▶ ended
 */
import type { Duplex } from 'node:stream';
import { type Command, type CommandReply, type RefusalCode, refused } from '../../protocol/commands.ts';
import type { EngineEvent } from '../../protocol/events.ts';
import {
  type ClientFrame,
  clientFrameLimit,
  protocolVersion,
  type ServerFrame,
  type ServerHello,
  serverFrameLimit,
} from '../../protocol/frames.ts';
import type { OutputBatch } from '../../protocol/job.ts';
import type { Snapshot } from '../../protocol/snapshot.ts';
import { encodeFrame, encodeWithin, FrameDecoder, FrameError } from '../frames/frame-codec.ts';
import { readCommand } from '../frames/read-command.ts';
import { readServerFrame } from '../frames/read-frames.ts';
import { LinkError, linkMessages } from '../link-errors.ts';
import { connectTo } from './connect-to.ts';
import { WatchedJobs } from './watched-jobs.ts';

export interface LinkEvents {
  /** Replaces everything known so far: at first, and again after missed events. */
  onSnapshot(snapshot: Snapshot): void;
  /** In order; the snapshot may contain the first ones already. */
  onEvents(events: readonly EngineEvent[]): void;
  /** The link ended without `close`. @param reason for people */
  onClosed(reason: string): void;
}

/** Who is connecting. */
export interface LinkIdentity {
  /** For the log: `ann@pts/3`. */
  readonly name: string;
  readonly isReadOnly: boolean;
}

const helloTimeoutMs = 5_000;
/** How long `close` waits for the engine to read everything. */
const closeLimitMs = 1_000;

export class LinkClient {
  readonly #socket: Duplex;
  readonly #who: LinkIdentity;
  readonly #events: LinkEvents;
  readonly #decoder = new FrameDecoder(serverFrameLimit);
  readonly #watched = new WatchedJobs((frame) => this.#send(frame));
  readonly #unanswered = new Map<number, (reply: CommandReply) => void>();
  #lastId = 0;
  #state: 'greeting' | 'open' | 'closing' | 'ended' = 'greeting';
  #hello: ServerHello | null = null;
  #ownerUid: number | null = null;
  #onGreeted: ((error: LinkError | null) => void) | null;
  #timer: NodeJS.Timeout | null;
  readonly #ended: Promise<void>;
  #onEnded: () => void = () => {};

  /**
   * Connects to the engine at this socket; resolves after its hello.
   *
   * @throws LinkError
   */
  static async connect(path: string, who: LinkIdentity, events: LinkEvents): Promise<LinkClient> {
    const { socket, ownerUid } = await connectTo(path);
    const client = await LinkClient.over(socket, who, events);
    client.#ownerUid = ownerUid;
    return client;
  }

  /**
   * Uses a stream whose other end an engine has, or will have.
   *
   * @throws LinkError
   */
  static over(socket: Duplex, who: LinkIdentity, events: LinkEvents): Promise<LinkClient> {
    return new Promise((resolve, reject) => {
      const client: LinkClient = new LinkClient(socket, who, events, (error) => {
        if (error === null) resolve(client);
        else reject(error);
      });
    });
  }

  private constructor(
    socket: Duplex,
    who: LinkIdentity,
    events: LinkEvents,
    onGreeted: (error: LinkError | null) => void,
  ) {
    this.#socket = socket;
    this.#who = who;
    this.#events = events;
    this.#onGreeted = onGreeted;
    this.#ended = new Promise((resolve) => {
      this.#onEnded = resolve;
    });
    this.#timer = setTimeout(() => {
      this.#fail(new LinkError('timeout', linkMessages.noAnswer(helloTimeoutMs / 1000)));
    }, helloTimeoutMs);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // The other process has ended with bytes of ours unread.
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') this.#onEnd();
      else this.#fail(new LinkError('broken', linkMessages.linkBroke(error.message)));
    });
    socket.on('close', () => this.#onEnd());
    socket.on('end', () => this.#onEnd());
    if (socket.destroyed || socket.readableEnded) queueMicrotask(() => this.#onEnd());
  }

  get hello(): ServerHello {
    if (this.#hello === null) throw new Error('there is no client before its hello');
    return this.#hello;
  }

  /** The user whose engine it is; `null` unless it was reached by its socket. */
  get ownerUid(): number | null {
    return this.#ownerUid;
  }

  /** Never rejects: if the link is down, the reply says so. */
  send(command: Command): Promise<CommandReply> {
    // Sends nothing that the engine would reject for its shape, and no fields that it would ignore.
    const read = readCommand(command);
    if (typeof read === 'string') return refusal('out-of-range', read);
    if (this.#state !== 'open') return refusal('link-down', linkMessages.linkDown());
    this.#lastId += 1;
    const id = this.#lastId;
    const frame = encodeWithin({ type: 'command', id, command: read }, clientFrameLimit);
    if (frame === null) return refusal('out-of-range', linkMessages.commandTooLong(clientFrameLimit));
    return new Promise((resolve) => {
      this.#unanswered.set(id, resolve);
      this.#socket.write(frame);
    });
  }

  /**
   * Passes on the kept output of a job from its start, then new output. A second watch of a job replaces the first.
   *
   * @param onBatch the last batch is `null`, if no output is kept, or one that `isEnd`
   * @returns ends the watch
   */
  watch(jobId: string, onBatch: (batch: OutputBatch | null) => void): () => void {
    return this.#watched.watch(jobId, onBatch);
  }

  /** For the owner: the engine continues after this link ends. Await `close` before the process exits. */
  disown(): void {
    this.#send({ type: 'disown' });
  }

  /** Ends the link. @returns when the engine has read everything, or after a second */
  close(): Promise<void> {
    if (this.#state !== 'open') return this.#ended;
    this.#finish('closing');
    // Not destroyed at once: then the engine's next write would fail and end the connection before it has read our last
    // frames. It ends its side after that.
    this.#socket.end();
    this.#timer = setTimeout(() => this.#end(), closeLimitMs);
    return this.#ended;
  }

  #receive(chunk: Buffer): void {
    if (this.#isOver()) return;
    try {
      for (const raw of this.#decoder.decode(chunk)) {
        this.#take(readServerFrame(raw));
        if (this.#isOver()) return;
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      const wording = this.#hello === null ? linkMessages.noEngineThere : linkMessages.engineTalksNonsense;
      this.#fail(new LinkError('broken', wording(error.message)));
    }
  }

  /** A method, because the compiler doesn't see all changes of the state. */
  #isOver(): boolean {
    return this.#state === 'closing' || this.#state === 'ended';
  }

  #take(frame: ServerFrame): void {
    if (frame.type === 'refused') {
      this.#fail(new LinkError('refused', linkMessages.refused(frame.message)));
      return;
    }
    if (this.#hello === null || frame.type === 'hello') {
      this.#greet(frame);
      return;
    }
    switch (frame.type) {
      case 'snapshot':
        this.#events.onSnapshot(frame.snapshot);
        break;
      case 'events':
        this.#events.onEvents(frame.events);
        break;
      case 'reply':
        this.#unanswered.get(frame.id)?.(frame.reply);
        this.#unanswered.delete(frame.id);
        break;
      case 'output':
        this.#watched.take(frame.jobId, frame.batch);
        break;
    }
  }

  #greet(frame: Exclude<ServerFrame, { type: 'refused' }>): void {
    if (frame.type !== 'hello') throw new FrameError(linkMessages.helloFirst(frame.type));
    if (this.#hello !== null) throw new FrameError(linkMessages.helloTwice());
    const { version, protocol } = frame;
    if (protocol !== protocolVersion) {
      const message = linkMessages.engineVersionDiffers(version, protocol, protocolVersion);
      this.#fail(new LinkError('version', message));
      return;
    }
    this.#hello = frame;
    this.#state = 'open';
    this.#stopTimer();
    this.#send({ type: 'hello', protocol: protocolVersion, ...this.#who });
    this.#onGreeted?.(null);
    this.#onGreeted = null;
  }

  #send(frame: ClientFrame): void {
    if (this.#state === 'open') this.#socket.write(encodeFrame(frame));
  }

  #onEnd(): void {
    const isGreeting = this.#hello === null;
    this.#fail(
      new LinkError('broken', isGreeting ? linkMessages.endedBeforeHello() : linkMessages.engineEnded()),
    );
  }

  /** Ends the link for this reason; only the first reason counts. */
  #fail(reason: LinkError): void {
    const wasOver = this.#isOver();
    this.#end();
    if (wasOver) return;
    if (this.#onGreeted === null) this.#events.onClosed(reason.message);
    else this.#onGreeted(reason);
    this.#onGreeted = null;
  }

  #end(): void {
    if (this.#state !== 'ended') this.#finish('ended');
    this.#socket.destroy();
    this.#onEnded();
  }

  #finish(state: 'closing' | 'ended'): void {
    this.#state = state;
    this.#stopTimer();
    for (const answer of this.#unanswered.values()) {
      answer(refused('link-down', linkMessages.linkDown()));
    }
    this.#unanswered.clear();
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

function refusal(code: RefusalCode, message: string): Promise<CommandReply> {
  return Promise.resolve(refused(code, message));
}
