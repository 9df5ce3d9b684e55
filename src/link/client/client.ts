/**
 * A user interface's end of the link. It hands on what the engine says, in order, and keeps no state of its
 * own: that is the store's. Commands are always answered, by the engine or by the end of the link.
 *
 *     greeting ──the engine's hello──▶ open ──close()──▶ closing ──┐
 *         └── refused, other version, too late ──┴── its end ──────┴▶ ended
 */
import type { Duplex } from 'node:stream';
import type { Command, CommandReply } from '../../protocol/commands.ts';
import type { EngineEvent } from '../../protocol/events.ts';
import {
  type ClientFrame,
  clientFrameLimit,
  protocolVersion,
  type ServerFrame,
  type ServerHello,
  serverFrameLimit,
} from '../../protocol/frames.ts';
import type { OutputBatch } from '../../protocol/output.ts';
import type { Snapshot } from '../../protocol/snapshot.ts';
import { encodeFrame, encodeWithin } from '../frames/encode-frame.ts';
import { FrameDecoder, FrameError } from '../frames/frame-decoder.ts';
import { readCommand } from '../frames/read-command.ts';
import { readServerFrame } from '../frames/read-server-frame.ts';
import { LinkError } from '../link-error.ts';
import { linkMessages } from '../messages.ts';
import { connectTo } from './connect-to.ts';
import { WatchedJobs } from './watched-jobs.ts';

export interface LinkEvents {
  /** What is known so far gives way to this: at first, and again whenever events were missed. */
  onSnapshot(snapshot: Snapshot): void;
  /** In order; the first may be in the snapshot already. */
  onEvents(events: readonly EngineEvent[]): void;
  /** The link ended, and not by `close`. @param reason for people */
  onClosed(reason: string): void;
}

/** Who looks. */
export interface LinkIdentity {
  /** For the record: `ann@pts/3`. */
  readonly name: string;
  readonly isReadOnly: boolean;
}

const helloTimeoutMs = 5_000;
/** How long `close` waits for the engine to have read all that was sent. */
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
   * Reaches the engine whose socket lies there; resolves after its hello.
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
   * Talks over a stream whose other end an engine has, or is going to have.
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
    socket.on('error', (error) => this.#fail(new LinkError('broken', linkMessages.linkBroke(error.message))));
    socket.on('close', () => this.#onEnd());
    socket.on('end', () => this.#onEnd());
    if (socket.destroyed || socket.readableEnded) queueMicrotask(() => this.#onEnd());
  }

  get hello(): ServerHello {
    if (this.#hello === null) throw new Error('a client is given away after its hello only');
    return this.#hello;
  }

  /** Id of the user whose engine it is; `null` for one that was not reached by its socket. */
  get ownerUid(): number | null {
    return this.#ownerUid;
  }

  /** Never rejects: where the link is gone, the reply says so. */
  send(command: Command): Promise<CommandReply> {
    // What the engine would refuse for its shape isn't sent, nor what it wouldn't look at, as the rest of an entry.
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
   * Shows what a job has printed, from the beginning of what is kept, then what it prints. A second watch of a
   * job takes the place of the first.
   *
   * @param onBatch `null`: nothing is kept; that, or a batch that `isEnd`, is the last
   * @returns ends the watch
   */
  watch(jobId: string, onBatch: (batch: OutputBatch | null) => void): () => void {
    return this.#watched.watch(jobId, onBatch);
  }

  /** Of the owner: the engine is to go on after the end of this link. Await `close` before the process exits. */
  disown(): void {
    this.#send({ type: 'disown' });
  }

  /** Ends the link. @returns when the engine has all that was sent, or doesn't read it within a second */
  close(): Promise<void> {
    if (this.#state !== 'open') return this.#ended;
    this.#finish('closing');
    // Not destroyed at once: the engine's next write would fail then, and end the connection there before
    // it has read our last frames. It ends its side when it has.
    this.#socket.end();
    this.#timer = setTimeout(() => this.#end(), closeLimitMs);
    return this.#ended;
  }

  #receive(chunk: Buffer): void {
    if (this.#isOver()) return;
    try {
      for (const raw of this.#decoder.decode(chunk)) {
        const frame = readServerFrame(raw);
        if (frame !== null) this.#take(frame);
        if (this.#isOver()) return;
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      const wording = this.#hello === null ? linkMessages.noEngineThere : linkMessages.engineTalksNonsense;
      this.#fail(new LinkError('broken', wording(error.message)));
    }
  }

  /** A method, since the state changes where the compiler can't see it. */
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

  /** The link is of no more use, for this reason; only the first one counts. */
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
      answer({ ok: false, code: 'link-down', message: linkMessages.linkDown() });
    }
    this.#unanswered.clear();
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

function refusal(code: 'out-of-range' | 'link-down', message: string): Promise<CommandReply> {
  return Promise.resolve({ ok: false, code, message });
}
