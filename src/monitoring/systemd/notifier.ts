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
  /** Oldest first, of each kind at most one. */
  #waiting: string[] = [];
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
    this.#waiting = [...this.#waiting.filter((waiting) => kindOf(waiting) !== kindOf(text)), text];
    this.#sending ??= this.#sendAll();
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
    this.#cancelRetry();
    for (let text = this.#waiting.shift(); text !== undefined; text = this.#waiting.shift()) {
      const problem = await this.#sendOne(text);
      if (this.#end.signal.aborted) return;
      if (problem === null) continue;
      this.#failed(text, problem);
      break;
    }
    this.#sending = null;
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

  #failed(text: string, problem: string): void {
    const { clock, tell } = this.#options;
    const isReplaced = this.#waiting.some((waiting) => kindOf(waiting) === kindOf(text));
    if (!isReplaced) this.#waiting.unshift(text);
    const retry = () => {
      this.#sending ??= this.#sendAll();
    };
    this.#cancelRetry = clock.after(retryMs, retry, { keepsAlive: false });
    if (!this.#told.has(problem)) tell(systemdMessages.unsent(problem));
    this.#told.add(problem);
  }
}

function kindOf(text: string): string {
  return text.slice(0, text.indexOf('='));
}
