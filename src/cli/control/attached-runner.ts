/**
 * The runner that an attached screen shows. If it goes away, the screen stays, and this waits for the runner that takes its
 * place: the youngest with the same config, or the one at the same socket if the user named a socket.
 *
 *     attached ──the link ends──▶ away ──another one answers──▶ attached      any ──close()──▶ closed
 */
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LinkClient } from '../../link/client/client.ts';
import { LinkError } from '../../link/link-errors.ts';
import { listSockets } from '../../link/sockets/list-sockets.ts';
import { ownUid, userNameOf } from '../../link/sockets/users.ts';
import { awayText, runnerName } from '../../messages/runners.ts';
import { visible } from '../../messages/visible.ts';
import type { ServerHello } from '../../protocol/frames.ts';
import type { Snapshot } from '../../protocol/snapshot.ts';
import { type AppStore, changeView, createAppStore, replaceModel } from '../../store/app-store.ts';
import { continueWith, loseRunner, switchTo } from '../../store/next-runner.ts';
import type { OtherRunners, RunnerChoice } from '../../ui/actions/action-context.ts';
import type { TerminalUiOptions } from '../../ui/main.ts';
import { OperatingError } from '../command-line/exit-codes.ts';
import type { Io } from '../command-line/io.ts';
import { ownSocketDirectories } from '../files/own-directories.ts';
import { openSession, type Session, whoWeAre } from '../run/link-session.ts';
import { isOf } from './find-runners.ts';

export interface AttachTarget {
  readonly socket: string;
  /** The user named the socket, so the next runner is expected there. */
  readonly isNamed: boolean;
  readonly isReadOnly: boolean;
}

/** What the user wants of the terminal. */
export type TerminalWishes = Pick<TerminalUiOptions, 'hasMouse' | 'isQuiet'>;

type AttachIo = Pick<Io, 'stdin' | 'env'>;
type Take = (store: AppStore, snapshot: Snapshot) => void;

/** Soon enough for a user who watches, and cheap: it reads a directory with a few sockets. */
const pollMs = 500;
const toastMs = 4_000;

export class AttachedRunner implements OtherRunners {
  readonly store = createAppStore();
  readonly #io: AttachIo;
  readonly #isReadOnly: boolean;
  /** Where the next runner is expected; `null`: wherever its config says. */
  #namedSocket: string | null;
  #session: Session | null = null;
  #lostReason: string | null = null;
  #isClosed = false;

  /** Rejects with OperatingError. */
  static async open(io: AttachIo, target: AttachTarget): Promise<AttachedRunner> {
    const runner = new AttachedRunner(io, target);
    await runner.#attach(target.socket, replaceModel);
    return runner;
  }

  private constructor(io: AttachIo, { socket, isNamed, isReadOnly }: AttachTarget) {
    this.#io = io;
    this.#isReadOnly = isReadOnly;
    this.#namedSocket = isNamed ? socket : null;
  }

  get hello(): ServerHello {
    return this.#current.client.hello;
  }

  /** Why the link has ended; `null` while a runner answers. */
  get lostReason(): string | null {
    return this.#lostReason;
  }

  /** The user whose runner it is; `null` if that is this user. */
  get user(): string | null {
    return userOf(this.#current.client);
  }

  get runnerName(): string {
    const name = runnerName(this.hello);
    return this.user === null ? name : `${name} of user ${this.user}`;
  }

  /** What the screen needs to know of it. */
  uiOptions(terminal: TerminalWishes): TerminalUiOptions {
    const name = () => this.runnerName;
    return {
      ...terminal,
      isReadOnly: this.#isReadOnly,
      store: this.store,
      lost: null,
      isOwner: false,
      canLeaveRunning: true,
      runnerUser: this.user,
      get runnerName() {
        return name();
      },
      // The list has only runners of this user, and the header names another one.
      runners: this.user === null ? this : null,
      send: (command) => this.#current.client.send(command),
      watch: (jobId, onBatch) => this.#watch(jobId, onBatch),
    };
  }

  async list(): Promise<readonly RunnerChoice[]> {
    const present = this.#lostReason === null ? this.hello.pid : null;
    const found = await listSockets(ownSocketDirectories(this.#io));
    return found
      .filter(({ hello }) => hello.pid !== present)
      .map(({ path, hello }) => ({
        socket: path,
        label: `process ${hello.pid}`,
        detail: visible(`${hello.configFile ?? basename(path)}  ${hello.runners.join(', ')}`),
      }));
  }

  async switchTo(socket: string): Promise<string | null> {
    try {
      await this.#attach(socket, switchTo);
      this.#namedSocket = null;
      return null;
    } catch (error) {
      if (error instanceof OperatingError) return error.message;
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#session?.client.close();
  }

  get #current(): Session {
    if (this.#session === null) throw new Error('nothing is attached before `open`');
    return this.#session;
  }

  #watch(...[jobId, onBatch]: Parameters<LinkClient['watch']>): () => void {
    if (this.#lostReason === null) return this.#current.client.watch(jobId, onBatch);
    onBatch(null);
    return () => {};
  }

  /** The former runner stays attached until this one has sent its snapshot. */
  async #attach(socket: string, take: Take): Promise<void> {
    const who = whoWeAre(this.#io, this.#isReadOnly);
    const former = this.#session;
    const session = await openSession(
      async (events) => {
        const client = await LinkClient.connect(socket, who, events);
        const foreign = former === null ? null : otherUser(client, former.client);
        const isWanted = !this.#isClosed && this.#session === former;
        if (foreign === null && isWanted) return client;
        await client.close();
        throw new LinkError('unusable', foreign ?? 'the user left, or chose another runner');
      },
      this.store,
      (store, snapshot) => {
        void former?.client.close();
        take(store, snapshot);
      },
    );
    this.#session = session;
    this.#lostReason = null;
    void session.lost.then((reason) => this.#lost(session, reason));
    if (this.#isClosed) await session.client.close();
  }

  #lost(session: Session, reason: string): void {
    if (session !== this.#session || this.#isClosed) return;
    this.#lostReason = reason;
    void this.#waitForNext(session);
  }

  async #waitForNext(former: Session): Promise<void> {
    const hasStopped = this.store.getState().model.engine?.isStopped === true;
    const { configFile } = former.client.hello;
    const next = this.#namedSocket === null ? `with ${configFile}` : `at ${this.#namedSocket}`;
    const isOver = () => this.#isClosed || this.#session !== former;
    let trouble: string | null = null;
    while (!isOver()) {
      const text = awayText(former.client.hello, hasStopped, next, trouble);
      if (text !== this.store.getState().away) loseRunner(this.store, text);
      try {
        const socket = await this.#nextSocket(configFile);
        if (isOver()) return;
        if (socket !== null) {
          await this.#attach(socket, continueWith);
          this.#toast(`attached to ${this.runnerName}`);
          return;
        }
        trouble = null;
      } catch (error) {
        if (!(error instanceof OperatingError)) throw error;
        trouble = isAbsent(error) ? null : error.message;
      }
      await sleep(pollMs, undefined, { ref: false });
    }
  }

  async #nextSocket(configFile: string | null): Promise<string | null> {
    if (this.#namedSocket !== null) return this.#namedSocket;
    if (configFile === null) return null;
    const listed = await listSockets(ownSocketDirectories(this.#io));
    return listed.findLast(({ hello }) => isOf(hello.configFile, configFile))?.path ?? null;
  }

  #toast(text: string): void {
    changeView(this.store, { toast: { text, isError: false, untilMs: Date.now() + toastMs } });
  }
}

/** `null` if that is the user of the screen. */
function userOf({ ownerUid }: LinkClient): string | null {
  return ownerUid === null || ownerUid === ownUid() ? null : userNameOf(ownerUid);
}

/** The header names the user of the first runner. */
function otherUser(next: LinkClient, former: LinkClient): string | null {
  return next.ownerUid === former.ownerUid ? null : `it belongs to user ${userNameOf(next.ownerUid ?? 0)}`;
}

/** Nothing listens at the named socket yet. */
function isAbsent({ cause }: OperatingError): boolean {
  return cause instanceof LinkError && cause.code === 'absent';
}
