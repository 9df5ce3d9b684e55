/**
 * One process's part in the server of a directory: it starts the server if none is running, and ends it if it started it. If
 * there are several processes, the guard's lock decides which one starts the server.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OperatingError } from '../command-line/exit-codes.ts';
import type { ConfigIo } from '../files/load-config.ts';
import {
  type Guard,
  isLocked,
  lockName,
  logName,
  readIfThere,
  releaseDeadLock,
  startGuard,
} from './guard.ts';
import { findRedisProgram } from './server-program.ts';

export interface ServerPlace {
  /** Absolute. */
  readonly directory: string;
  /** Path of the Unix socket. */
  readonly socket: string;
  /** Saves no data, and removes the directory at the end, even after a SIGKILL. */
  readonly isTemporary: boolean;
}

export class EmbeddedServer {
  readonly #place: ServerPlace;
  readonly #io: ConfigIo;
  #guard: Guard | null = null;
  /** Whether the server was reached. If so, its end is not a failed start. */
  #wasReached = false;

  /** @param io has the PATH for finding the server's program */
  constructor(place: ServerPlace, io: ConfigIo) {
    this.#place = place;
    this.#io = io;
  }

  /**
   * Starts the server, unless one is running or another process is starting or ending one. It answers later.
   *
   * @throws OperatingError if the server can't be started, or ended before it was reached
   */
  async start(): Promise<void> {
    const { directory, isTemporary } = this.#place;
    const end = this.#guard?.end();
    if (end === null) return;
    this.#guard = null;
    if (end !== undefined && !end.isLocked && !this.#wasReached) {
      throw await serverFailure(directory, `it ended with exit code ${end.exitCode ?? '(none)'}`);
    }
    await prepareDirectory(directory);
    await releaseDeadLock(directory);
    if (await isLocked(directory)) return;
    const program = await findRedisProgram(this.#io);
    this.#wasReached = false;
    this.#guard = await startGuard({ directory, program, config: configText(this.#place), isTemporary });
  }

  /** Notes that the server accepts connections. */
  reached(): void {
    this.#wasReached = true;
  }

  /** How the server of this process ended by itself, for people; `null` if it didn't. */
  get end(): string | null {
    const end = this.#guard?.end() ?? null;
    if (end === null || end.isLocked || !this.#wasReached) return null;
    const { exitCode } = end;
    if (exitCode === undefined) return 'has ended';
    // Shells add 128 to the number of a signal.
    return exitCode > 128 ? `was killed by signal ${exitCode - 128}` : `has ended with exit code ${exitCode}`;
  }

  /** Ends the server if this process started it, and waits until it is gone. */
  async stop(): Promise<void> {
    await this.#guard?.stop();
  }
}

/** An error about the server of a directory, with the end of its log. */
async function serverFailure(directory: string, reason: string): Promise<OperatingError> {
  const file = join(directory, logName);
  const log = (await readIfThere(file)).trimEnd();
  const lastLines = log === '' ? ['(nothing)'] : log.split('\n').slice(-5);
  return new OperatingError(
    [
      `the embedded Redis in ${directory} can't be used: ${reason}`,
      `its log, ${file}, ends with:`,
      ...lastLines.map((line) => `  ${line}`),
    ].join('\n'),
  );
}

/** For a server that doesn't answer although it is running or another process holds its lock. */
export function silence(directory: string, limitMs: number): Promise<OperatingError> {
  const lock = join(directory, lockName);
  return serverFailure(
    directory,
    `it did not answer within ${limitMs / 1_000} s; if no server is running there, remove ${lock}`,
  );
}

export async function prepareDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    // The directory is usually in a user's repository.
    await writeFile(join(directory, '.gitignore'), '*\n');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OperatingError(`no embedded Redis in ${directory}: ${reason}`, { cause: error });
  }
}

/** Text of redis.conf. Its quoting rules are the same in all versions, unlike those of the command line. */
function configText({ directory, socket, isTemporary }: ServerPlace): string {
  const settings = {
    port: '0',
    unixsocket: quoted(socket),
    unixsocketperm: '600',
    dir: quoted(directory),
    appendonly: isTemporary ? 'no' : 'yes',
    save: '""',
    daemonize: 'no',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}\n`);
  return lines.join('');
}

/** Quotes a text for redis.conf, where a line break would end the line even in quotes. */
function quoted(text: string): string {
  const escaped = text.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `"${escaped}"`;
}
