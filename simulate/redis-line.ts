/** One connection to a real Redis, for one command (or one group of them) at a time. */
import { createConnection, type Socket } from 'node:net';
import { commandBytes, isError, type Reply, readReply } from './resp.ts';

export interface RawReply {
  readonly reply: Reply;
  readonly bytes: Buffer;
}

interface Waiting {
  readonly count: number;
  readonly replies: RawReply[];
  readonly resolve: (replies: RawReply[]) => void;
  readonly reject: (error: Error) => void;
}

export class RedisLine {
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  #waiting: Waiting | null = null;

  static async open(path: string): Promise<RedisLine> {
    const socket = createConnection(path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RedisLine(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', (error) => this.#waiting?.reject(error));
    socket.on('close', () => this.#waiting?.reject(new Error('the real Redis has closed the connection')));
  }

  /** Sends the bytes of so many commands. */
  send(bytes: Buffer, count: number): Promise<RawReply[]> {
    if (this.#waiting !== null) throw new Error('the real Redis is asked one thing at a time');
    return new Promise((resolve, reject) => {
      this.#waiting = { count, replies: [], resolve, reject };
      this.#socket.write(bytes);
    });
  }

  /** @throws Error if Redis answers with one */
  async call(...words: (string | number | Buffer)[]): Promise<Reply> {
    const reply = await this.ask(...words);
    if (isError(reply)) throw new Error(`${words.map(String).join(' ').slice(0, 200)}: ${reply.error}`);
    return reply;
  }

  /** The same, with an error as a reply like any other. */
  async ask(...words: (string | number | Buffer)[]): Promise<Reply> {
    const [raw] = await this.send(commandBytes(words), 1);
    return raw?.reply ?? null;
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const waiting = this.#waiting;
    while (waiting !== null && waiting.replies.length < waiting.count) {
      const read = readReply(this.#rest, 0);
      if (read === null) return;
      waiting.replies.push({ reply: read.reply, bytes: this.#rest.subarray(0, read.end) });
      this.#rest = this.#rest.subarray(read.end);
    }
    this.#waiting = null;
    waiting?.resolve(waiting.replies);
  }
}
