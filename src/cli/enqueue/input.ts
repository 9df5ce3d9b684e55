/** The input of `--file`: a file, which can be read several times, or a pipe, which can be read only once. */
import { closeSync, constants, createReadStream, open as openFd, openSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { visibleWithin } from '../../messages/visible.ts';
import { OperatingError, UsageError } from '../command-line/exit-codes.ts';
import type { Io } from '../command-line/io.ts';

const chunkBytes = 512 * 1024;

export interface Input {
  /** For messages: `STDIN`, or the path as typed. */
  readonly name: string;
  /** Bytes of a file; `null` for a pipe. */
  readonly size: number | null;
  /**
   * @param start offset of the first byte; 0 for a pipe
   * @param end offset after the last byte
   * @throws OperatingError if it can't be read
   */
  chunks(start?: number, end?: number): AsyncIterable<Buffer>;
  /** Stops reading, even while a read is waiting. */
  close(): void;
}

/** @throws UsageError if the file is missing or can't be read */
export async function openInput({ stdin, cwd }: Pick<Io, 'stdin' | 'cwd'>, file: string): Promise<Input> {
  if (file === '-') {
    return { name: 'STDIN', size: null, chunks: () => named('STDIN', stdin), close: () => {} };
  }
  const name = visibleWithin(file, 200);
  const path = resolve(cwd, file);
  try {
    const stats = await stat(path);
    if (stats.isDirectory()) throw new UsageError(`${name} is a directory; name a file in it`);
    if (stats.isFIFO()) return pipe(name, path);
    if (!stats.isFile()) {
      return { name, size: null, chunks: () => named(name, createReadStream(path)), close: () => {} };
    }
    return readAgain(name, stats.size, await open(path));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${name}: ${readingFailure(error)}`);
  }
}

/** Kept open, so replacing the file changes nothing. */
function readAgain(name: string, size: number, handle: FileHandle): Input {
  return {
    name,
    size,
    chunks: (start = 0, end = Number.POSITIVE_INFINITY) => {
      if (end <= start) return named(name, []);
      const options = { start, end: end - 1, autoClose: false, highWaterMark: chunkBytes };
      return named(name, handle.createReadStream(options));
    },
    close: () => void handle.close(),
  };
}

/**
 * Opening a pipe blocks until a writer opens it, and so does reading it as a file. Both block a thread that can't be
 * stopped, and the process can't exit before that thread does. So the pipe is read as a socket, and `close` during the
 * open opens the pipe itself, for writing, until the open is over. For reading, too: without a reader, Linux refuses to open
 * a pipe only for writing.
 */
function pipe(name: string, file: string): Input {
  let isOpening = false;
  let writer: number | null = null;
  async function* chunks(): AsyncGenerator<Buffer> {
    isOpening = true;
    const fd = await promisify(openFd)(file, 'r').finally(() => {
      isOpening = false;
      if (writer !== null) closeSync(writer);
    });
    yield* new Socket({ fd, readable: true, writable: false });
  }
  const close = () => {
    if (isOpening && writer === null) writer = openSync(file, constants.O_RDWR | constants.O_NONBLOCK);
  };
  return { name, size: null, chunks: () => named(name, chunks()), close };
}

async function* named(
  name: string,
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
): AsyncGenerator<Buffer> {
  try {
    yield* chunks;
  } catch (error) {
    throw new OperatingError(`${name}: ${readingFailure(error)}`);
  }
}

function readingFailure(error: unknown): string {
  if (!(error instanceof Error)) throw error;
  switch ('code' in error ? error.code : null) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'there is no such file';
    case 'EACCES':
      return 'no permission to read it';
    default:
      return error.message;
  }
}
