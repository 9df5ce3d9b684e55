/** How much of its payload a child has read, judging by the pipe to it. The test simulates the pipe. */
import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { Child } from '../../../src/engine/process/child.ts';
import { StdinDelivery } from '../../../src/engine/warm/stdin-delivery.ts';

const pipeBytes = 65_536;

/** A pipe of limited size, with a child at its other end that reads on request. */
class Pipe {
  held = 0;
  received = Buffer.alloc(0);
  hasEnded = false;
  /** Whether its unread bytes can be counted. */
  readonly isCounted: boolean;
  /** Whether it can be written to without its stream. */
  readonly isDirect: boolean;
  readonly stdin: Writable;
  #waiting: { rest: Buffer; done: (error?: Error | null) => void } | null = null;

  constructor({ isCounted = true, isDirect = false, refusal = null as Error | null } = {}) {
    this.isCounted = isCounted;
    this.isDirect = isDirect;
    this.stdin = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        if (refusal !== null) {
          done(refusal);
          return;
        }
        this.#waiting = { rest: chunk, done };
        this.#fill();
      },
      final: (done) => {
        this.hasEnded = true;
        done();
      },
      // As with sockets: a pending write ends without an error.
      destroy: (error, done) => {
        done(error);
        this.#waiting?.done(null);
      },
    });
    this.stdin.on('error', () => {});
  }

  #fill(): void {
    if (this.#waiting === null) return;
    const { rest, done } = this.#waiting;
    const fits = Math.min(rest.length, pipeBytes - this.held);
    this.held += fits;
    this.received = Buffer.concat([this.received, rest.subarray(0, fits)]);
    this.#waiting = fits === rest.length ? null : { rest: rest.subarray(fits), done };
    if (this.#waiting === null) done();
  }

  #takeNow(piece: Buffer): number {
    const fits = Math.min(piece.length, pipeBytes - this.held);
    this.held += fits;
    this.received = Buffer.concat([this.received, piece.subarray(0, fits)]);
    return fits;
  }

  async read(bytes: number): Promise<void> {
    this.held -= Math.min(bytes, this.held);
    this.#fill();
    await new Promise(setImmediate);
  }

  async exit(): Promise<void> {
    this.stdin.destroy();
    await new Promise(setImmediate);
  }

  give(bytes: number, isLast = false): StdinDelivery {
    const child: Pick<Child, 'stdin' | 'unreadBytes' | 'writeNow'> = {
      stdin: this.stdin,
      writeNow: (piece) => (this.isDirect ? this.#takeNow(piece) : 0),
      unreadBytes: () => (this.isCounted ? this.held : null),
    };
    return new StdinDelivery(child as Child, Buffer.alloc(bytes, 'x'), isLast);
  }
}

const sizes = [2, 4_096, pipeBytes - 1, pipeBytes, pipeBytes + 1, pipeBytes + 2, 10 * pipeBytes];

describe.each([false, true])('written without the stream: %s', (isDirect) => {
  test.each(sizes)('a payload of %d bytes is unread until its first byte is read', async (bytes) => {
    const pipe = new Pipe({ isDirect });
    const delivery = pipe.give(bytes);
    await pipe.read(0);
    expect([delivery.isUnread, delivery.isRead]).toEqual([true, false]);
    await pipe.read(1);
    expect(delivery.isUnread).toBe(false);
  });

  test.each(sizes)('a payload of %d bytes is read when its last byte is read', async (bytes) => {
    const pipe = new Pipe({ isDirect });
    const delivery = pipe.give(bytes, true);
    let left = bytes;
    for (; left > 1; left -= Math.min(10_000, left - 1)) {
      expect(delivery.isRead).toBe(false);
      await pipe.read(Math.min(10_000, left - 1));
    }
    expect([delivery.isRead, delivery.isUnread]).toEqual([false, false]);
    await pipe.read(1);
    expect([delivery.isRead, delivery.isUnread]).toEqual([true, false]);
    expect(pipe.received.equals(Buffer.alloc(bytes, 'x'))).toBe(true);
    expect(pipe.hasEnded).toBe(true);
  });

  test.each(sizes)('a payload of %d bytes is unread if the child exits without reading', async (bytes) => {
    const pipe = new Pipe({ isDirect });
    const delivery = pipe.give(bytes);
    await pipe.exit();
    expect([delivery.isUnread, delivery.isRead]).toEqual([true, false]);
  });

  test.each(sizes)(
    'a payload of %d bytes is not unread if the child reads some of it and exits',
    async (bytes) => {
      const pipe = new Pipe({ isDirect });
      const delivery = pipe.give(bytes);
      // A page; its space in the pipe is filled again if there is more.
      await pipe.read(4_096);
      await pipe.exit();
      expect(delivery.isUnread).toBe(false);
    },
  );
});

test('STDIN stays open if another job may follow', async () => {
  const pipe = new Pipe();
  pipe.give(10);
  await pipe.read(10);
  expect([pipe.hasEnded, pipe.stdin.writableEnded]).toEqual([false, false]);
});

test('a payload is unread if the pipe was already closed, whether it can be counted or not', async () => {
  for (const isCounted of [true, false]) {
    const pipe = new Pipe({ isCounted, refusal: Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }) });
    const delivery = pipe.give(10);
    await pipe.read(0);
    expect(delivery.isUnread).toBe(true);
  }
});

test.each(sizes)('a payload of %d bytes is never unread if its pipe cannot be counted', async (bytes) => {
  const pipe = new Pipe({ isCounted: false });
  const delivery = pipe.give(bytes);
  await pipe.read(0);
  expect(delivery.isUnread).toBe(false);
  await pipe.exit();
  expect(delivery.isUnread).toBe(false);
});
