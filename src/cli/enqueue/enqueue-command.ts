/** `resque-runner enqueue QUEUE CLASS [ARG…]`, or with `--file`: puts jobs on a queue like any Resque client. */
import { EnqueueRefused } from '../../resque/enqueue/enqueue.ts';
import { RedisError } from '../../resque/redis/redis-error.ts';
import type { CommandContext } from '../command-line/command-spec.ts';
import { OperatingError, UsageError } from '../command-line/exit-codes.ts';
import type { Io } from '../command-line/io.ts';
import { findTarget } from '../redis/target.ts';
import { explainRedisError } from '../redis/with-redis.ts';
import { enqueueFile } from './enqueue-file.ts';
import { enqueueJob } from './enqueue-job.ts';
import { openInput } from './input.ts';
import { type EnqueueRequest, readRequest } from './request.ts';
import { EnqueueSession } from './session.ts';
import { unmovedText, unservedText } from './unserved.ts';

export async function run({ invocation, io }: CommandContext): Promise<number> {
  const request = readRequest(io, invocation);
  const work = await prepare(io, request);
  const target = await findTarget(io, invocation.flags);
  const session = new EnqueueSession(io, request, target, work.name);
  try {
    const code = await work.run(session);
    await session.end();
    const unserved = await unservedText(io, request.queue, invocation.flags, session.sender, target.keys);
    if (unserved !== null) session.tell(unserved);
    const unmoved =
      request.delay === null ? null : await unmovedText(io, invocation.flags, session.sender, target);
    if (unmoved !== null) session.tell(unmoved);
    return code;
  } catch (error) {
    session.hideProgress();
    if (error instanceof EnqueueRefused) {
      if (error.kind === 'locked') await session.end();
      return await session.report.refused(error);
    }
    if (error instanceof RedisError) {
      if (!session.hasBegun) return explainRedisError(target.redis, error);
      if (session.stop.signal.aborted && error.kind === 'away') {
        return await session.report.stopped(session.stop.exitCode, false);
      }
      return await session.report.lost(error);
    }
    if (error instanceof OperatingError && session.enqueued > 0) return await session.report.failed(error);
    // A resumed enqueue can be resumed again: with the right file, or after a bug in this program is fixed.
    const isOver = error instanceof UsageError || session.enqueued === 0;
    if (isOver && request.resumedId === null) await session.end();
    throw error;
  } finally {
    session.close();
    work.close();
  }
}

interface Work {
  /** Name of the file; '' if there is none. */
  readonly name: string;
  /** @returns the exit code */
  readonly run: (session: EnqueueSession) => Promise<number>;
  readonly close: () => void;
}

/** @throws UsageError if the file can't be read */
async function prepare(io: Io, { source }: EnqueueRequest): Promise<Work> {
  if (source.kind === 'job') {
    return { name: '', run: (session) => enqueueJob(session, source), close: () => {} };
  }
  const input = await openInput(io, source.file);
  return {
    name: input.name,
    run: (session) => enqueueFile(session, input, source),
    close: () => input.close(),
  };
}
