/**
 * The Redis that runners see: simulated connections to one real server, which carries out one command at a time.
 *
 * This file answers commands about connections itself (names, ids, blocking, INFO, TIME); the real server does everything
 * about data. Order is kept within a connection, as with TCP. Between connections, the agenda decides.
 */
import type { Agenda } from './agenda.ts';
import { BlockingCommands } from './blocking-commands.ts';
import { ExpiringKeys } from './expiring-keys.ts';
import { type Client, commandText, type Link, linkText, replyText } from './link.ts';
import type { RedisLine } from './redis-line.ts';
import { type Command, CommandCutter, commandBytes, type Reply, replyBytes } from './resp.ts';
import { expiringKey, ScriptClock } from './script-clock.ts';
import { ownAnswer, type ServerState, type ServerView, serverTime } from './server-state.ts';
import { SimStream } from './sim-stream.ts';

export interface ServerHooks {
  /** How long the next message takes. */
  latencyMs(): number;
  /** The command is about to run. If this cuts the connection, it doesn't. */
  onArrived(link: Link, commands: readonly Command[]): Promise<void>;
  /** The command has run. @returns the share of the reply that passes before the connection is cut; `null` for no cut */
  onExecuted(link: Link, commands: readonly Command[], replies: readonly Reply[]): Promise<number | null>;
  /** A blocking command has taken a job off its queue. */
  onPopped(link: Link, payload: Buffer, isMove: boolean): void;
  /** Its reply has reached the client. */
  onPopReceived(payload: Buffer): void;
  onTrace(line: string): void;
}

/** A server notices by TCP keepalive that a host is gone. */
const keepAliveMs = 300_000;
const unblocked =
  'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)';
const pushingCommands = new Set([
  'EVAL',
  'EVALSHA',
  'MULTI',
  'RPUSH',
  'LPUSH',
  'LMOVE',
  'RPOPLPUSH',
  'RENAME',
]);

const expiringQuestion = commandBytes(['ZRANGE', expiringKey, 0, -1, 'WITHSCORES']);

/** When simulated time begins, by Redis' clock. */
export const epochMs = Date.UTC(2026, 0, 1);

export class SimServer {
  readonly state: ServerState = {
    ...{ isReachable: true, isLoading: false, isReplica: false, isFull: false, frozenUntilMs: 0 },
    ...{ runId: 'run0', refused: new Set() },
  };
  readonly #agenda: Agenda;
  /** Where the clients' commands go, under the clients' user. */
  readonly #line: RedisLine;
  readonly #hooks: ServerHooks;
  readonly #blocking: BlockingCommands;
  readonly #expiring: ExpiringKeys;
  readonly #scripts = new ScriptClock();
  #links: Link[] = [];
  #lastId = 0;

  constructor(agenda: Agenda, line: RedisLine, admin: RedisLine, hooks: ServerHooks) {
    this.#agenda = agenda;
    this.#line = line;
    this.#hooks = hooks;
    this.#expiring = new ExpiringKeys(agenda, line, admin, this.state);
    this.#blocking = new BlockingCommands(agenda, admin, this.state, {
      onTimeOut: (link) => this.#timedOut(link),
      onServed: (link, command, reply) => this.#served(link, command, reply),
    });
  }

  get #view(): ServerView {
    return {
      ...{ state: this.state, links: this.#links, nowMs: epochMs + this.#agenda.nowMs },
      unblock: (link) => {
        const hasEnded = this.#blocking.end(link);
        if (hasEnded) this.#timedOut(link);
        return hasEnded;
      },
      kill: (link) => this.cut(link, false),
    };
  }

  /** Those that a client holds. */
  linksOf(client: Client): readonly Link[] {
    return this.#links.filter((link) => link.client === client && !link.isClosed);
  }

  open(client: Client): SimStream {
    const cutter = new CommandCutter();
    const stream = new SimStream({
      onWrite: (chunk) => {
        for (const command of cutter.push(chunk)) this.#send(link, command);
      },
      onClosed: () => this.closed(link),
      after: (ms, act) => this.#agenda.add(this.#agenda.nowMs + ms, act, client),
    });
    const link: Link = {
      ...{ id: ++this.#lastId, client, stream, name: '', isOpen: false, isClosed: false, isSilent: false },
      ...{ parked: null, queue: [], toServer: [], toClient: [] },
    };
    this.#links.push(link);
    this.#agenda.add(this.#agenda.nowMs + this.#hooks.latencyMs(), () => this.#accept(link));
    return stream;
  }

  /** The client has closed its end: the server learns of it later, after earlier data. */
  closed(link: Link): void {
    if (link.isClosed) return;
    link.isClosed = true;
    const atMs = link.isSilent
      ? this.#agenda.nowMs + keepAliveMs
      : Math.max(
          link.toServer.at(-1)?.atMs ?? 0,
          this.#agenda.nowMs + this.#hooks.latencyMs(),
          link.client.stalledUntilMs,
        );
    this.#agenda.add(atMs, () => this.#forget(link));
  }

  /** Both ends lose the connection: the server now, the client later. Data on its way is lost. */
  cut(link: Link, isReset: boolean): void {
    this.#hooks.onTrace(`cut ${linkText(link)}${isReset ? ' by a reset' : ''}`);
    this.#forget(link);
    link.isSilent = true;
    this.#agenda.add(
      this.#agenda.nowMs + this.#hooks.latencyMs(),
      () => link.stream.cut(isReset),
      link.client,
    );
  }

  /** From now on, all data is silently lost. */
  silence(link: Link): void {
    this.#hooks.onTrace(`silence ${linkText(link)}`);
    link.isSilent = true;
    this.#agenda.add(this.#agenda.nowMs + keepAliveMs, () => this.#forget(link));
  }

  cutAll(): void {
    for (const link of [...this.#links]) this.cut(link, false);
  }

  /** Gets through what a stall held up that is over now. */
  async flush(client: Client): Promise<void> {
    for (const link of this.linksOf(client)) {
      this.#accept(link);
      await this.#arrive(link);
      this.#agenda.add(this.#agenda.nowMs, () => this.#receive(link), client);
    }
  }

  /** Removes what has come back after its time, as a roll-back may bring it. */
  expire(): Promise<void> {
    return this.#expiring.expire();
  }

  /** Ends all waits, as a server does that becomes a replica. */
  unblockAll(): void {
    for (const link of this.#blocking.endAll()) this.#deliver(link, [{ error: unblocked }]);
  }

  /** Call it after anything that may have added to a list. */
  servePushed(): Promise<void> {
    return this.#blocking.serve();
  }

  #accept(link: Link): void {
    if (link.isOpen || link.isClosed || link.isSilent) return;
    const { client, stream } = link;
    if (client.stalledUntilMs > this.#agenda.nowMs) {
      this.#agenda.add(client.stalledUntilMs, () => this.#accept(link));
      return;
    }
    const isAccepted = this.state.isReachable;
    link.isOpen = isAccepted;
    this.#agenda.add(
      this.#agenda.nowMs + this.#hooks.latencyMs(),
      () => (isAccepted ? stream.accepted() : stream.refused()),
      client,
    );
  }

  #send(link: Link, command: Command): void {
    const atMs = Math.max(link.toServer.at(-1)?.atMs ?? 0, this.#agenda.nowMs + this.#hooks.latencyMs());
    link.toServer.push({ atMs, command });
    this.#agenda.add(atMs, () => this.#arrive(link));
  }

  async #arrive(link: Link): Promise<void> {
    if (!link.isOpen || link.isSilent) return;
    const untilMs = Math.max(link.client.stalledUntilMs, this.state.frozenUntilMs);
    if (untilMs > this.#agenda.nowMs) {
      this.#agenda.add(untilMs, () => this.#arrive(link));
      return;
    }
    for (
      let next = link.toServer[0];
      next !== undefined && next.atMs <= this.#agenda.nowMs;
      next = link.toServer[0]
    ) {
      link.toServer.shift();
      link.queue.push(next.command);
    }
    await this.#run(link);
  }

  async #run(link: Link): Promise<void> {
    while (link.isOpen && link.parked === null) {
      const commands = nextGroup(link.queue);
      if (commands === null) return;
      await this.#hooks.onArrived(link, commands);
      if (!link.isOpen) return;
      await this.#execute(link, commands);
    }
  }

  async #execute(link: Link, commands: readonly Command[]): Promise<void> {
    const [first] = commands;
    if (first === undefined) return;
    const answer = await this.#answer(link, commands);
    if (answer === null) return;
    const { replies, popped } = answer;
    this.#trace(link, commands, replies);
    if (popped !== null) this.#hooks.onPopped(link, popped, first.name === 'BLMOVE');
    const share = await this.#hooks.onExecuted(link, commands, replies);
    if (link.isOpen) this.#deliver(link, replies, popped, share);
    if (pushingCommands.has(first.name)) await this.servePushed();
  }

  /** @returns `null` if the answer comes when there is something */
  async #answer(
    link: Link,
    commands: readonly Command[],
  ): Promise<{ replies: readonly Reply[]; popped: Buffer | null } | null> {
    const [command] = commands;
    if (command === undefined) throw new Error('no command');
    const own = ownAnswer(this.#view, link, command);
    if (own !== undefined) return { replies: [own], popped: null };
    if (command.name === 'BLPOP' || command.name === 'BLMOVE') {
      const reply = await this.#blocking.begin(link, command);
      if (reply === null) {
        this.#hooks.onTrace(`${linkText(link)} ${commandText(command)} waits`);
        return null;
      }
      return { replies: [reply], popped: takenBy(command, reply) };
    }
    if (command.name === 'SET') return { replies: [await this.#expiring.set(command)], popped: null };
    const now = serverTime(this.#view);
    const bytes = commands.map((each) => this.#scripts.bytesOf(each, now));
    const isScript = command.name === 'EVALSHA' || command.name === 'EVAL';
    if (isScript) bytes.push(expiringQuestion);
    const raw = await this.#line.send(Buffer.concat(bytes), bytes.length);
    if (isScript) await this.#expiring.note(raw.pop()?.reply ?? null);
    const replies = raw.map(({ reply }) => sortedReply(command.name, this.#scripts.replyOf(command, reply)));
    return { replies, popped: null };
  }

  #timedOut(link: Link): void {
    this.#deliver(link, [null]);
    // What was sent after it has its turn.
    this.#agenda.add(this.#agenda.nowMs, () => this.#run(link));
  }

  async #served(link: Link, command: Command, reply: Reply): Promise<void> {
    this.#trace(link, [command], [reply]);
    const payload = takenBy(command, reply);
    if (payload !== null) this.#hooks.onPopped(link, payload, command.name === 'BLMOVE');
    this.#deliver(link, [reply], payload);
    await this.#run(link);
  }

  #deliver(
    link: Link,
    replies: readonly Reply[],
    popped: Buffer | null = null,
    share: number | null = null,
  ): void {
    const bytes = Buffer.concat(replies.map(replyBytes));
    const atMs = Math.max(link.toClient.at(-1)?.atMs ?? 0, this.#agenda.nowMs + this.#hooks.latencyMs());
    const part = share === null ? bytes : bytes.subarray(0, Math.floor(share * bytes.length));
    link.toClient.push({ atMs, bytes: part, popped: share === null ? popped : null, isLast: share !== null });
    this.#agenda.add(atMs, () => this.#receive(link), link.client);
    if (share !== null) this.#forget(link);
  }

  #receive(link: Link): void {
    const { stream, client, toClient } = link;
    if (client.stalledUntilMs > this.#agenda.nowMs) {
      this.#agenda.add(client.stalledUntilMs, () => this.#receive(link), client);
      return;
    }
    for (let next = toClient[0]; next !== undefined && next.atMs <= this.#agenda.nowMs; next = toClient[0]) {
      toClient.shift();
      if (link.isSilent || stream.destroyed) continue;
      stream.push(next.bytes);
      if (next.popped !== null) this.#hooks.onPopReceived(next.popped);
      if (next.isLast) stream.cut(true);
    }
  }

  #forget(link: Link): void {
    this.#blocking.end(link);
    link.isOpen = false;
    this.#links = this.#links.filter((other) => other !== link);
  }

  #trace(link: Link, commands: readonly Command[], replies: readonly Reply[]): void {
    this.#hooks.onTrace(
      `${linkText(link)} ${commands.map(commandText).join('; ')} → ${replies.map(replyText).join('; ')}`,
    );
  }
}

/** What is carried out next: a command, or a transaction as soon as all of it is there. */
function nextGroup(queue: Command[]): Command[] | null {
  const [first] = queue;
  if (first === undefined) return null;
  if (first.name !== 'MULTI') return queue.splice(0, 1);
  const end = queue.findIndex(({ name }) => name === 'EXEC' || name === 'DISCARD');
  return end === -1 ? null : queue.splice(0, end + 1);
}

/** @returns `null` also for a move from a list to itself: it only waits until there is something */
function takenBy({ name, args: [from, to] }: Command, reply: Reply): Buffer | null {
  if (name === 'BLMOVE' && to !== undefined && from?.equals(to) === true) return null;
  const payload = Array.isArray(reply) ? reply[1] : reply;
  return Buffer.isBuffer(payload) ? payload : null;
}

/** Redis returns sets and hashes in an order that differs between server processes. */
function sortedReply(name: string, reply: Reply): Reply {
  if (!Array.isArray(reply)) return reply;
  if (name === 'SMEMBERS' || name === 'KEYS' || name === 'HKEYS') return [...reply].sort(byText);
  if (name !== 'HGETALL') return reply;
  const pairs = reply.flatMap((field, at) => (at % 2 === 0 ? [[field, reply[at + 1] ?? null] as const] : []));
  return pairs.sort(([a], [b]) => byText(a, b)).flat();
}

function byText(a: Reply, b: Reply): number {
  return Buffer.compare(a as Buffer, b as Buffer);
}
