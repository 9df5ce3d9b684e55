/**
 * Starts the engine as its own process, in its own session, so that terminal events (Ctrl-C, a hangup, a terminal that
 * doesn't read) never reach the jobs. The engine inherits its end of the connection. When the connection ends, the engine
 * drains and exits.
 */
import type { Socket } from 'node:net';
import { execa } from 'execa';

export interface OwnEngine {
  readonly connection: Socket;
  readonly pid: number;
  /** Resolves when it has ended, with its exit code or signal and its STDERR. */
  readonly ended: Promise<EngineEnd>;
  /** Lets it continue without this process. */
  release(): void;
}

export interface EngineEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stderr: string;
}

/** The connection's descriptor in the engine's process. */
const linkFd = 3;

/** @param args the same as for a headless runner */
export function startOwnEngine(program: string, args: readonly string[]): OwnEngine {
  const child = execa(process.execPath, [program, ...args, '--no-ui', '--link-fd', String(linkFd)], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    detached: true,
    cleanup: false,
    reject: false,
    buffer: { stderr: true, [`fd${linkFd}`]: false },
    maxBuffer: 64 * 1024,
  });
  const ended = child.then(({ exitCode, signal, stderr, message }) => ({
    exitCode: exitCode ?? null,
    signal: signal ?? null,
    stderr:
      typeof stderr === 'string' && stderr !== '' ? stderr : child.pid === undefined ? (message ?? '') : '',
  }));
  return {
    connection: child.stdio[linkFd] as unknown as Socket,
    pid: child.pid ?? 0,
    ended,
    release: () => {
      child.unref();
      child.stderr?.destroy();
    },
  };
}
