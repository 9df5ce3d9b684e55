/**
 * `resque-runner health`: whether a runner is alive, or ready, for Docker's HEALTHCHECK and for exec probes. It runs every
 * few seconds, so it loads little and needs no more than the runner's hello.
 */
import { basename } from 'node:path';
import { helloAt } from '../../link/client/hello-at.ts';
import { LinkError } from '../../link/link-errors.ts';
import { surveySockets } from '../../link/sockets/list-sockets.ts';
import { healthMessages } from '../../messages/runners.ts';
import { protocolVersion, type ServerHello } from '../../protocol/frames.ts';
import type { CommandContext } from '../command-line/command-spec.ts';
import { exitCodes, OperatingError, UsageError } from '../command-line/exit-codes.ts';
import type { Io } from '../command-line/io.ts';
import { findConfig } from '../files/load-config.ts';
import { ownSocketDirectories } from '../files/own-directories.ts';
import { print } from '../terminal/output.ts';
import { eitherConfigOrSocket, isOf, noneRunning, severalRunning } from './find-runners.ts';

/** A runner says hello as soon as its event loop turns. */
const answerLimitMs = 2_000;

export async function run({ invocation, io }: CommandContext): Promise<number> {
  const { input, flags } = invocation;
  const target = input[0] ?? null;
  if (target !== null && flags.socket !== null) throw new UsageError(eitherConfigOrSocket);
  const hellos = flags.socket === null ? await hellosOf(io, target) : [await helloOf(flags.socket)];
  const wanted = flags.ready ? 'ready' : 'alive';
  const problems = hellos.flatMap((hello) => problemOf(hello, wanted) ?? []);
  if (problems.length > 0) throw new OperatingError(problems.join('\n'));
  for (const hello of hellos) await print(io, `${healthMessages.healthy(hello, wanted)}\n`);
  return exitCodes.clean;
}

/** @returns `null` if it is healthy */
function problemOf(hello: ServerHello, wanted: 'alive' | 'ready'): string | null {
  const { health, protocol } = hello;
  if (protocol !== protocolVersion) return healthMessages.otherVersion(hello, protocolVersion);
  const reasons = wanted === 'alive' ? health.notAlive : health.notReady;
  return reasons.length === 0 ? null : healthMessages.unhealthy(hello, wanted, reasons);
}

async function helloOf(socket: string): Promise<ServerHello> {
  try {
    const hello = await helloAt(socket, answerLimitMs);
    if (hello !== null) return hello;
  } catch (error) {
    if (error instanceof LinkError) throw new OperatingError(error.message, { cause: error });
    throw error;
  }
  throw silence([socket]);
}

/** @param target a config, or the digits of a pid */
async function hellosOf(io: Io, target: string | null): Promise<readonly ServerHello[]> {
  const { listed, silent } = await surveySockets(ownSocketDirectories(io), answerLimitMs);
  if (target !== null && /^\d+$/.test(target)) {
    const found = listed.filter(({ hello }) => String(hello.pid) === target);
    if (found.length > 0) return found.map(({ hello }) => hello);
    const its = silent.filter((path) => basename(path).startsWith(`${target}-`));
    throw its.length > 0 ? silence(its) : new OperatingError(healthMessages.noSuchProcess(target));
  }
  const file = findConfig(io, target);
  const found = file === null ? listed : listed.filter(({ hello }) => isOf(hello.configFile, file));
  // The config of a runner that doesn't answer isn't known.
  if (found.length === 0 && silent.length > 0) throw silence(silent);
  if (found.length === 0) throw new OperatingError(noneRunning(io, file, listed));
  if (file === null && found.length > 1) throw new UsageError(severalRunning(found));
  return found.map(({ hello }) => hello);
}

function silence(paths: readonly string[]): OperatingError {
  return new OperatingError(paths.map((path) => healthMessages.silent(path, answerLimitMs)).join('\n'));
}
