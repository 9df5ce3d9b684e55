/**
 * A proxy between a runner and Redis that can hold back Redis' replies on one connection. In a real network, replies on
 * two connections may arrive in any order.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';

interface Link {
  readonly client: Socket;
  readonly upstream: Socket;
  /** Everything that the client has sent, in lower case. */
  sent: string;
  held: Buffer[] | null;
}

export class RedisProxy {
  readonly #server: Server;
  readonly #links = new Set<Link>();

  constructor(port: number, redisPort: number) {
    this.#server = createServer((client) => this.#accept(client, redisPort));
    this.#server.listen(port, '127.0.0.1');
  }

  /** How often a command was sent on all open connections. */
  count(command: string): number {
    let count = 0;
    for (const { sent } of this.#links) count += sent.split(`\r\n${command}\r\n`).length - 1;
    return count;
  }

  /** Holds back Redis' replies on connections that have sent this command. */
  hold(command: string): void {
    for (const link of this.#links) if (link.sent.includes(`\r\n${command}\r\n`)) link.held ??= [];
  }

  /** Whether a reply is held back. */
  get isHolding(): boolean {
    return [...this.#links].some(({ held }) => held !== null && held.length > 0);
  }

  release(): void {
    for (const link of this.#links) {
      for (const chunk of link.held ?? []) link.client.write(chunk);
      link.held = null;
    }
  }

  /** Closes all connections; new ones are accepted. */
  cut(): void {
    for (const { client, upstream } of this.#links) {
      client.destroy();
      upstream.destroy();
    }
  }

  close(): void {
    this.#server.close();
    this.cut();
  }

  #accept(client: Socket, redisPort: number): void {
    const link: Link = { client, upstream: connect(redisPort, '127.0.0.1'), sent: '', held: null };
    this.#links.add(link);
    const { upstream } = link;
    client.setNoDelay().on('data', (chunk) => {
      link.sent += chunk.toString('latin1').toLowerCase();
      upstream.write(chunk);
    });
    upstream.setNoDelay().on('data', (chunk) => {
      if (link.held === null) client.write(chunk);
      else link.held.push(chunk);
    });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      socket.on('error', () => {
        // A reset has the same effect as a close.
      });
      socket.on('close', () => {
        other.destroy();
        this.#links.delete(link);
      });
    }
  }
}
