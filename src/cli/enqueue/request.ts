/** What `enqueue` should do, validated before anything is opened. */
import { visibleWithin } from '../../messages/visible.ts';
import { delayedItem } from '../../resque/delayed/delayed-item.ts';
import type { Delay, QueueLock } from '../../resque/enqueue/enqueue.ts';
import { queueLockOf } from '../../resque/format/plugin-keys.ts';
import type { Invocation } from '../command-line/command-spec.ts';
import { UsageError } from '../command-line/exit-codes.ts';
import type { Io } from '../command-line/io.ts';
import { readDelay, readTime } from './due-time.ts';
import { jobPayload, warnOfStrings } from './job-payload.ts';

/** One job, `count` times. */
export interface JobSource {
  readonly kind: 'job';
  readonly payload: Buffer;
  readonly count: number;
}

/** One job per line. */
export interface FileSource {
  readonly kind: 'file';
  /** `-` for STDIN. */
  readonly file: string;
  /** The first line to enqueue, from 1. */
  readonly fromLine: number;
}

export interface EnqueueRequest {
  readonly queue: string;
  readonly source: JobSource | FileSource;
  readonly atHead: boolean;
  /** `null`: now. */
  readonly delay: Delay | null;
  /** The lock to take; `null` without one. */
  readonly lock: QueueLock | null;
  /** ID of the enqueue to resume. */
  readonly resumedId: string | null;
  readonly isJson: boolean;
}

/** @throws UsageError that says what to omit or to add */
export function readRequest(io: Pick<Io, 'stderr'>, { input, flags }: Invocation): EnqueueRequest {
  const [queue = '', jobClass, ...args] = input;
  refuseName('queue', queue);
  refuseId(flags.resume);
  const delay = delayOf(flags);
  const source =
    flags.file === null
      ? jobSource(io, jobClass, args, flags)
      : fileSource(flags.file, jobClass, args, flags);
  return {
    queue,
    source: delay === null ? source : delayedSource(queue, source),
    atHead: flags.atHead,
    delay,
    lock: lockOf(queue, source, flags),
    resumedId: flags.resume,
    isJson: flags.json,
  };
}

/** @throws UsageError */
function delayOf(flags: Pick<Invocation['flags'], 'in' | 'at' | 'atHead'>): Delay | null {
  if (flags.in !== null && flags.at !== null) {
    throw new UsageError("--in and --at can't be combined; leave one of them out");
  }
  if (flags.in === null && flags.at === null) return null;
  if (flags.atHead) {
    throw new UsageError(
      "--at-head can't be combined with --in or --at: delayed jobs go to the end of the queue",
    );
  }
  return flags.in === null
    ? { kind: 'at', seconds: readTime(flags.at ?? '') }
    : { kind: 'in', seconds: readDelay(flags.in) };
}

/** @throws UsageError */
function lockOf(
  queue: string,
  source: JobSource | FileSource,
  { unique, count, in: delay, at }: Pick<Invocation['flags'], 'unique' | 'count' | 'in' | 'at'>,
): QueueLock | null {
  if (unique === null) return null;
  if (source.kind === 'file' || count !== null) {
    throw new UsageError(
      `--unique can't be combined with ${count === null ? '--file' : '--count'}: it enqueues a single job`,
    );
  }
  // The lock could end before the job is due. And node-resque's scheduler drops a due job whose lock exists.
  if (delay !== null || at !== null) {
    throw new UsageError(
      "--unique can't be combined with --in or --at: its lock could expire before the job is due",
    );
  }
  return { name: queueLockOf(source.payload, queue), seconds: unique };
}

/** A delayed job waits in another form. */
function delayedSource(queue: string, source: JobSource | FileSource): JobSource | FileSource {
  if (source.kind === 'file') return source;
  return { ...source, payload: delayedItem(queue, source.payload) ?? source.payload };
}

type EnqueueFlags = Pick<Invocation['flags'], 'count' | 'fromLine'>;

function jobSource(
  io: Pick<Io, 'stderr'>,
  jobClass: string | undefined,
  args: readonly string[],
  { count, fromLine }: EnqueueFlags,
): JobSource {
  if (jobClass === undefined) {
    throw new UsageError('enqueue needs a CLASS, or --file FILE; see resque-runner enqueue --help');
  }
  refuseName('class', jobClass);
  if (fromLine !== null) throw new UsageError('--from-line needs --file; add --file or omit --from-line');
  warnOfStrings(io, args);
  return { kind: 'job', payload: Buffer.from(jobPayload(jobClass, args)), count: count ?? 1 };
}

function fileSource(
  file: string,
  jobClass: string | undefined,
  args: readonly string[],
  { count, fromLine }: EnqueueFlags,
): FileSource {
  if (jobClass !== undefined) {
    const words = args.length === 0 ? 'CLASS' : 'CLASS and ARG';
    const shown = visibleWithin([jobClass, ...args].join(' '), 60);
    throw new UsageError(`${words} "${shown}" can't be combined with --file: each line is one job`);
  }
  if (count !== null) throw new UsageError("--count can't be combined with --file: each line is one job");
  return { kind: 'file', file, fromLine: fromLine ?? 1 };
}

/** Resque allows any name, but names like these come from a quoting mistake in a shell. */
function refuseName(what: string, name: string): void {
  if (name.trim() === '') throw new UsageError(`the ${what} is empty`);
  if (/\p{Cc}/u.test(name)) {
    throw new UsageError(`the ${what} "${visibleWithin(name, 60)}" contains a control character`);
  }
}

function refuseId(id: string | null): void {
  if (id === null || /^[0-9a-f]{8}$/.test(id)) return;
  throw new UsageError(`--resume: "${visibleWithin(id, 60)}" is not an ID; an ID looks like 3fa9c1d2`);
}
