/** The client's end of a simulated connection: what ioredis takes for a socket. */
import { Duplex } from 'node:stream';

export interface StreamHooks {
  onWrite(chunk: Buffer): void;
  /** The client has closed it, or it was destroyed. */
  onClosed(): void;
  /** @returns ends the timer */
  after(ms: number, act: () => void): () => void;
}

export class SimStream extends Duplex {
  connecting = true;
  readonly #hooks: StreamHooks;
  #endTimer = (): void => {};

  constructor(hooks: StreamHooks) {
    super({ allowHalfOpen: false });
    this.#hooks = hooks;
  }

  accepted(): void {
    if (this.destroyed) return;
    this.connecting = false;
    this.emit('connect');
  }

  refused(): void {
    if (this.destroyed) return;
    this.destroy(
      Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' }),
    );
  }

  /** The other side's end: with its good-bye, or without. */
  cut(isReset: boolean): void {
    if (this.destroyed) return;
    if (isReset)
      this.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' }));
    else this.push(null);
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  setTimeout(ms: number, act?: () => void): this {
    this.#endTimer();
    if (ms > 0 && act !== undefined) this.#endTimer = this.#hooks.after(ms, act);
    return this;
  }

  override _read(): void {}

  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: () => void): void {
    this.#hooks.onWrite(Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk, encoding));
    done();
  }

  override _final(done: () => void): void {
    this.#hooks.onClosed();
    this.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#endTimer();
    this.#hooks.onClosed();
    done(error);
  }
}
