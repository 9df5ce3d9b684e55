/**
 * One client, seen from the server: what it says is checked before it means anything, and what it is told
 * waits in no more memory than a limit, however slowly it reads. Nothing that it does harms others.
 *
 *     greeting ──hello──▶ joined ───┬── its end, an error ──────────────▶ ended
 *         └── no hello, a wrong one ┴── cut off, or we stop ─▶ leaving ──▶ ended
 *
 * A joined client that reads too slowly is *behind*: it is sent no events and its frames aren't read. Once it
 * has read what waits for it, a new snapshot stands for the events that it missed.
 */
import type { Socket } from 'node:net';
import { type CommandReply, type RefusalCode, readingCommands } from '../../protocol/commands.ts';
import {
  clientFrameLimit,
  protocolVersion,
  type ServerFrame,
  serverFrameLimit,
} from '../../protocol/frames.ts';
import { encodeFrame, encodeWithin } from '../frames/encode-frame.ts';
import { FrameDecoder, FrameError, type RawFrame } from '../frames/frame-decoder.ts';
import { type ReadClientFrame, readClientFrame } from '../frames/read-client-frame.ts';
import { readCommand } from '../frames/read-command.ts';
import { linkMessages } from '../messages.ts';
import type { LinkHost } from './link-host.ts';
import { OutputWatches } from './output-watches.ts';

/** What the server does for its connections. */
export interface ConnectionHooks {
  /** It said hello, and is sent a snapshot next. */
  onJoined(connection: Connection): void;
  /** It takes part no longer, joined or not. Told once, before `onClosed`. */
  onLeft(connection: Connection): void;
  /** Its socket is closed. */
  onClosed(connection: Connection): void;
  onWatching(): void;
  /** Calls back when the events that were published so far are written. */
  afterEvents(callback: () => void): void;
}

const helloTimeoutMs = 5_000;
/** Before its hello a client has nothing to say that needs more: many that never do may be connected. */
const helloFrameLimit = 64 * 1024;
/** Bytes that may wait to be read by a client before it is behind. */
const behindBytes = 4 * 1024 * 1024;
/** How long a client that was cut off has for reading why. */
const cutOffMs = 1_000;
const unansweredLimit = 64;
const longestName = 64;
/** Of output, per step of the server: at 20 steps a second 4 MB/s. */
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
    // A half-closed client would be one that waits for replies only; ours never does that.
    socket.on('end', () => socket.destroy());
    // Its end follows; of what kind it was makes no difference.
    socket.on('error', () => {});
    socket.on('close', () => this.#close());
    socket.on('drain', () => this.#catchUp());
    // The owner started us: one that is suspended meanwhile must not end the engine by being slow.
    if (!isOwner) this.#timer = setTimeout(() => this.#onNoHello(), helloTimeoutMs);
    this.#send({ type: 'hello', protocol: protocolVersion, ...host.hello, isOwner });
  }

  /** Its end is the engine's: the owner's is, until it disowns the engine. */
  get isMissed(): boolean {
    return this.isOwner && !this.#isDisowned;
  }

  get isBehind(): boolean {
    return this.#isBehind;
  }

  get isWatching(): boolean {
    return !this.#watches.isEmpty;
  }

  /** There were events that it is not going to be sent. */
  missEvents(): void {
    this.#hasMissedEvents = true;
  }

  /** @param frame of events, whole; shared with other connections */
  sendEvents(frame: Buffer): void {
    if (this.#isBehind) this.missEvents();
    else this.#write(frame);
  }

  /** Sends what is new of the watched outputs, if all that was sent before is on its way. */
  sendOutput(): void {
    if (this.#state === 'joined' && this.#socket.writableLength === 0) this.#watches.step(outputBytesPerStep);
  }

  /** Sends what it still has to know, then ends it, within the time in any case. */
  finish(withinMs: number): void {
    if (this.#state === 'joined') {
      this.sendOutput();
      if (this.#hasMissedEvents) this.#sendSnapshot();
    }
    this.#leave(withinMs);
  }

  #receive(chunk: Buffer): void {
    try {
      // Whoever is leaving is read on, since he may be blocked in writing and not see why he has to leave.
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

  /** A method, since the state changes where the compiler can't see it. */
  #isOver(): boolean {
    return this.#state === 'leaving' || this.#state === 'ended';
  }

  #take(raw: RawFrame): void {
    if (this.#state === 'greeting' && raw.type !== 'hello') {
      this.#cutOff(linkMessages.helloFirst(raw.type));
      return;
    }
    const frame = readClientFrame(raw);
    switch (frame?.type) {
      case 'hello':
        this.#onHello(frame);
        break;
      case 'command':
        // It never rejects.
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
      default: // From a later version.
    }
  }

  #onHello({ protocol, name, isReadOnly }: Extract<ReadClientFrame, { type: 'hello' }>): void {
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
    } else if (this.#isReadOnly && !readingCommands.includes(command.type)) {
      this.#reply(id, refused('read-only', linkMessages.readOnly(command.type)));
    } else if (this.#unanswered >= unansweredLimit) {
      this.#reply(id, refused('out-of-range', linkMessages.tooManyCommands(unansweredLimit)));
    } else {
      this.#unanswered += 1;
      let reply: CommandReply;
      try {
        reply = await this.#host.execute(command, this.#name);
      } catch (error) {
        // A fault of the engine's. It must not end the engine, whose jobs run well without this command.
        process.emitWarning(error instanceof Error ? error : String(error));
        reply = refused('out-of-range', linkMessages.commandFailed(String(error)));
      }
      // Whoever has the reply has seen what the command did.
      this.#hooks.afterEvents(() => {
        this.#unanswered -= 1;
        this.#reply(id, reply);
      });
    }
  }

  #reply(id: number, reply: CommandReply): void {
    // Answers can be large: who asks for many and reads none gets short ones.
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
    // Replies to what it asks next would pile up like events do.
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

function refused(code: RefusalCode, message: string): CommandReply {
  return { ok: false, code, message };
}
