/** Keys with a time to live, in simulated time, which the real server doesn't know. */
import type { Agenda } from './agenda.ts';
import type { RedisLine } from './redis-line.ts';
import type { Command, Reply } from './resp.ts';
import { expiringKey } from './script-clock.ts';
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
    if (typeof reply === 'object' && reply !== null && 'ok' in reply) this.#add(key.toString(), ttlMs);
    return reply;
  }

  /** @param noted what a script has left in `expiringKey` */
  async note(noted: Reply): Promise<void> {
    if (!Array.isArray(noted) || noted.length === 0) return;
    await this.#admin.call('DEL', expiringKey);
    const texts = noted.map(String);
    for (let at = 0; at < texts.length; at += 2) this.#add(texts[at] ?? '', Number(texts[at + 1]));
  }

  #add(key: string, ttlMs: number): void {
    const deadline = this.#agenda.nowMs + ttlMs;
    this.#deadlines.set(key, deadline);
    this.#agenda.add(deadline, async () => {
      // A replica waits for its master to expire keys.
      if (this.#deadlines.get(key) === deadline && !this.#state.isReplica) await this.#admin.ask('DEL', key);
    });
  }

  /** Removes existing keys whose time is over. */
  async expire(): Promise<void> {
    for (const [key, deadline] of this.#deadlines) {
      if (deadline <= this.#agenda.nowMs) await this.#admin.ask('DEL', key);
    }
  }
}
