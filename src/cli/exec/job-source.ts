/** The source of the job: a file, STDIN, the command line, or a failure in Redis. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { visibleWithin } from '../../messages/visible.ts';
import { UsageError } from '../command-line/exit-codes.ts';
import type { Flags } from '../command-line/flags.ts';
import type { Io } from '../command-line/io.ts';
import { jobPayload, warnOfStrings } from '../enqueue/job-payload.ts';
import type { TargetFlags } from '../redis/target.ts';

export type JobSource =
  /** As typed. */
  | { readonly kind: 'file'; readonly path: string }
  /** `isNamed`: by `-`, not only by default. */
  | { readonly kind: 'stdin'; readonly isNamed: boolean }
  | { readonly kind: 'class'; readonly jobClass: string; readonly args: readonly string[] }
  | { readonly kind: 'failed'; readonly id: string };

type SourceFlags = Pick<Flags, 'class' | 'fromFailed'>;
const ways = [
  'a file:          resque-runner exec QUEUE FILE (- for STDIN)',
  'a class:         resque-runner exec QUEUE --class CLASS ARG…',
  'a failed job:    resque-runner exec QUEUE --from-failed ID (last for the newest)',
];

/** @throws UsageError for no source or more than one */
export function jobSourceOf(io: Pick<Io, 'stdin'>, rest: readonly string[], flags: SourceFlags): JobSource {
  const { class: jobClass, fromFailed: id } = flags;
  if (jobClass !== null && id !== null) {
    throw new UsageError("--class can't be combined with --from-failed: exec runs one job");
  }
  if (jobClass !== null) {
    if (jobClass.trim() === '') throw new UsageError('the class is empty');
    return { kind: 'class', jobClass, args: rest };
  }
  const [path, surplus] = rest;
  if (id !== null) {
    if (path === undefined) return { kind: 'failed', id };
    throw new UsageError(
      `"${visibleWithin(path, 60)}" can't be combined with --from-failed: exec runs one job`,
    );
  }
  if (surplus !== undefined) {
    throw new UsageError(
      `exec takes one FILE; "${visibleWithin(surplus, 60)}" is one too many (put a job's arguments after --class CLASS)`,
    );
  }
  if (path !== undefined && path !== '-') return { kind: 'file', path };
  if (path === undefined && io.stdin.isTTY === true) throw new UsageError(noJob('no job given; use one of:'));
  return { kind: 'stdin', isNamed: path !== undefined };
}

/** @throws UsageError for flags that select a Redis if the job doesn't come from Redis */
export function refuseUnusedFlags({ fromFailed, redis, namespace }: TargetFlags & SourceFlags): void {
  if (fromFailed !== null || (redis === null && namespace === null)) return;
  const flag = redis === null ? '--namespace' : '--redis';
  throw new UsageError(`${flag} needs --from-failed; without it, exec doesn't use Redis`);
}

/**
 * The job's bytes, as they would be on a queue.
 *
 * @throws UsageError, OperatingError if they can't be read
 */
export async function readJob(io: Io, source: JobSource, flags: TargetFlags): Promise<Buffer> {
  switch (source.kind) {
    case 'file':
      return withoutLineEnd(readJobFile(io, source.path));
    case 'stdin': {
      const bytes = withoutLineEnd(await readStdin(io));
      if (bytes.length === 0 && !source.isNamed) throw new UsageError(noJob('STDIN is empty; use one of:'));
      return bytes;
    }
    case 'class':
      warnOfStrings(io, source.args);
      return Buffer.from(jobPayload(source.jobClass, source.args));
    case 'failed': {
      // The only one that needs a client for Redis.
      const { payloadOfFailure } = await import('./failed-job.ts');
      return await payloadOfFailure(io, source.id, flags);
    }
  }
}

/** The name of the source, for people. */
export function nameOf(source: JobSource): string {
  if (source.kind === 'file') return source.path;
  return source.kind === 'stdin' ? 'STDIN' : 'the job';
}

function noJob(start: string): string {
  return [start, ...ways.map((way) => `  ${way}`)].join('\n');
}

/** A job on a queue has no line break at its end. */
function withoutLineEnd(bytes: Buffer): Buffer {
  if (bytes.at(-1) !== 0x0a) return bytes;
  return bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1);
}

function readJobFile({ cwd }: Io, path: string): Buffer {
  try {
    return readFileSync(resolve(cwd, path));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new UsageError(`${visibleWithin(path, 200)}: ${whyUnreadable(error)}`);
  }
}

function whyUnreadable({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return "there is no such file (to give a job's class, use --class)";
    case 'EISDIR':
      return 'it is a directory; give the file that holds the job';
    case 'EACCES':
      return 'no permission to read it';
    default:
      return message;
  }
}

async function readStdin({ stdin }: Io): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stdin) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
