/**
 * One client, seen from the server. The server checks everything that the client sends, and limits the memory for data that
 * the client hasn't read. A client can't harm others.
 *
 *     greeting ──hello──▶ joined ───┬── its end, an error ──────────────▶ ended
 *         └── no hello, a wrong one ┴── cut off, or we stop ─▶ leaving ──▶ ended
 *
 * A joined client that reads too slowly is *behind*: the server sends it no events and doesn't read its frames. Once it has
 * read the rest, a new snapshot replaces the events that it missed.
 */
import type { Socket } from 'node:net';
import { type Command, type CommandReply, commandTable, refused } from '../../protocol/commands.ts';
import type { EngineEvent } from '../../protocol/events.ts';
import {
  clientFrameLimit,
  protocolVersion,
  type ServerFrame,
  serverFrameLimit,
} from '../../protocol/frames.ts';
import type { OutputReader } from '../../protocol/job.ts';
import type { Snapshot } from '../../protocol/snapshot.ts';
import { encodeFrame, encodeWithin, FrameDecoder, FrameError, type RawFrame } from '../frames/frame-codec.ts';
import { readCommand } from '../frames/read-command.ts';
import { type ReadClientFrame, readClientFrame } from '../frames/read-frames.ts';
import { linkMessages } from '../link-errors.ts';
import { type GreetingHost, helloOf } from './hello.ts';
import { OutputWatches } from './output-watches.ts';

/** What the server asks of the engine's process. */
export interface LinkHost extends GreetingHost {
  snapshot(): Snapshot;
  /** Held while a client is connected. @returns ends the subscription */
  subscribe(listener: (event: EngineEvent) => void): () => void;
  /**
   * Gets only well-formed commands, and only reading ones from a client that may only read.
   *
   * @param by what the client calls itself, at most 64 characters, hostile until sanitized
   */
  execute(command: Command, by: string): Promise<CommandReply>;
  /** Turns on live updates while a client is connected. @returns turns them off */
  watch(): () => void;
  /** `null`: no output of that job is kept. */
  openOutput(jobId: string): OutputReader | null;
  /** The owner's connection ended without `disown`. */
  onOwnerGone(): void;
}

/** What the server does for its connections. */
export interface ConnectionHooks {
  /** It said hello; its snapshot follows. */
  onJoined(connection: Connection): void;
  /** It is leaving, joined or not. Called once, before `onClosed`. */
  onLeft(connection: Connection): void;
  /** Its socket is closed. */
  onClosed(connection: Connection): void;
  onWatching(): void;
  /** Calls back when the events published so far have been written. */
  afterEvents(callback: () => void): void;
}

const helloTimeoutMs = 5_000;
/** Before its hello. Many clients that never say hello may be connected. */
const helloFrameLimit = 64 * 1024;
/** A client with more unread bytes is behind. */
const behindBytes = 4 * 1024 * 1024;
/** How long a client that is cut off has to read the reason. */
const cutOffMs = 1_000;
const unansweredLimit = 64;
const longestName = 64;
/** Of output, per step of the server: 4 MB/s at 20 steps a second. */
const outputBytesPerStep = 200 * 1024;

export class Connection {
  readonly isOwner: boolean;
  readonly #socket: Socket;
  readonly #host: LinkHost;
  readonly #hooks: ConnectionHooks;
  readonly #decoder = new FrameDecoder(helloFrameLimit);
  readonly #watches: OutputWatches;
  #state: 'greeting' | 'joined' | 'leaving' | 'ended' = 'greeting';
  /** For the hello, later for the end. */
  #timer: NodeJS.Timeout | null = null;
  #name = '';
  #isReadOnly = true;
  #unanswered = 0;
  #isBehind = false;
  #hasMissedEvents = false;
  #isDisowned = false;

  constructor(socket: Socket, host: LinkHost, hooks: ConnectionHooks, { isOwner }: { isOwner: boolean }) {
    this.isOwner = isOwner;
    this.#socket = socket;
    this.#host = host;
    this.#hooks = hooks;
    this.#watches = new OutputWatches(
      (jobId) => host.openOutput(jobId),
      (jobId, batch) => this.#send({ type: 'output', jobId, batch }),
    );
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    // A half-closed client would only wait for replies, which this program's client never does.
    socket.on('end', () => socket.destroy());
    // 'close' follows, whatever the error.
    socket.on('error', () => {});
    socket.on('close', () => this.#close());
    socket.on('drain', () => this.#catchUp());
    // No limit for the owner, which started the engine: it may be suspended.
    if (!isOwner) this.#timer = setTimeout(() => this.#onNoHello(), helloTimeoutMs);
    this.#send(helloOf(host, isOwner));
  }

  /** Whether its end stops the engine: it is the owner and hasn't disowned the engine. */
  get isMissed(): boolean {
    return this.isOwner && !this.#isDisowned;
  }

  get isBehind(): boolean {
    return this.#isBehind;
  }

  get isWatching(): boolean {
    return !this.#watches.isEmpty;
  }

  /** Notes that it won't get some events. */
  missEvents(): void {
    this.#hasMissedEvents = true;
  }

  /** @param frame a whole frame, shared with other connections */
  sendEvents(frame: Buffer): void {
    if (this.#isBehind) this.missEvents();
    else this.#write(frame);
  }

  /** Sends new output of watched jobs, unless earlier data is still waiting. */
  sendOutput(): void {
    if (this.#state === 'joined' && this.#socket.writableLength === 0) this.#watches.step(outputBytesPerStep);
  }

  /** Sends the rest, then ends the connection, within this time. */
  finish(withinMs: number): void {
    if (this.#state === 'joined') {
      this.sendOutput();
      if (this.#hasMissedEvents) this.#sendSnapshot();
    }
    this.#leave(withinMs);
  }

  #receive(chunk: Buffer): void {
    try {
      // The data of a leaving client is read and dropped: otherwise it might block on a write and never see the reason.
      if (this.#isOver()) return;
      for (const raw of this.#decoder.decode(chunk)) {
        this.#take(raw);
        if (this.#isOver()) return;
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#cutOff(error.message);
    }
  }

  /** A method, because the compiler doesn't see all changes of the state. */
  #isOver(): boolean {
    return this.#state === 'leaving' || this.#state === 'ended';
  }

  #take(raw: RawFrame): void {
    if (this.#state === 'greeting' && raw.type !== 'hello') {
      this.#cutOff(linkMessages.helloFirst(raw.type));
      return;
    }
    const frame = readClientFrame(raw);
    switch (frame.type) {
      case 'hello':
        this.#onHello(frame);
        break;
      case 'command':
        // Never rejects.
        void this.#onCommand(frame.id, frame.command);
        break;
      case 'watch':
        this.#watches.open(frame.jobId);
        if (this.isWatching) this.#hooks.onWatching();
        break;
      case 'unwatch':
        this.#watches.giveUp(frame.jobId);
        break;
      case 'disown':
        this.#isDisowned = true;
        break;
    }
  }

  #onHello(hello: Extract<ReadClientFrame, { type: 'hello' }>): void {
    const { protocol, name, isReadOnly } = hello;
    if (this.#state !== 'greeting') throw new FrameError(linkMessages.helloTwice());
    if (protocol !== protocolVersion) {
      this.#cutOff(linkMessages.versionsDiffer(this.#host.hello.version, protocolVersion, protocol));
      return;
    }
    this.#stopTimer();
    this.#name = name.slice(0, longestName).toWellFormed();
    this.#isReadOnly = isReadOnly;
    this.#decoder.limitBytes = clientFrameLimit;
    this.#state = 'joined';
    this.#hooks.onJoined(this);
    this.#sendSnapshot();
  }

  #onNoHello(): void {
    this.#cutOff(linkMessages.noHello(helloTimeoutMs / 1000));
  }

  async #onCommand(id: number, value: unknown): Promise<void> {
    const command = readCommand(value);
    if (typeof command === 'string') {
      this.#reply(id, refused('out-of-range', command));
    } else if (this.#isReadOnly && !commandTable[command.type].isReading) {
      this.#reply(id, refused('read-only', linkMessages.readOnly(command.type)));
    } else if (this.#unanswered >= unansweredLimit) {
      this.#reply(id, refused('out-of-range', linkMessages.tooManyCommands(unansweredLimit)));
    } else {
      this.#unanswered += 1;
      let reply: CommandReply;
      try {
        reply = await this.#host.execute(command, this.#name);
      } catch (error) {
        // A bug in the engine. It must not end the engine, whose jobs don't depend on this command.
        process.emitWarning(error instanceof Error ? error : String(error));
        reply = refused('out-of-range', linkMessages.commandFailed(String(error)));
      }
      // The client gets the events of a command before the reply.
      this.#hooks.afterEvents(() => {
        this.#unanswered -= 1;
        this.#reply(id, reply);
      });
    }
  }

  #reply(id: number, reply: CommandReply): void {
    // Replies can be large. A client that asks and doesn't read gets short ones.
    const frame =
      this.#socket.writableLength > serverFrameLimit
        ? null
        : encodeWithin({ type: 'reply', id, reply }, serverFrameLimit);
    this.#write(
      frame ??
        encodeFrame({ type: 'reply', id, reply: refused('out-of-range', linkMessages.replyTooLong()) }),
    );
  }

  #sendSnapshot(): void {
    this.#hasMissedEvents = false;
    const frame = encodeWithin({ type: 'snapshot', snapshot: this.#host.snapshot() }, serverFrameLimit);
    if (frame === null) this.#cutOff(linkMessages.snapshotTooLong(serverFrameLimit));
    else this.#write(frame);
  }

  #send(frame: ServerFrame): void {
    this.#write(encodeFrame(frame));
  }

  #write(frame: Buffer): void {
    if (this.#isOver()) return;
    this.#socket.write(frame);
    if (this.#isBehind || this.#socket.writableLength <= behindBytes) return;
    this.#isBehind = true;
    // Otherwise replies to its next commands would pile up like events.
    this.#socket.pause();
  }

  #catchUp(): void {
    if (!this.#isBehind || this.#isOver()) return;
    this.#isBehind = false;
    this.#socket.resume();
    if (this.#hasMissedEvents) this.#sendSnapshot();
  }

  #cutOff(reason: string): void {
    this.#send({ type: 'refused', message: reason });
    this.#leave(cutOffMs);
  }

  #leave(withinMs: number): void {
    if (this.#isOver()) return;
    this.#depart('leaving');
    this.#socket.end();
    this.#socket.resume();
    this.#timer = setTimeout(() => this.#socket.destroy(), withinMs);
  }

  #close(): void {
    if (!this.#isOver()) this.#depart('ended');
    this.#state = 'ended';
    this.#stopTimer();
    this.#hooks.onClosed(this);
  }

  #depart(state: 'leaving' | 'ended'): void {
    this.#state = state;
    this.#stopTimer();
    this.#watches.closeAll();
    this.#hooks.onLeft(this);
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
