/** Blocking commands: each waits in simulated time until there is an element for it. */
import type { Agenda } from './agenda.ts';
import type { Link } from './link.ts';
import type { RedisLine } from './redis-line.ts';
import { type Command, isError, type Reply } from './resp.ts';
import type { ServerState } from './server-state.ts';

interface BlockingHooks {
  /** Its time is over, or its wait was ended. */
  onTimeOut(link: Link): void;
  onServed(link: Link, command: Command, reply: Reply): Promise<void>;
}

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

export class BlockingCommands {
  readonly #agenda: Agenda;
  readonly #redis: RedisLine;
  readonly #state: ServerState;
  readonly #hooks: BlockingHooks;
  /** In the order in which they began to wait. */
  #parked: Link[] = [];

  constructor(agenda: Agenda, redis: RedisLine, state: ServerState, hooks: BlockingHooks) {
    this.#agenda = agenda;
    this.#redis = redis;
    this.#state = state;
    this.#hooks = hooks;
  }

  /** @returns `null` if it waits from now on */
  async begin(link: Link, command: Command): Promise<Reply> {
    const reply = await this.#pop(command, true);
    if (reply === null) this.#park(link, command);
    return reply;
  }

  /** @returns whether it waited */
  end(link: Link): boolean {
    const wasParked = link.parked !== null;
    link.parked?.cancelTimeout();
    link.parked = null;
    this.#parked = this.#parked.filter((other) => other !== link);
    return wasParked;
  }

  /** Ends all waits. */
  endAll(): Link[] {
    const links = this.#parked;
    for (const link of links) this.end(link);
    return links;
  }

  /** Call it after anything that may have added to a list. */
  async serve(): Promise<void> {
    while (this.#parked.length > 0) {
      const keys = [...new Set(this.#parked.flatMap(({ parked }) => parked?.keys.map(String) ?? []))];
      const reply = await this.#redis.call('EVAL', filledScript, keys.length, ...keys);
      const filled = new Set((reply as number[]).map((at) => keys[at]));
      const link = this.#parked.find(({ parked }) => parked?.keys.some((key) => filled.has(String(key))));
      if (link?.parked === undefined || link.parked === null) return;
      const { command } = link.parked;
      const popped = await this.#pop(command, false);
      // If the element can't be moved now, the command continues to wait.
      if (popped === null || isError(popped)) return;
      this.end(link);
      await this.#hooks.onServed(link, command, popped);
    }
  }

  #park(link: Link, command: Command): void {
    const seconds = Number(command.args.at(-1));
    const timeOut = () => {
      this.end(link);
      this.#hooks.onTimeOut(link);
    };
    const cancelTimeout =
      seconds === 0 ? () => {} : this.#agenda.add(this.#agenda.nowMs + seconds * 1000, timeOut);
    link.parked = { command, keys: keysOf(command), cancelTimeout };
    this.#parked.push(link);
  }

  /** @returns `null` if there is nothing */
  async #pop(command: Command, isStrict: boolean): Promise<Reply> {
    const { isReplica, isFull } = this.#state;
    const isMove = command.name === 'BLMOVE';
    if (isReplica) return { error: "READONLY You can't write against a read only replica." };
    if (isMove && isFull) return { error: "OOM command not allowed when used memory > 'maxmemory'." };
    const [, target = '', from = '', to = ''] = isMove ? command.args : [];
    const keys = keysOf(command);
    const args = [target, from, to, isStrict ? 'strict' : ''];
    const reply = await this.#redis.ask('EVAL', popScript, keys.length, ...keys, ...args);
    if (!Array.isArray(reply)) return reply;
    return isMove ? (reply[1] ?? null) : reply;
  }
}

function keysOf({ name, args }: Command): Buffer[] {
  return name === 'BLPOP' ? args.slice(0, -1) : args.slice(0, 1);
}
