/**
 * Sends notifications to systemd in order, and never holds up the runner. What can't be sent is tried again, unless a later
 * notification of the same kind has replaced it by then. Without koffi, systemd's own program `systemd-notify` sends them, a
 * process each.
 */
import { execFile } from 'node:child_process';
import { systemdMessages } from '../../messages/runners.ts';
import type { Cancel, Clock } from '../../resque/redis/clock.ts';
import { type Datagrams, type Koffi, openDatagrams } from './datagrams.ts';

const retryMs = 1_000;
const closeLimitMs = 1_000;
/** `systemd-notify` waits until systemd has read the notification. */
const programLimitMs = 5_000;

export interface NotifierOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** `null` without a binary for this machine, or if it is turned off. */
  readonly koffi: Koffi | null;
  /** Says something to the operator. */
  readonly tell: (message: string) => void;
}

export class Notifier {
  readonly #options: NotifierOptions;
  readonly #datagrams: Datagrams | null;
  /** Oldest first, by kind. */
  readonly #waiting = new Map<string, string>();
  #sending: Promise<void> | null = null;
  readonly #end = new AbortController();
  #cancelRetry: Cancel = () => {};
  readonly #told = new Set<string>();

  /** @returns `null` if systemd gave an address that can't be used */
  static open(options: NotifierOptions): Notifier | null {
    const { NOTIFY_SOCKET: address = '' } = options.env;
    if (/^[/@]./.test(address)) return new Notifier(address, options);
    options.tell(systemdMessages.unsupportedSocket(address));
    return null;
  }

  private constructor(address: string, options: NotifierOptions) {
    this.#options = options;
    this.#datagrams = options.koffi === null ? null : openDatagrams(options.koffi, address);
    if (!this.isCheap) options.tell(systemdMessages.throughProgram);
  }

  /** Whether a notification needs no process. */
  get isCheap(): boolean {
    return this.#datagrams !== null;
  }

  /** @param text assignments, one a line; the first one is the kind: `READY=1\nSTATUS=…` */
  send(text: string): void {
    if (this.#end.signal.aborted) return;
    const kind = text.slice(0, text.indexOf('='));
    // The newest is sent last.
    this.#waiting.delete(kind);
    this.#waiting.set(kind, text);
    this.#sendSoon();
  }

  /** Waits for what is being sent, but not for long: the runner has stopped. */
  async close(): Promise<void> {
    const cancel = this.#options.clock.after(closeLimitMs, () => this.#end.abort());
    await this.#sending;
    cancel();
    this.#end.abort();
    this.#cancelRetry();
    this.#datagrams?.close();
  }

  async #sendAll(): Promise<void> {
    const { clock, tell } = this.#options;
    this.#cancelRetry();
    for (const [kind, text] of this.#waiting) {
      const problem = await this.#sendOne(text);
      if (this.#end.signal.aborted) return;
      if (problem !== null) {
        this.#cancelRetry = clock.after(retryMs, () => this.#sendSoon(), { keepsAlive: false });
        if (!this.#told.has(problem)) tell(systemdMessages.unsent(problem));
        this.#told.add(problem);
        break;
      }
      if (this.#waiting.get(kind) === text) this.#waiting.delete(kind);
    }
    this.#sending = null;
  }

  #sendSoon(): void {
    this.#sending ??= this.#sendAll();
  }

  /** @returns why it was not sent; `null` if it was */
  #sendOne(text: string): Promise<string | null> | string | null {
    if (this.#datagrams !== null) return this.#datagrams.send(text);
    const { env } = this.#options;
    const options = {
      env,
      signal: this.#end.signal,
      timeout: programLimitMs,
      killSignal: 'SIGKILL',
    } as const;
    return new Promise((resolve) => {
      execFile('systemd-notify', text.split('\n'), options, (error) => {
        if (error === null) resolve(null);
        else resolve(error.code === 'ENOENT' ? 'systemd-notify is not installed' : error.message.trim());
      });
    });
  }
}
