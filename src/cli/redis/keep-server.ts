/**
 * Starts the server of a directory again when it is gone: it was killed, or ended with the runner that had started it.
 * An idle connection that stays open for this purpose shows it immediately, even if the engine is busy.
 */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { OperatingError } from '../command-line/exit-codes.ts';
import { type EmbeddedServer, silence } from './embedded-server.ts';

interface KeptPlace {
  readonly directory: string;
  /** Path of the unix socket. */
  readonly socket: string;
  /** Told of each trouble once, until the server has been there for a while. */
  readonly tell: (text: string) => void;
}

/** While another process ends or starts the server: that takes a moment, or as long as its data take. */
const firstPollMs = 20;
const longestPollMs = 500;
/** After failures. A user who has removed the cause waits this long at most. */
const firstBackoffMs = 500;
const longestBackoffMs = 10_000;
/** If a server ends sooner, that counts as a failure. */
const stableMs = 10_000;
/** After this time someone should look. */
const silenceLimitMs = 30_000;

/** @returns ends that; resolves when this process can't start the server any more */
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
      tellOnce('failure', `${error.message}\nTrying again until it runs`);
      failures += 1;
    }
    if (failures > 0) await pause(Math.min(longestBackoffMs, firstBackoffMs * 2 ** (failures - 1)), signal);
  }
}

/**
 * Holds a connection to the server for as long as that is there.
 *
 * @returns how long that was; `null` if there was none
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
    // Only a socket that is read tells its end.
    connection.resume();
  });
  signal.removeEventListener('abort', letGo);
  return sinceMs === null ? null : performance.now() - sinceMs;
}

/** Includes what the system refuses, such as a file on a full disk: running jobs must not end because of it. */
function isRedisError(error: unknown): error is Error {
  return error instanceof Error && (error instanceof OperatingError || 'syscall' in error);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {
    // Called off.
  });
}
