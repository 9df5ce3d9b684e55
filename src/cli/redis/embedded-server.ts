/**
 * What one process does for the server of a directory: it starts the server if none runs, and ends it if it has started
 * it. Of several processes, the guard's lock decides which one starts it.
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
  /** Path of the unix socket. */
  readonly socket: string;
  /** Keeps no data, and removes the directory in the end, even after a SIGKILL. */
  readonly isTemporary: boolean;
}

export class EmbeddedServer {
  readonly #place: ServerPlace;
  readonly #io: ConfigIo;
  #guard: Guard | null = null;
  /** Whether the server was reached: if it has ended then, the start was not the reason. */
  #wasReached = false;

  /** @param io says where to look for a server's program */
  constructor(place: ServerPlace, io: ConfigIo) {
    this.#place = place;
    this.#io = io;
  }

  /**
   * Starts the server, unless one runs or another process is starting or ending one. It answers later.
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

  /** How a server that this process has started ended by itself, for people; `null` if it didn't. */
  get end(): string | null {
    const end = this.#guard?.end() ?? null;
    if (end === null || end.isLocked || !this.#wasReached) return null;
    const { exitCode } = end;
    if (exitCode === undefined) return 'has ended';
    // Shells add 128 to the number of a signal.
    return exitCode > 128 ? `was killed by signal ${exitCode - 128}` : `has ended with exit code ${exitCode}`;
  }

  /** Ends the server if this process has started it, and waits until it is gone. */
  async stop(): Promise<void> {
    await this.#guard?.stop();
  }
}

/** Says what is wrong with the server of a directory, and quotes the end of its log. */
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

/** For a server that doesn't answer although it is there, or although another process holds the lock. */
export function silence(directory: string, limitMs: number): Promise<OperatingError> {
  const lock = join(directory, lockName);
  return serverFailure(
    directory,
    `it does not answer within ${limitMs / 1_000} s; if no server runs there, remove ${lock}`,
  );
}

export async function prepareDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    // It usually lies in a user's repository.
    await writeFile(join(directory, '.gitignore'), '*\n');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OperatingError(`no embedded Redis in ${directory}: ${reason}`, { cause: error });
  }
}

/** For a file, because its quoting rules are the same in all versions, unlike those of the command line. */
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

/** For redis.conf: a line break would end the line even in quotes. */
function quoted(text: string): string {
  const escaped = text.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `"${escaped}"`;
}
