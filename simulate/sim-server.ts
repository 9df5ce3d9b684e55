/**
 * The Redis that runners see: simulated connections to one real server, which carries out one command at a time.
 *
 * What belongs to connections is answered here (names, ids, blocking, INFO, TIME). Everything about data is done by the
 * real server. Within a connection the order is kept, as TCP does; between connections the agenda decides.
 */
import type { Agenda, Owner } from './agenda.ts';
import type { RedisLine } from './redis-line.ts';
import { type Command, CommandCutter, isError, type Reply, replyBytes } from './resp.ts';
import { SimStream } from './sim-stream.ts';

export interface Client extends Owner {
  readonly name: string;
  /** Nothing gets through to it or from it before this time. */
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
  /** Whether what is sent gets lost, both ways, without a word. */
  isSilent: boolean;
  parked: Parked | null;
  /** Arrived, and not yet carried out. */
  readonly queue: Command[];
  /** On their way, in their order. */
  readonly toServer: { readonly atMs: number; readonly command: Command }[];
  readonly toClient: Message[];
}

/** A command that blocks, until there is something or its time is over. */
interface Parked {
  readonly command: Command;
  readonly keys: readonly Buffer[];
  readonly cancelTimeout: () => void;
}

export interface ServerHooks {
  /** How long the next thing takes that is sent. */
  latencyMs(): number;
  /** About to be carried out. May cut the connection: then it isn't. */
  onArrived(link: Link, commands: readonly Command[]): Promise<void>;
  /** Was carried out. @returns which share of the reply gets through before the connection is cut; `null` for no cut */
  onExecuted(link: Link, commands: readonly Command[], replies: readonly Reply[]): Promise<number | null>;
  /** A blocking command has taken a job off its queue. */
  onPopped(link: Link, payload: Buffer, isMove: boolean): void;
  /** Its answer has come to the client. */
  onPopReceived(payload: Buffer): void;
  onTrace(line: string): void;
}

interface Message {
  readonly atMs: number;
  readonly bytes: Buffer;
  readonly popped: Buffer | null;
  readonly isLast: boolean;
}

/** A server that hears nothing from a host finds out by TCP's own signs of life. */
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

/** KEYS: lists. The first element of the first that has any, moved to ARGV[1] unless that is ''. */
const popScript = `
for _, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  if kind == 'list' then
    if ARGV[1] ~= '' then return { key, redis.call('LMOVE', key, ARGV[1], ARGV[2], ARGV[3]) } end
    return { key, redis.call('LPOP', key) }
  end
  if kind ~= 'none' and ARGV[4] == 'strict' then
    return redis.error_reply('WRONGTYPE Operation against a key holding the wrong kind of value')
  end
end
return false`;
const filledScript = `
local filled = {}
for at, key in ipairs(KEYS) do
  if redis.call('TYPE', key).ok == 'list' then filled[#filled + 1] = at - 1 end
end
return filled`;

/** When simulated time begins, by Redis' clock. */
export const epochMs = Date.UTC(2026, 0, 1);

export class SimServer {
  isReachable = true;
  isLoading = false;
  isReplica = false;
  isFull = false;
  /** Names in capitals, with `|` before a subcommand. */
  readonly refused = new Set<string>();
  runId = 'run0';
  readonly #agenda: Agenda;
  /** Where the clients' commands go, under the clients' user. */
  readonly #line: RedisLine;
  readonly #admin: RedisLine;
  readonly #hooks: ServerHooks;
  #links: Link[] = [];
  /** In the order in which they have begun to wait. */
  #parked: Link[] = [];
  #lastId = 0;
  readonly #deadlines = new Map<string, number>();

  constructor(agenda: Agenda, line: RedisLine, admin: RedisLine, hooks: ServerHooks) {
    this.#agenda = agenda;
    this.#line = line;
    this.#admin = admin;
    this.#hooks = hooks;
  }

  /** Milliseconds since the epoch, by Redis' clock. */
  get nowMs(): number {
    return epochMs + this.#agenda.nowMs;
  }

  /** Those that a client holds. */
  linksOf(client: Client): readonly Link[] {
    return this.#links.filter((link) => link.client === client && !link.isClosed);
  }

  get links(): readonly Link[] {
    return this.#links;
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

  /** The client's end is closed: the server hears of it later, after what was sent before. */
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

  /** Both ends lose it: the server now, the client when it hears of it. What is on its way is lost. */
  cut(link: Link, isReset: boolean): void {
    this.#hooks.onTrace(`cut ${text(link)}${isReset ? ' by a reset' : ''}`);
    this.#forget(link);
    link.isSilent = true;
    this.#agenda.add(
      this.#agenda.nowMs + this.#hooks.latencyMs(),
      () => link.stream.cut(isReset),
      link.client,
    );
  }

  /** Whatever is sent from now on gets lost, without a word to either end. */
  silence(link: Link): void {
    this.#hooks.onTrace(`silence ${text(link)}`);
    link.isSilent = true;
    this.#agenda.add(this.#agenda.nowMs + keepAliveMs, () => this.#forget(link));
  }

  cutAll(): void {
    for (const link of [...this.#links]) this.cut(link, false);
  }

  /** Gets through what a stall held up that is over now. */
  async flush(client: Client): Promise<void> {
    for (const link of this.linksOf(client)) {
      await this.#arrive(link);
      this.#agenda.add(this.#agenda.nowMs, () => this.#receive(link), client);
    }
  }

  /** Removes what has come back after its time, as a roll-back may bring it. */
  async expire(): Promise<void> {
    for (const [key, deadline] of this.#deadlines) {
      if (deadline <= this.#agenda.nowMs) await this.#admin.ask('DEL', key);
    }
  }

  /** Ends all waits, as a server does that becomes a replica. */
  unblockAll(): void {
    for (const link of [...this.#parked]) {
      this.#unpark(link);
      this.#deliver(link, [{ error: unblocked }]);
    }
  }

  /** To be called after anything that may have put something onto a list. */
  async servePushed(): Promise<void> {
    while (this.#parked.length > 0) {
      const keys = [...new Set(this.#parked.flatMap(({ parked }) => parked?.keys.map(String) ?? []))];
      const reply = await this.#admin.call('EVAL', filledScript, keys.length, ...keys);
      const filled = new Set((reply as number[]).map((at) => keys[at]));
      const waiting = this.#parked.find(({ parked }) => parked?.keys.some((key) => filled.has(String(key))));
      if (waiting?.parked === undefined || waiting.parked === null) return;
      const { command } = waiting.parked;
      const popped = await this.#pop(command, false);
      // A list that can't be moved now waits on.
      if (popped === null || isError(popped)) return;
      this.#unpark(waiting);
      this.#trace(waiting, [command], [popped]);
      const payload = payloadOf(popped);
      if (payload !== null) this.#hooks.onPopped(waiting, payload, command.name === 'BLMOVE');
      this.#deliver(waiting, [popped], payload);
      await this.#run(waiting);
    }
  }

  #accept(link: Link): void {
    if (link.isClosed || link.isSilent) return;
    const { client, stream } = link;
    if (client.stalledUntilMs > this.#agenda.nowMs) {
      this.#agenda.add(client.stalledUntilMs, () => this.#accept(link));
      return;
    }
    const isAccepted = this.isReachable;
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
    if (link.client.stalledUntilMs > this.#agenda.nowMs) {
      this.#agenda.add(link.client.stalledUntilMs, () => this.#arrive(link));
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
    const own = this.#ownAnswer(link, command);
    if (own !== undefined) return { replies: [own], popped: null };
    if (command.name === 'BLPOP' || command.name === 'BLMOVE') {
      const reply = await this.#pop(command, true);
      if (reply === null) {
        this.#park(link, command);
        return null;
      }
      return { replies: [reply], popped: isError(reply) ? null : payloadOf(reply) };
    }
    if (command.name === 'SET') return { replies: [await this.#set(command)], popped: null };
    const raw = await this.#line.send(Buffer.concat(commands.map(({ bytes }) => bytes)), commands.length);
    const replies = raw.map(({ reply }) => sorted(command.name, reply));
    return { replies, popped: null };
  }

  /** @returns `undefined` for what the real server answers */
  #ownAnswer(link: Link, { name, args }: Command): Reply | undefined {
    const subcommand = name === 'CLIENT' ? `CLIENT|${args[0]?.toString().toUpperCase()}` : name;
    if (this.refused.has(name) || this.refused.has(subcommand)) {
      const refused = subcommand.toLowerCase();
      return { error: `NOPERM User runner has no permissions to run the '${refused}' command` };
    }
    switch (subcommand) {
      case 'SELECT':
      case 'AUTH':
        return { ok: 'OK' };
      case 'CLIENT|SETNAME':
        link.name = args[1]?.toString() ?? '';
        return { ok: 'OK' };
      case 'CLIENT|LIST':
        return Buffer.from(
          this.#links
            .filter(({ isOpen }) => isOpen)
            .map(({ id, name }) => `id=${id} addr=127.0.0.1:1 name=${name}\n`)
            .join(''),
        );
      case 'CLIENT|ID':
        return link.id;
      case 'CLIENT|UNBLOCK':
        return this.#unblock(Number(args[1]));
      case 'CLIENT|KILL': {
        const killed = this.#links.find(({ id, isOpen }) => isOpen && id === Number(args[2]));
        if (killed === undefined) return 0;
        this.cut(killed, false);
        return 1;
      }
      case 'INFO':
        return Buffer.from(this.#info());
      case 'TIME':
        return [
          Buffer.from(String(Math.floor(this.nowMs / 1000))),
          Buffer.from(String(Math.floor((this.nowMs % 1000) * 1000))),
        ];
    }
    if (name === 'CLIENT') throw new Error(`the simulated Redis doesn't know ${subcommand}`);
    if (this.isLoading) return { error: 'LOADING Redis is loading the dataset in memory' };
    return name === 'PING' ? { ok: 'PONG' } : undefined;
  }

  #info(): string {
    const fields = {
      redis_version: '7.0.15',
      run_id: this.runId,
      loading: this.isLoading ? 1 : 0,
      role: this.isReplica ? 'slave' : 'master',
      ...(this.isReplica ? { slave_read_only: 1 } : {}),
    };
    return Object.entries(fields)
      .map(([name, value]) => `${name}:${value}\r\n`)
      .join('');
  }

  #unblock(id: number): number {
    const link = this.#parked.find((parked) => parked.id === id);
    if (link === undefined) return 0;
    this.#timeOut(link);
    return 1;
  }

  #timeOut(link: Link): void {
    this.#unpark(link);
    this.#deliver(link, [null]);
    // What was sent behind it has its turn.
    this.#agenda.add(this.#agenda.nowMs, () => this.#run(link));
  }

  /** @returns `null` if there is nothing */
  async #pop(command: Command, isStrict: boolean): Promise<Reply> {
    const isMove = command.name === 'BLMOVE';
    if (this.isReplica) return { error: "READONLY You can't write against a read only replica." };
    if (isMove && this.isFull) return { error: "OOM command not allowed when used memory > 'maxmemory'." };
    const [, target = '', from = '', to = ''] = isMove ? command.args : [];
    const keys = keysOf(command);
    const strictness = isStrict ? 'strict' : '';
    const reply = await this.#admin.ask(
      'EVAL',
      popScript,
      keys.length,
      ...keys,
      target,
      from,
      to,
      strictness,
    );
    if (!Array.isArray(reply)) return reply;
    return isMove ? (reply[1] ?? null) : reply;
  }

  #park(link: Link, command: Command): void {
    const seconds = Number(command.args.at(-1));
    const act = () => this.#timeOut(link);
    const cancelTimeout =
      seconds === 0 ? () => {} : this.#agenda.add(this.#agenda.nowMs + seconds * 1000, act);
    link.parked = { command, keys: keysOf(command), cancelTimeout };
    this.#parked.push(link);
    this.#hooks.onTrace(`${text(link)} ${commandText(command)} waits`);
  }

  #unpark(link: Link): void {
    link.parked?.cancelTimeout();
    link.parked = null;
    this.#parked = this.#parked.filter((other) => other !== link);
  }

  /** The real server's clock isn't ours: a key with a time to live has it here. */
  async #set(command: Command): Promise<Reply> {
    const [key, value, ...options] = command.args;
    const at = options.findIndex((option) => option.toString().toUpperCase() === 'PX');
    if (key === undefined || value === undefined || at === -1) {
      const [raw] = await this.#line.send(command.bytes, 1);
      return raw?.reply ?? null;
    }
    const ttlMs = Number(options[at + 1]);
    const rest = options.filter((_, index) => index !== at && index !== at + 1);
    const reply = await this.#line.ask('SET', key, value, ...rest);
    if (typeof reply === 'object' && reply !== null && 'ok' in reply) {
      const deadline = this.#agenda.nowMs + ttlMs;
      this.#deadlines.set(key.toString(), deadline);
      this.#agenda.add(deadline, async () => {
        // A replica waits for its master's word.
        if (this.#deadlines.get(key.toString()) === deadline && !this.isReplica)
          await this.#admin.ask('DEL', key);
      });
    }
    return reply;
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
    this.#unpark(link);
    link.isOpen = false;
    this.#links = this.#links.filter((other) => other !== link);
  }

  #trace(link: Link, commands: readonly Command[], replies: readonly Reply[]): void {
    this.#hooks.onTrace(
      `${text(link)} ${commands.map(commandText).join('; ')} → ${replies.map(replyText).join('; ')}`,
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

function keysOf({ name, args }: Command): Buffer[] {
  return name === 'BLPOP' ? args.slice(0, -1) : args.slice(0, 1);
}

function payloadOf(reply: Reply): Buffer | null {
  const payload = Array.isArray(reply) ? reply[1] : reply;
  return Buffer.isBuffer(payload) ? payload : null;
}

/** Redis gives sets and hashes in an order that differs from one server process to the next. */
function sorted(name: string, reply: Reply): Reply {
  if (!Array.isArray(reply)) return reply;
  if (name === 'SMEMBERS' || name === 'KEYS' || name === 'HKEYS') return [...reply].sort(byText);
  if (name !== 'HGETALL') return reply;
  const pairs = reply.flatMap((field, at) => (at % 2 === 0 ? [[field, reply[at + 1] ?? null] as const] : []));
  return pairs.sort(([a], [b]) => byText(a, b)).flat();
}

function byText(a: Reply, b: Reply): number {
  return Buffer.compare(a as Buffer, b as Buffer);
}

function text({ id, client }: Link): string {
  return `${client.name}.${id}`;
}

const shownCharacters = 1_000;

function commandText({ name, args }: Command): string {
  // Of a script its name is enough.
  const isScript = name === 'EVAL' || name === 'SCRIPT';
  const shown = args.map((arg) => (isScript && arg.length > 100 ? '…' : arg.toString('latin1')));
  return `${name} ${shown.join(' ')}`.replaceAll('\r\n', ' ').slice(0, shownCharacters);
}

function replyText(reply: Reply): string {
  if (reply === null || typeof reply === 'number') return String(reply);
  if (Buffer.isBuffer(reply))
    return reply.toString('latin1').replaceAll('\r\n', ' ').slice(0, shownCharacters);
  if (Array.isArray(reply)) return `[${reply.map(replyText).join(' ')}]`.slice(0, shownCharacters);
  return 'ok' in reply ? reply.ok : `! ${reply.error}`;
}
