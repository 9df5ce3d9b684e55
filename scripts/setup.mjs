/**
 * All that has to be there before the program can run from a checkout: dependencies, the bundle, a Redis server.
 * Imports only Node's builtins, as node_modules may be missing. Each step says one line when it has something to
 * do and nothing otherwise; checking all of them takes some 30 ms. Every step can be run by several processes
 * at once.
 */
import { ensureBuild } from './setup/bundle.mjs';
import { ensureDependencies } from './setup/dependencies.mjs';
import { assertNodeVersion } from './setup/node-version.mjs';
import { ensureRedisServer } from './setup/redis-server.mjs';

/**
 * @param {{ needsRedisServer?: boolean }} [options] false if a Redis elsewhere is used
 * @throws {import('./setup/setup-error.mjs').SetupError} when a step fails; its message says what to do.
 */
export async function setUp({ needsRedisServer = true } = {}) {
  assertNodeVersion();
  await ensureDependencies();
  await ensureBuild();
  if (needsRedisServer) await ensureRedisServer();
}
