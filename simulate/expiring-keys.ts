/** Keys with a time to live, in simulated time, which the real server doesn't know. */
import type { Agenda } from './agenda.ts';
import type { RedisLine } from './redis-line.ts';
import type { Command, Reply } from './resp.ts';
import type { ServerState } from './server-state.ts';

export class ExpiringKeys {
  readonly #agenda: Agenda;
  /** Where the clients' commands go. */
  readonly #line: RedisLine;
  readonly #admin: RedisLine;
  readonly #state: ServerState;
  readonly #deadlines = new Map<string, number>();

  constructor(agenda: Agenda, line: RedisLine, admin: RedisLine, state: ServerState) {
    this.#agenda = agenda;
    this.#line = line;
    this.#admin = admin;
    this.#state = state;
  }

  async set(command: Command): Promise<Reply> {
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
        // A replica waits for its master to expire keys.
        if (this.#deadlines.get(key.toString()) === deadline && !this.#state.isReplica)
          await this.#admin.ask('DEL', key);
      });
    }
    return reply;
  }

  /** Removes existing keys whose time is over. */
  async expire(): Promise<void> {
    for (const [key, deadline] of this.#deadlines) {
      if (deadline <= this.#agenda.nowMs) await this.#admin.ask('DEL', key);
    }
  }
}
