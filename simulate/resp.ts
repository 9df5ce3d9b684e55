/** RESP2 as bytes: cuts what a client sends into commands, and reads and writes replies. */

/** `{ ok }` is a simple string, `{ error }` an error; a Buffer is a bulk string and `null` a missing one. */
export type Reply = null | number | Buffer | { readonly ok: string } | { readonly error: string } | Reply[];

export interface Command {
  /** In capitals. */
  readonly name: string;
  /** Without the name. */
  readonly args: readonly Buffer[];
  /** As it was sent. */
  readonly bytes: Buffer;
}

export function isError(reply: Reply): reply is { readonly error: string } {
  return typeof reply === 'object' && reply !== null && 'error' in reply;
}

/** Cuts a stream of bytes into commands, which may come in pieces. */
export class CommandCutter {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): Command[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const commands: Command[] = [];
    for (;;) {
      const read = readReply(this.#rest, 0);
      if (read === null) return commands;
      const bytes = this.#rest.subarray(0, read.end);
      this.#rest = this.#rest.subarray(read.end);
      const [name, ...args] = read.reply as Buffer[];
      if (name === undefined) throw new Error('a command without a name');
      commands.push({ name: name.toString().toUpperCase(), args, bytes });
    }
  }
}

export function commandBytes(words: readonly (string | number | Buffer)[]): Buffer {
  return replyBytes(words.map((word) => (Buffer.isBuffer(word) ? word : Buffer.from(String(word)))));
}

export function replyBytes(reply: Reply): Buffer {
  const parts: (string | Buffer)[] = [];
  write(reply, parts);
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
}

function write(reply: Reply, parts: (string | Buffer)[]): void {
  if (reply === null) parts.push('$-1\r\n');
  else if (typeof reply === 'number') parts.push(`:${reply}\r\n`);
  else if (Buffer.isBuffer(reply)) parts.push(`$${reply.length}\r\n`, reply, '\r\n');
  else if (Array.isArray(reply)) {
    parts.push(`*${reply.length}\r\n`);
    for (const item of reply) write(item, parts);
  } else if ('ok' in reply) parts.push(`+${reply.ok}\r\n`);
  else parts.push(`-${reply.error}\r\n`);
}

/** @returns `null` if the bytes end before the reply does */
export function readReply(bytes: Buffer, start: number): { reply: Reply; end: number } | null {
  const lineEnd = bytes.indexOf('\r\n', start);
  if (lineEnd === -1) return null;
  const line = bytes.toString('utf8', start + 1, lineEnd);
  let end = lineEnd + 2;
  switch (String.fromCharCode(bytes[start] ?? 0)) {
    case '+':
      return { reply: { ok: line }, end };
    case '-':
      return { reply: { error: line }, end };
    case ':':
      return { reply: Number(line), end };
    case '$': {
      const length = Number(line);
      if (length === -1) return { reply: null, end };
      if (bytes.length < end + length + 2) return null;
      return { reply: bytes.subarray(end, end + length), end: end + length + 2 };
    }
    case '*': {
      const count = Number(line);
      // A missing array, as a wait that is over gets it.
      if (count === -1) return { reply: null, end };
      const items: Reply[] = [];
      while (items.length < count) {
        const item = readReply(bytes, end);
        if (item === null) return null;
        items.push(item.reply);
        end = item.end;
      }
      return { reply: items, end };
    }
    default:
      throw new Error(`no RESP2: ${JSON.stringify(bytes.toString('latin1', start, start + 40))}`);
  }
}
