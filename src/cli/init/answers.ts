/** Reads the Redis and the script that people type, and turns them into fields of the config. */
import { constants } from 'node:fs';
import { access, chmod, mkdir, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, extname, relative, resolve } from 'node:path';
import type { RedisConfig } from '../../config/config.ts';
import { parseRedisUrl, type RedisUrlResult } from '../../config/resolve-redis.ts';
import { findOnPath } from '../../engine/process/startable.ts';
import type { Io } from '../command-line/io.ts';
import type { ConfigIo } from '../files/load-config.ts';

/** `host`, `host:port`, `[::1]:port` */
const addressPattern = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;

/**
 * A URL, the path of a socket, "embedded", or a host with or without a port.
 *
 * @param file absolute path of the config: an embedded Redis keeps its data beside it
 */
export function readRedis({ cwd }: Pick<Io, 'cwd'>, text: string, file: string): RedisUrlResult {
  const trimmed = text.trim();
  // The path of a socket is relative to the current directory.
  const directory = trimmed === 'embedded' ? dirname(file) : cwd;
  const isAddress = trimmed !== 'embedded' && addressPattern.test(trimmed);
  return parseRedisUrl(isAddress ? `redis://${trimmed}` : trimmed, directory);
}

/** The field of the config: the address, and what differs from the defaults. */
export function redisField(io: Pick<Io, 'cwd'>, redis: RedisConfig, file: string): unknown {
  if (redis.kind === 'embedded') return 'embedded';
  const { db, username, password } = redis;
  const access = {
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
  };
  switch (redis.kind) {
    case 'server':
      return {
        host: redis.host,
        port: redis.port,
        db,
        ...access,
        ...(redis.tls === null ? {} : { tls: true }),
      };
    case 'socket':
      return { path: pathFrom(io, file, redis.path), db, ...access };
    case 'sentinel':
      throw new TypeError('no URL names sentinels');
  }
}

export function withPassword(redis: RedisConfig, password: string): RedisConfig {
  return redis.kind === 'embedded' ? redis : { ...redis, password };
}

/** The path for a config: relative if the file is in or below the config's directory, so that both can be moved together. */
function pathFrom({ cwd }: Pick<Io, 'cwd'>, file: string, path: string): string {
  const absolute = resolve(cwd, path);
  const below = relative(dirname(file), absolute);
  return below === '' || below.startsWith('..') ? absolute : `./${below}`;
}

export interface ScriptAnswer {
  /** The field of the config: a path, a name on PATH, or a program and its first arguments. */
  readonly field: string | readonly string[];
  /** Absolute path of the program; `null` if it is on PATH. */
  readonly program: string | null;
}

/** Why a program can't be started, as far as `init` can fix it. */
export type ScriptFault = 'missing' | 'not executable' | 'other';

/** @param file absolute path of the config */
export async function readScript(io: ConfigIo, text: string, file: string): Promise<ScriptAnswer> {
  const typed = text.trim();
  const whole = withHome(typed);
  const [first = '', ...rest] = typed.split(/\s+/).map(withHome);
  if (rest.length > 0 && !(await exists(resolve(io.cwd, whole)))) {
    const program = await findProgram(io, first);
    // `ruby job.rb`: arguments follow the program. Files among them are relative to here.
    if (program !== null) {
      const args = await Promise.all(
        rest.map(async (arg) => {
          const path = resolve(io.cwd, arg);
          return (await exists(path)) ? path : arg;
        }),
      );
      const command = program.isOnPath ? first : pathFrom(io, file, program.path);
      return { field: [command, ...args], program: program.isOnPath ? null : program.path };
    }
  }
  const found = await findProgram(io, whole);
  if (found?.isOnPath === true) return { field: whole, program: null };
  return { field: pathFrom(io, file, whole), program: resolve(io.cwd, whole) };
}

/** A file in the current directory counts before one on PATH. */
async function findProgram(
  { env, cwd }: ConfigIo,
  name: string,
): Promise<{ path: string; isOnPath: boolean } | null> {
  const here = resolve(cwd, name);
  if (await exists(here)) return { path: here, isOnPath: false };
  if (name.includes('/')) return null;
  const path = await findOnPath(name, { directory: cwd, path: env.PATH ?? '' });
  return path === null ? null : { path, isOnPath: true };
}

export async function scriptFault({ program }: ScriptAnswer): Promise<ScriptFault> {
  if (program === null) return 'other';
  if (!(await exists(program))) return 'missing';
  const isFile = (await stat(program)).isFile();
  return isFile && !(await mayExecute(program)) ? 'not executable' : 'other';
}

/** Whether the example, a shell script, fits the name. */
export function fitsExample(program: string): boolean {
  return ['', '.sh'].includes(extname(program));
}

/** Never overwrites. */
export async function writeExample(program: string): Promise<void> {
  await mkdir(dirname(program), { recursive: true });
  await writeFile(program, exampleScript, { flag: 'wx', mode: 0o777 });
}

/** For everyone who may read it, like `chmod +x`. */
export async function makeExecutable(program: string): Promise<void> {
  const { mode } = await stat(program);
  await chmod(program, (mode & 0o7777) | ((mode & 0o444) >> 2));
}

/** The class of the job that the example runs. */
export const exampleClass = 'Welcome';

const exampleScript = `#!/bin/sh
# Runs one job: its queue is the argument, and STDIN holds {"class":"${exampleClass}","args":["ann@example.com"]}.
# Exit code 0 says that it is done. Anything else says that it failed, and STDERR why.
job=$(cat)
class=$(printf '%s\\n' "$job" | sed -n '1s/^{ *"class" *: *"\\([^"]*\\)".*/\\1/p')

case $class in
  ${exampleClass}) echo "$class, on queue $1: $job" ;;
  *)
    echo "unknown job: $class" >&2
    exit 1
    ;;
esac
`;

/** Expands `~` as a shell does. */
function withHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? `${homedir()}${path.slice(1)}` : path;
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

async function mayExecute(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
