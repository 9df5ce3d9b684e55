/** Finds and reads the config file, or explains why it can't. */
import { closeSync, existsSync, openSync, readdirSync, readSync, realpathSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import type { RedisConfig } from '../../config/config.ts';
import type { ConfigFiles, Found } from '../../config/files/include.ts';
import { type ConfigResult, type ParseOptions, parseConfig } from '../../config/files/parse-config.ts';
import { problems } from '../../config/problems.ts';
import { parseRedisUrl } from '../../config/resolve-redis.ts';
import { UsageError } from '../command-line/exit-codes.ts';
import type { Io } from '../command-line/io.ts';

export interface LoadedFile extends Omit<ConfigResult & { ok: true }, 'ok'> {
  /** Absolute. */
  readonly file: string;
}

/** What a command needs, besides its flags, to find its config and its Redis. */
export type ConfigIo = Pick<Io, 'env' | 'cwd'>;

const defaultName = 'cfg.json';
/** Far more than a config of 10,000 queues has. */
const mostBytes = 16 * 1024 ** 2;
const pieceBytes = 64 * 1024;

/**
 * @param argument the path on the command line, `null` if there is none
 * @returns the absolute path of the argument, else of `$RR_CONFIG`, else of `./cfg.json` if that exists;
 * otherwise `null`
 */
export function findConfig({ env, cwd }: ConfigIo, argument: string | null): string | null {
  const named = argument ?? env.RR_CONFIG ?? '';
  if (argument !== null || named !== '') return resolve(cwd, named);
  const file = resolve(cwd, defaultName);
  return existsSync(file) ? file : null;
}

/** The config file of a command that needs one. @throws UsageError if there is none */
export function requireConfig(io: ConfigIo, argument: string | null): string {
  const file = findConfig(io, argument);
  if (file !== null) return file;
  throw new UsageError(
    [
      `no config: there is no ./${defaultName}, $RR_CONFIG is not set, and no file was given`,
      'write one:                     resque-runner init',
      'or see it work without one:    resque-runner demo',
    ].join('\n'),
  );
}

/**
 * Reads and validates a file. Never throws because of the file or its content, because HUP uses it, too.
 *
 * @param file absolute
 */
export function readConfig(io: ConfigIo, file: string, redisUrl: string | null): ConfigResult {
  const text = readText(file);
  if (!text.ok) return { ok: false, problems: [withHelp(io, file, text)] };
  return parseConfig(text.value, {
    ...{ file, env: io.env, files: filesOfDisk },
    ...environmentRedis(io),
    ...(redisUrl === null ? {} : { redisUrl }),
  });
}

const filesOfDisk: ConfigFiles = { read: readText, list: listFiles, identify: realPath };

type Unreadable = { ok: false; problem: string; code: string };
type Text = { ok: true; value: string } | Unreadable;

function readText(file: string): Text {
  try {
    return { ok: true, value: readUpTo(mostBytes, file) };
  } catch (error) {
    return { ok: false, problem: unreadable(error), code: codeOf(error) };
  }
}

/** Reads in pieces, so that a device or a pipe without an end doesn't fill the memory. @throws if there is more */
function readUpTo(most: number, file: string): string {
  const descriptor = openSync(file, 'r');
  try {
    const pieces: Buffer[] = [];
    let size = 0;
    for (;;) {
      const piece = Buffer.allocUnsafe(pieceBytes);
      const length = readSync(descriptor, piece);
      if (length === 0) return Buffer.concat(pieces).toString('utf8');
      pieces.push(piece.subarray(0, length));
      size += length;
      if (size > most)
        throw new RangeError(`it has more than ${most / 1024 ** 2} MiB, so it can't be a config`);
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Only files and links to files. */
function listFiles(directory: string): Found<readonly string[]> {
  try {
    const names = readdirSync(directory);
    const isFile = (name: string) =>
      statSync(join(directory, name), { throwIfNoEntry: false })?.isFile() === true;
    return { ok: true, value: names.filter(isFile) };
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? { ok: true, value: [] } : { ok: false, problem: unreadable(error) };
  }
}

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file; // Missing or unreadable, which reading it reports.
  }
}

/** What `REDIS_URL` adds to a config, for `parseConfig`. Hosting platforms and Resque setups often set it. */
export function environmentRedis({
  env,
  cwd,
}: ConfigIo): Pick<ParseOptions, 'fallbackRedisUrl' | 'redisUrlDirectory'> {
  const fallbackRedisUrl = env.REDIS_URL ?? '';
  return { redisUrlDirectory: cwd, ...(fallbackRedisUrl === '' ? {} : { fallbackRedisUrl }) };
}

/**
 * The Redis of commands for which neither `--redis` nor a config names one; `null` without `REDIS_URL`.
 *
 * @throws UsageError
 */
export function redisOfEnvironment(io: ConfigIo): RedisConfig | null {
  const { fallbackRedisUrl } = environmentRedis(io);
  if (fallbackRedisUrl === undefined) return null;
  const result = parseRedisUrl(fallbackRedisUrl, io.cwd);
  if (!result.ok) throw new UsageError(`REDIS_URL: ${result.problem}`);
  return result.redis;
}

/** @throws UsageError with every problem on a line of its own */
export function loadConfig(io: ConfigIo, argument: string | null, redisUrl: string | null): LoadedFile {
  const file = requireConfig(io, argument);
  const result = readConfig(io, file, redisUrl);
  if (result.ok) return { ...result, file };
  // In this case, the file is fine.
  if (result.problems.every(isOutsideConfig)) throw new UsageError(result.problems.join('\n'));
  throw new UsageError(problemsText(io, file, result.problems));
}

/** A wrong `--redis` or `REDIS_URL` is a mistake outside the config, not a finding about it. */
export function isOutsideConfig(problem: string): boolean {
  return /^(?:--redis|REDIS_URL):/.test(problem);
}

/** All problems of a config, in one message. */
export function problemsText(io: ConfigIo, file: string, problems: readonly string[]): string {
  return [`${shortPath(io, file)} can't be used:`, ...problems.map((problem) => `  ${problem}`)].join('\n');
}

/** What to do about a config that can't be read. */
function withHelp(io: ConfigIo, file: string, { problem, code }: Unreadable): string {
  if (code === 'ENOENT') return `${problem}; write it with: resque-runner init ${shortPath(io, file)}`;
  if (code !== 'EISDIR') return problem;
  return `${problem}; give the file in it, such as ${shortPath(io, resolve(file, defaultName))}`;
}

/** @throws what is not an error of the system */
function unreadable(error: unknown): string {
  if (!(error instanceof Error)) throw error;
  switch (codeOf(error)) {
    case 'ENOENT':
      return problems.noFile();
    case 'ENOTDIR':
      return `${problems.noFile()}: part of its path is a file itself`;
    case 'EISDIR':
      return 'it is a directory';
    case 'EACCES':
      return 'no permission to read it';
    default:
      return error.message;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** Relative to the current directory if the file is below it, as people type it. Below `/` is everything. */
export function shortPath({ cwd }: Pick<Io, 'cwd'>, file: string): string {
  const path = relative(cwd, file);
  return path === '' || path.startsWith('..') || cwd === '/' ? file : path;
}
