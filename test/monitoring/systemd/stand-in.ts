/** A stand-in for systemd: receives datagrams at an address, in order. Node has no such sockets, so it uses the C library. */
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { onTestFinished } from 'vitest';
import { waitFor } from '../../helpers/wait-for.ts';

export const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
const library = koffi.load(null);
const socket = library.func('int socket(int, int, int)') as (...args: number[]) => number;
const bind = library.func('int bind(int, const void *, uint)') as (
  fd: number,
  address: Buffer,
  bytes: number,
) => number;
const recv = library.func('long recv(int, void *, size_t, int)') as (
  fd: number,
  data: Buffer,
  bytes: number,
  flags: number,
) => number;
const close = library.func('int close(int)') as (fd: number) => number;

/** AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, MSG_DONTWAIT. */
const [unix, datagram, withoutWaiting] = [1, 2 | 0o2000000, 0x40] as const;

export class StandIn {
  /** For NOTIFY_SOCKET. */
  readonly address: string;
  /** All messages so far, as they were sent. */
  readonly messages: string[] = [];
  readonly #descriptor: number;
  readonly #data = Buffer.alloc(8_192);

  /** Ends with the test. @param address a path, or `@NAME`; by default a new abstract one */
  static listen(address = `@rr-test-${randomUUID()}`): StandIn {
    const standIn = new StandIn(address);
    onTestFinished(() => standIn.close());
    return standIn;
  }

  private constructor(address: string) {
    this.address = address;
    this.#descriptor = socket(unix, datagram, 0);
    const path = address.startsWith('@') ? `\0${address.slice(1)}` : `${address}\0`;
    const bound = Buffer.concat([new Uint8Array(new Uint16Array([unix]).buffer), Buffer.from(path)]);
    if (bind(this.#descriptor, bound, bound.length) < 0) throw new Error(`bind ${address}: ${koffi.errno()}`);
  }

  /** Takes what has arrived. @returns all messages */
  read(): readonly string[] {
    for (;;) {
      const bytes = recv(this.#descriptor, this.#data, this.#data.length, withoutWaiting);
      if (bytes < 0) return this.messages;
      this.messages.push(this.#data.toString('utf8', 0, bytes));
    }
  }

  /** Waits for a message after the first `from`. @returns its number */
  async waitFor(wanted: RegExp, from = 0, timeoutMs = 10_000): Promise<number> {
    const find = () => this.read().findIndex((message, at) => at >= from && wanted.test(message));
    await waitFor(() => find() >= 0, {
      message: () => `${wanted} after ${from} of\n${this.messages.join('\n')}`,
      timeoutMs,
    });
    return find();
  }

  /** Without those of these kinds. */
  without(...kinds: readonly string[]): string[] {
    return this.read().filter((message) => !kinds.some((kind) => message.startsWith(`${kind}=`)));
  }

  close(): void {
    close(this.#descriptor);
    if (!this.address.startsWith('@')) rmSync(this.address, { force: true });
  }
}
