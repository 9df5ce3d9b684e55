/**
 * Restarts the server of a directory after it was killed or ended with the runner that started it. An idle connection to the
 * server reports its end immediately, even if the engine is busy.
 */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { OperatingError } from '../command-line/exit-codes.ts';
import { type EmbeddedServer, silence } from './embedded-server.ts';

interface KeptPlace {
  readonly directory: string;
  /** Path of the Unix socket. */
  readonly socket: string;
  /** Gets each kind of problem once, until the server has been running for a while. */
  readonly tell: (text: string) => void;
}

/** While another process ends or starts the server. That takes a moment, or as long as loading its data. */
const firstPollMs = 20;
const longestPollMs = 500;
/** After failures. Once the user has fixed the cause, this is the longest wait. */
const firstBackoffMs = 500;
const longestBackoffMs = 10_000;
/** An earlier end of a server counts as a failure. */
const stableMs = 10_000;
/** After this time, the problem is reported. */
const silenceLimitMs = 30_000;

/** @returns a function that stops this; it resolves when this process can no longer start the server */
export function keepServer(server: EmbeddedServer, place: KeptPlace): () => Promise<void> {
  const stop = new AbortController();
  const kept = keep(server, place, stop.signal);
  return async () => {
    stop.abort();
    await kept;
  };
}

async function keep(
  server: EmbeddedServer,
  { directory, socket, tell }: KeptPlace,
  signal: AbortSignal,
): Promise<void> {
  const told = new Set<string>();
  let failures = 0;
  let polls = 0;
  let goneSinceMs = performance.now();
  const tellOnce = (kind: string, text: string) => {
    if (!told.has(kind)) tell(text);
    told.add(kind);
  };
  while (true) {
    const heldMs = await hold(socket, signal, () => server.reached());
    if (signal.aborted) return;
    if (heldMs !== null) {
      goneSinceMs = performance.now();
      polls = 0;
      failures = heldMs > stableMs ? 0 : failures + 1;
      if (failures === 0) told.clear();
    }
    if (performance.now() - goneSinceMs > silenceLimitMs) {
      tellOnce('silence', (await silence(directory, silenceLimitMs)).message);
    }
    const { end } = server;
    if (end !== null) tellOnce('end', `the embedded Redis in ${directory} ${end}; starting it again`);
    try {
      await server.start();
      await pause(Math.min(longestPollMs, firstPollMs * 1.5 ** polls), signal);
      polls += 1;
    } catch (error) {
      if (!isRedisError(error)) throw error;
      tellOnce('failure', `${error.message}\nRetrying until it runs`);
      failures += 1;
    }
    if (failures > 0) await pause(Math.min(longestBackoffMs, firstBackoffMs * 2 ** (failures - 1)), signal);
  }
}

/**
 * Holds a connection to the server until the server ends.
 *
 * @returns how long that was; `null` if there was no server
 */
async function hold(socket: string, signal: AbortSignal, onConnected: () => void): Promise<number | null> {
  if (signal.aborted) return null;
  const connection = connect(socket);
  const letGo = () => connection.destroy();
  signal.addEventListener('abort', letGo);
  let sinceMs: number | null = null;
  await new Promise((resolve) => {
    connection.on('connect', () => {
      sinceMs = performance.now();
      onConnected();
    });
    connection.on('error', () => {
      // `close` follows.
    });
    connection.on('close', resolve);
    // A socket reports its end only while it is read.
    connection.resume();
  });
  signal.removeEventListener('abort', letGo);
  return sinceMs === null ? null : performance.now() - sinceMs;
}

/** Includes errors of the system, such as a full disk: running jobs must not end because of them. */
function isRedisError(error: unknown): error is Error {
  return error instanceof Error && (error instanceof OperatingError || 'syscall' in error);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {
    // Aborted.
  });
}
