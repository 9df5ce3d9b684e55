/** `resque-runner enqueue QUEUE CLASS [ARG…]`, or with `--file`: puts jobs on a queue, as any Resque client would. */
import { EnqueueRefused } from '../resque/enqueue.ts';
import { RedisTrouble } from '../resque/trouble.ts';
import type { CommandContext } from './command-line/command-spec.ts';
import { enqueueFile } from './enqueue/enqueue-file.ts';
import { enqueueJob } from './enqueue/enqueue-job.ts';
import { openInput } from './enqueue/input.ts';
import { type EnqueueRequest, readRequest } from './enqueue/request.ts';
import { EnqueueSession } from './enqueue/session.ts';
import { unservedText } from './enqueue/unserved.ts';
import { OperatingError, UsageError } from './exit-codes.ts';
import { findTarget } from './redis-target.ts';
import { explainTrouble } from './with-redis.ts';

export async function run({ invocation }: CommandContext): Promise<number> {
  const request = readRequest(invocation);
  const work = await prepare(request);
  const target = await findTarget(invocation.flags);
  const session = new EnqueueSession(request, target, work.name);
  try {
    const code = await work.run(session);
    await session.end();
    const unserved = await unservedText(request.queue, invocation.flags, session.sender, target.keys);
    if (unserved !== null) session.tell(unserved);
    return code;
  } catch (error) {
    session.hideProgress();
    if (error instanceof EnqueueRefused) return await session.report.refused(error);
    if (error instanceof RedisTrouble) {
      if (!session.hasBegun) return explainTrouble(target.redis, error);
      if (session.stop.signal.aborted && error.kind === 'away') {
        return await session.report.stopped(session.stop.exitCode, false);
      }
      return await session.report.lost(error);
    }
    if (error instanceof OperatingError && session.enqueued > 0) return await session.report.failed(error);
    // What is to be resumed can still be: with the right file, or once a fault of ours is mended.
    const isOver = error instanceof UsageError || session.enqueued === 0;
    if (isOver && request.resumedId === null) await session.end();
    throw error;
  } finally {
    session.close();
    work.close();
  }
}

interface Work {
  /** Of the file; '' where there is none. */
  readonly name: string;
  /** @returns the exit code */
  readonly run: (session: EnqueueSession) => Promise<number>;
  readonly close: () => void;
}

/** @throws UsageError where the file can't be read */
async function prepare({ source }: EnqueueRequest): Promise<Work> {
  if (source.kind === 'job') {
    return { name: '', run: (session) => enqueueJob(session, source), close: () => {} };
  }
  const input = await openInput(source.file);
  return {
    name: input.name,
    run: (session) => enqueueFile(session, input, source),
    close: () => input.close(),
  };
}
