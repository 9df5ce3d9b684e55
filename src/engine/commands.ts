/** Carries out commands, each with exactly one reply, in words for people and a code for programs. */
import type { Command, CommandReply, FailureEntryRef, RefusalCode } from '../protocol/commands.ts';
import type { EngineFact } from '../protocol/events.ts';
import { viewFailure } from '../resque/failure-record.ts';
import type { ResqueClient } from '../resque/resque-client.ts';
import { RedisTrouble } from '../resque/trouble.ts';
import type { Fleet } from './fleet.ts';

export interface CommandContext {
  readonly fleet: Fleet;
  readonly client: ResqueClient;
  readonly isStopping: boolean;
  readonly publish: (fact: EngineFact) => void;
  readonly poke: () => void;
  /** False where no such job runs. */
  readonly killJob: (jobId: string, signal: 'SIGTERM' | 'SIGKILL') => boolean;
}

/** More slots than this are a slip of the finger: each may be a process. The config has the same limit. */
const concurrencyLimit = 10_000;
const failurePageLimit = 1_000;

export async function executeCommand(command: Command, context: CommandContext): Promise<CommandReply> {
  try {
    return await execute(command, context);
  } catch (error) {
    if (error instanceof RedisTrouble) return refused('redis-down', `Redis: ${error.message}`);
    throw error;
  }
}

async function execute(command: Command, context: CommandContext): Promise<CommandReply> {
  switch (command.type) {
    case 'pause-queue':
      return pauseQueue(command.queue, context);
    case 'resume-queue':
      return resumeQueue(command.queue, context);
    case 'pause-all':
      context.fleet.pauseAll('all', '');
      context.poke();
      return done('every queue is paused');
    case 'resume-all':
      if (context.isStopping) return refused('stopping', 'the runner is stopping');
      context.fleet.resumeAll('all');
      context.poke();
      return done('every queue is resumed');
    case 'set-concurrency':
      return setConcurrency(command.runner, command.concurrency, context);
    case 'kill-job':
      return context.killJob(command.jobId, command.signal)
        ? done(`sent ${command.signal} to job ${command.jobId}`)
        : refused('unknown-job', `no job ${command.jobId} is running`);
    case 'read-backlog':
      return readBacklog(context);
    case 'list-failures':
      return listFailures(command.offset, command.count, context);
    case 'retry-failure':
      return retryFailure(command.entry, context);
    case 'remove-failure':
      return removeFailure(command.entry, context);
  }
}

function pauseQueue(queue: string, { fleet, poke }: CommandContext): CommandReply {
  if (fleet.ownerOf(queue) === undefined) return refused('unknown-queue', `no queue ${queue} is watched`);
  fleet.pauseQueue(queue, 'operator', '');
  poke();
  return done(`${queue} is paused`);
}

function resumeQueue(queue: string, { fleet, poke, isStopping }: CommandContext): CommandReply {
  if (isStopping) return refused('stopping', 'the runner is stopping');
  if (fleet.ownerOf(queue) === undefined) return refused('unknown-queue', `no queue ${queue} is watched`);
  fleet.resumeQueue(queue, 'operator');
  poke();
  const left = fleet.pausesOf(queue);
  return done(left.length === 0 ? `${queue} is resumed` : `${queue} is still paused: ${left[0]?.kind}`);
}

function setConcurrency(key: string, concurrency: number, { fleet, poke }: CommandContext): CommandReply {
  const runner = fleet.runner(key);
  if (runner === undefined || runner.isRetired) return refused('unknown-runner', `no runner ${key}`);
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > concurrencyLimit) {
    return refused('out-of-range', `${concurrency} is not a whole number from 1 to ${concurrencyLimit}`);
  }
  const before = runner.concurrency;
  fleet.setConcurrency(runner, concurrency);
  poke();
  return done(`${key}: ${before} → ${concurrency} slots`);
}

async function readBacklog({ fleet, client, publish }: CommandContext): Promise<CommandReply> {
  const backlog = await client.backlog(fleet.queues);
  for (const [queue, count] of backlog) publish({ type: 'queue.backlog', queue, backlog: count });
  return {
    ok: true,
    message: 'backlog read',
    data: { kind: 'backlog', queues: Object.fromEntries(backlog) },
  };
}

async function listFailures(
  offset: number,
  count: number,
  { client }: CommandContext,
): Promise<CommandReply> {
  if (!Number.isInteger(offset) || offset < 0) return refused('out-of-range', `offset ${offset} is below 0`);
  if (!Number.isInteger(count) || count < 1 || count > failurePageLimit) {
    return refused('out-of-range', `count ${count} is not a whole number from 1 to ${failurePageLimit}`);
  }
  const { total, entries } = await client.failures(offset, count);
  return {
    ok: true,
    message: `${entries.length} of ${total} failures`,
    data: {
      kind: 'failures',
      total,
      entries: entries.map(({ record, argsText, ...view }) => ({
        ...view,
        args: argsText,
        recordBase64: record.toString('base64'),
      })),
    },
  };
}

async function retryFailure(
  entry: FailureEntryRef,
  { client, publish }: CommandContext,
): Promise<CommandReply> {
  const record = Buffer.from(entry.recordBase64, 'base64');
  const result = await client.retryFailure(record, entry.index);
  if (result === 'gone') return failureGone();
  if (result === 'unretryable') {
    return refused('failure-unretryable', 'this failure does not say which job to put back onto which queue');
  }
  const { queue, jobClass } = viewFailure(record);
  publish({ type: 'failure.retried', queue: queue ?? '', jobClass });
  return done(`put back onto ${queue}`);
}

async function removeFailure(
  entry: FailureEntryRef,
  { client, publish }: CommandContext,
): Promise<CommandReply> {
  const record = Buffer.from(entry.recordBase64, 'base64');
  if ((await client.removeFailure(record)) === 'gone') return failureGone();
  const { queue, jobClass } = viewFailure(record);
  publish({ type: 'failure.removed', queue: queue ?? '', jobClass });
  return done('removed');
}

function failureGone(): CommandReply {
  return refused(
    'failure-gone',
    'the failure is no longer on the list as it was: someone retried or removed it',
  );
}

function done(message: string): CommandReply {
  return { ok: true, message };
}

function refused(code: RefusalCode, message: string): CommandReply {
  return { ok: false, code, message };
}
