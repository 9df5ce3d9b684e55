/**
 * Prepares a checkout to run the program: dependencies, the bundle, a Redis server. Imports only Node's builtins, because
 * node_modules may be missing. A step prints one line if it has something to do; checking all steps takes about 30 ms.
 * Several processes can run the same step at the same time.
 */
import { ensureBuild } from './setup/bundle.mjs';
import { ensureDependencies } from './setup/dependencies.mjs';
import { assertNodeVersion } from './setup/node-version.mjs';
import { ensureRedisServer } from './setup/redis-server.mjs';

/**
 * @param {{ needsRedisServer?: boolean }} [options] false if the program uses a Redis that is already running
 * @throws {import('./setup/setup-error.mjs').SetupError} if a step fails; its message says how to fix it.
 */
export async function setUp({ needsRedisServer = true } = {}) {
  assertNodeVersion();
  await ensureDependencies();
  await ensureBuild();
  if (needsRedisServer) await ensureRedisServer();
}
