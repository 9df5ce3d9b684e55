/**
 * Serves metrics and health over HTTP. No client may cost the runner much: there are limits for the number of connections,
 * for the time until a request is complete, and for the time until its answer is read. All readers of a page share its bytes.
 */

import { lstatSync, unlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, isIP } from 'node:net';
import type { ListenAddress } from '../../config/metrics.ts';
import { type Answer, answerTo, failure, type Served } from './requests.ts';

export interface Limits {
  readonly connections: number;
  /** Until a request is complete. */
  readonly requestMs: number;
  /** Until its answer is read, and for a connection that is idle. */
  readonly answerMs: number;
  /** How often Node looks for requests that are too slow. */
  readonly checkMs: number;
}

const defaultLimits: Limits = { connections: 256, requestMs: 5_000, answerMs: 10_000, checkMs: 2_000 };
const mostHeaderBytes = 8 * 1024;

export class Listener {
  readonly address: ListenAddress;
  readonly #server: Server;

  private constructor(address: ListenAddress, served: Served, limits: Limits) {
    const { connections, requestMs, answerMs, checkMs } = limits;
    this.address = address;
    this.#server = createServer(
      {
        headersTimeout: requestMs,
        requestTimeout: requestMs,
        connectionsCheckingInterval: checkMs,
        maxHeaderSize: mostHeaderBytes,
      },
      (request, response) => void this.#serve(request, response, served, answerMs),
    );
    this.#server.maxConnections = connections;
    this.#server.setTimeout(answerMs, (socket) => socket.destroy());
  }

  /** Rejects with the system's error. */
  static async open(address: ListenAddress, served: Served, limits = defaultLimits): Promise<Listener> {
    const listener = new Listener(address, served, limits);
    await listener.#listen();
    return listener;
  }

  /** For people: a URL for `curl`, if there is one. */
  get text(): string {
    return this.address.kind === 'unix' ? this.address.text : metricsUrl(this.address);
  }

  /** Ends all connections at once. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #listen(): Promise<void> {
    const { address } = this;
    if (address.kind === 'unix') await removeDeadSocket(address.path);
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      const done = () => {
        this.#server.off('error', reject);
        // Such as no free descriptor for a client.
        this.#server.on('error', (error) => process.emitWarning(error));
        resolve();
      };
      if (address.kind === 'unix') this.#server.listen(address.path, done);
      else if (address.host === '') this.#server.listen(address.port, done);
      else this.#server.listen(address.port, address.host, done);
    });
    // The engine decides how long the process lives.
    this.#server.unref();
  }

  async #serve(
    request: IncomingMessage,
    response: ServerResponse,
    served: Served,
    answerMs: number,
  ): Promise<void> {
    const { socket } = request;
    // A body is ignored.
    request.resume();
    // The socket's own time-out starts again with each byte that is read.
    const limit = setTimeout(() => socket.destroy(), answerMs).unref();
    response.on('close', () => clearTimeout(limit));
    const { status, headers, body } = await this.#answer(request, served);
    response.writeHead(status, {
      ...headers,
      'content-length': body.length,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  async #answer(request: IncomingMessage, served: Served): Promise<Answer> {
    const { method = '', url = '', headers, socket } = request;
    const isLoopback = this.address.kind === 'tcp' && isLoopbackAddress(socket.localAddress ?? '');
    const { host = '' } = headers;
    try {
      return await answerTo({ method, url, host, isLoopback }, served);
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error));
      return failure();
    }
  }
}

function metricsUrl({ host, port }: ListenAddress & { kind: 'tcp' }): string {
  const shown = host === '' ? '0.0.0.0' : host;
  return `http://${isIP(shown) === 6 ? `[${shown}]` : shown}:${port}/metrics`;
}

function isLoopbackAddress(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127\./.test(address);
}

/** A killed runner leaves its socket. One that answers belongs to a live process. */
async function removeDeadSocket(path: string): Promise<void> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return;
  const isAlive = await new Promise<boolean>((resolve) => {
    const client = connect(path);
    client.on('connect', () => resolve(true));
    client.on('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
    client.on('connect', () => client.destroy());
  });
  if (!isAlive) unlinkSync(path);
}
