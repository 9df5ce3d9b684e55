/**
 * Starts the engine as a process of its own, in a session of its own: what the terminal does to the user
 * interface (Ctrl-C, hanging up, not reading) never reaches the jobs. The connection between both is made with
 * the process, so that there is nothing to look for; when it ends, the engine drains and exits.
 */
import type { Socket } from 'node:net';
import { execa } from 'execa';

export interface OwnEngine {
  readonly connection: Socket;
  readonly pid: number;
  /** When it has ended: its exit code or signal, and what it wrote to STDERR. */
  readonly ended: Promise<EngineEnd>;
  /** Lets it go on without us: nothing waits for it any more. */
  release(): void;
}

export interface EngineEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stderr: string;
}

/** The descriptor of the connection in the engine's process. */
const linkFd = 3;

/** @param args as for a headless runner */
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
