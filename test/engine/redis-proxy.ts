/**
 * A way to Redis that can be cut at the worst moment. It looks at what a client sends, piece by piece, and
 * does with it what the test says: pass it on, keep it back, lose it, or pass it on and cut before the reply.
 */
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { freePort } from '../helpers/redis.ts';

/**
 * `pass`: to Redis. `hold`: keeps it until `release`. `lose`: it never arrives. `cut`: loses it and closes
 * every connection. `pass-and-cut`: Redis gets it, its reply and every connection are lost. `silence`: this
 * connection stays open and carries nothing any more, every other one is closed.
 */
export type Verdict = 'pass' | 'hold' | 'lose' | 'cut' | 'pass-and-cut' | 'silence';

interface Pair {
  readonly client: Socket;
  readonly redis: Socket;
  isSilent: boolean;
}

export class RedisProxy {
  /** Asked about each piece that a client sends; what is cut into pieces where is up to TCP. */
  judge: (text: string) => Verdict = () => 'pass';
  /** Everything that clients sent, whatever became of it. */
  sent = '';
  cuts = 0;
  #held: (() => void)[] = [];
  readonly #pairs = new Set<Pair>();
  readonly #server: Server;
  #port = 0;

  constructor(redisPort: number) {
    // Half-open: a client that hangs up on a silent connection gets no answer to that either.
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client, redisPort));
  }

  get port(): number {
    return this.#port;
  }

  async listen(port: number | null = null): Promise<void> {
    this.#port = port ?? (await freePort());
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
  }

  /** How often clients have sent this. */
  count(text: string): number {
    return this.sent.split(text).length - 1;
  }

  /** Passes on what was held, in order. */
  release(): void {
    for (const pass of this.#held.splice(0)) pass();
  }

  /** Closes every connection at once. */
  cut(): void {
    this.cuts += 1;
    this.#held = [];
    for (const pair of this.#pairs) this.#close(pair);
  }

  /** Passes on what was held, but its replies and every connection are lost. */
  releaseAndCut(): void {
    this.cuts += 1;
    for (const { client } of this.#pairs) client.destroy();
    this.release();
    for (const { redis } of this.#pairs) redis.end();
    this.#pairs.clear();
  }

  async dispose(): Promise<void> {
    for (const pair of this.#pairs) this.#close(pair);
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket, redisPort: number): void {
    const redis = createConnection({ port: redisPort, host: '127.0.0.1', noDelay: true });
    const pair: Pair = { client, redis, isSilent: false };
    this.#pairs.add(pair);
    client.on('data', (chunk: Buffer) => this.#take(pair, chunk));
    redis.on('data', (chunk: Buffer) => {
      if (!pair.isSilent && !client.destroyed) client.write(chunk);
    });
    const end = () => {
      if (!pair.isSilent) this.#close(pair);
    };
    for (const socket of [client, redis]) {
      socket.on('end', end);
      socket.on('close', end);
      // Connections are broken on purpose here.
      socket.on('error', () => {});
    }
  }

  #take(pair: Pair, chunk: Buffer): void {
    if (pair.isSilent) return;
    const text = chunk.toString('latin1');
    this.sent += text;
    switch (this.judge(text)) {
      case 'pass':
        pair.redis.write(chunk);
        return;
      case 'hold':
        this.#held.push(() => pair.redis.write(chunk));
        return;
      case 'lose':
        return;
      case 'cut':
        this.cut();
        return;
      case 'pass-and-cut':
        this.#held.push(() => pair.redis.write(chunk));
        this.releaseAndCut();
        return;
      case 'silence':
        this.cuts += 1;
        pair.isSilent = true;
        for (const other of this.#pairs) if (other !== pair) this.#close(other);
    }
  }

  #close(pair: Pair): void {
    pair.isSilent = true;
    pair.client.destroy();
    pair.redis.destroy();
    this.#pairs.delete(pair);
  }
}
