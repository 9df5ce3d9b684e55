/** The client's end of a link: sends any bytes, and reads only when the test wants. */
import { createConnection, type Socket } from 'node:net';
import type { ServerFrame } from '../../src/protocol/frames.ts';
import { protocolVersion } from '../../src/protocol/frames.ts';
import { waitFor } from '../helpers/wait-for.ts';

type FrameOf<T extends ServerFrame['type']> = Extract<ServerFrame, { type: T }>;

export class RawClient {
  readonly frames: ServerFrame[] = [];
  readonly socket: Socket;
  /** The other side has ended the connection. */
  isClosed = false;
  bytes = 0;
  #pieces: string[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.#receive(text));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  static at(path: string): RawClient {
    return new RawClient(createConnection(path));
  }

  /** Connects and is greeted. */
  static async joined(path: string, who: { name?: string; isReadOnly?: boolean } = {}): Promise<RawClient> {
    const client = RawClient.at(path);
    client.sayHello(who);
    await client.first('snapshot');
    return client;
  }

  say(frame: object): void {
    this.sayText(`${JSON.stringify(frame)}\n`);
  }

  sayText(text: string | Buffer): void {
    this.socket.write(text);
  }

  sayHello({ name = 'tester', isReadOnly = false } = {}): void {
    this.say({ type: 'hello', protocol: protocolVersion, name, isReadOnly });
  }

  command(id: number, command: object): void {
    this.say({ type: 'command', id, command });
  }

  of<T extends ServerFrame['type']>(type: T): FrameOf<T>[] {
    return this.frames.filter((frame): frame is FrameOf<T> => frame.type === type);
  }

  async first<T extends ServerFrame['type']>(type: T): Promise<FrameOf<T>> {
    return this.nth(type, 1);
  }

  /** Counted from 1. */
  async nth<T extends ServerFrame['type']>(type: T, count: number): Promise<FrameOf<T>> {
    return waitFor(() => this.of(type)[count - 1], {
      message: () => `${count} ${type} among ${this.frames.map((frame) => frame.type).join(' ')}`,
    });
  }

  async reply(id: number): Promise<FrameOf<'reply'>['reply']> {
    const { reply } = await waitFor(() => this.of('reply').find((frame) => frame.id === id), {
      message: `a reply to ${id}`,
      // It may come after a hundred megabytes.
      timeoutMs: 25_000,
    });
    return reply;
  }

  async closed(): Promise<void> {
    await waitFor(() => this.isClosed, { message: 'the server ends the connection' });
  }

  /** Numbers of the received events, in order. */
  get seqs(): number[] {
    return this.of('events').flatMap(({ events }) => events.map(({ seq }) => seq));
  }

  #receive(text: string): void {
    this.bytes += text.length;
    this.#pieces.push(text);
    // Joined when a line ends: frames of many megabytes arrive in hundreds of pieces.
    if (!text.includes('\n')) return;
    const lines = this.#pieces.join('').split('\n');
    this.#pieces = [lines.pop() ?? ''];
    for (const line of lines) this.frames.push(JSON.parse(line) as ServerFrame);
  }
}
