/**
 * Lets screens attach to an engine: over a Unix socket that `attach` finds, and over the connection of the screen that
 * started the engine, its owner.
 */
import { rmdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Config } from '../../config/config.ts';
import type { Engine } from '../../engine/engine.ts';
import { LinkError } from '../../link/link-errors.ts';
import { LinkServer } from '../../link/server/server.ts';
import { listSockets } from '../../link/sockets/list-sockets.ts';
import { prepareFirstSocketPath } from '../../link/sockets/socket-path.ts';
import type { Health, Verdict } from '../../monitoring/health/health.ts';
import { emptySnapshot, reduce } from '../../store/reduce.ts';
import type { Io } from '../command-line/io.ts';
import { ownSocketDirectories } from '../files/own-directories.ts';

export interface EngineLinkOptions {
  readonly config: Config;
  /** Absolute. */
  readonly configFile: string;
  readonly version: string;
  /** Path of the socket; `null`: a new one in the user's directory for sockets. */
  readonly socket: string | null;
  /** Descriptor of the owner's connection; `null` if there is no owner. */
  readonly ownerFd: number | null;
}

/**
 * Call it before the engine starts, so that no event is missed.
 *
 * @returns closes the link, after sending everything
 */
export async function openEngineLink(
  io: Io,
  engine: Engine,
  health: Health,
  options: EngineLinkOptions,
): Promise<() => Promise<void>> {
  const { socket, ownerFd } = options;
  const server = linkServer(engine, health, options);
  if (ownerFd !== null) server.adopt(ownerFd);
  const path = await listen(io, server, socket);
  // On the way it removes the sockets of runners that were killed. Sockets that it can't remove may stay.
  listSockets(ownSocketDirectories(io)).catch(() => {});
  return async () => {
    await server.close();
    if (path !== null && socket === null) removeIfEmpty(dirname(path));
  };
}

/** A server for this engine: sends its state and carries out commands. It doesn't listen yet. */
export function linkServer(
  engine: Engine,
  health: Health,
  { config, configFile, version }: Pick<EngineLinkOptions, 'config' | 'configFile' | 'version'>,
): LinkServer {
  let model = emptySnapshot;
  engine.subscribe((event) => {
    model = reduce(model, event);
  });
  return new LinkServer({
    hello: {
      version,
      pid: process.pid,
      configFile,
      workerHost: engine.workerHost,
      runners: config.runners.map(({ key }) => key),
      startedAtMs: Date.now(),
    },
    health: () => ({ notAlive: reasonsOf(health.livez()), notReady: reasonsOf(health.readyz()) }),
    snapshot: () => {
      engine.flushEvents();
      return model;
    },
    subscribe: (listener) => engine.subscribe(listener),
    execute: (command, by) => engine.execute(command, by),
    watch: () => engine.watch(),
    openOutput: (jobId) => engine.openOutput(jobId),
    onOwnerGone: () => engine.stop('quit'),
  });
}

function reasonsOf(verdict: Verdict): readonly string[] {
  return verdict.ok ? [] : verdict.reasons;
}

/** Never fails, because a runner without a socket can still run jobs. @returns the socket's path; `null` without one */
async function listen(io: Io, server: LinkServer, socket: string | null): Promise<string | null> {
  for (let triesLeft = 3; ; triesLeft -= 1) {
    try {
      const path = socket ?? prepareFirstSocketPath(ownSocketDirectories(io), process.pid);
      await server.listen(path);
      return path;
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      // Another runner that was the last to end may have taken the directory away in this very moment.
      if (socket === null && triesLeft > 1) continue;
      io.stderr.write(`resque-runner: \`attach\` can't find this runner: ${error.message}\n`);
      return null;
    }
  }
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // Other runners listen there, or another one removed it first.
  }
}
