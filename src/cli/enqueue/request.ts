/** What `enqueue` should do, validated before anything is opened. */
import { visibleWithin } from '../../messages/visible.ts';
import type { Invocation } from '../command-line/command-spec.ts';
import { UsageError } from '../command-line/exit-codes.ts';
import type { Io } from '../command-line/io.ts';
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
  /** ID of the enqueue to resume. */
  readonly resumedId: string | null;
  readonly isJson: boolean;
}

/** @throws UsageError that says what to omit or to add */
export function readRequest(io: Pick<Io, 'stderr'>, { input, flags }: Invocation): EnqueueRequest {
  const [queue = '', jobClass, ...args] = input;
  refuseName('queue', queue);
  refuseId(flags.resume);
  return {
    queue,
    source:
      flags.file === null
        ? jobSource(io, jobClass, args, flags)
        : fileSource(flags.file, jobClass, args, flags),
    atHead: flags.atHead,
    resumedId: flags.resume,
    isJson: flags.json,
  };
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
