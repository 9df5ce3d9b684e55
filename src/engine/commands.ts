/** Carries out commands, each with exactly one reply, in words for people and a code for programs. */
import type { FailureCounts } from '../failures/changes.ts';
import type { Command, CommandReply } from '../protocol/commands.ts';
import { done, refused } from '../protocol/commands.ts';
import type { EngineFact } from '../protocol/events.ts';
import { RedisError } from '../resque/redis/redis-error.ts';
import type { ResqueClient } from '../resque/steps/client.ts';
import type { Dispatcher } from './dispatch/dispatcher.ts';
import { changeListed, changeMatching, countCommand, findCommand } from './failure-commands.ts';
import type { RunningJobs } from './jobs/running-jobs.ts';
import type { Shutdown } from './lifecycle/shutdown.ts';
import type { QueueRouter } from './pools/queue-router.ts';
import type { LiveUpdates } from './watch/live-updates.ts';

export interface CommandContext {
  readonly router: QueueRouter;
  readonly client: ResqueClient;
  readonly counts: FailureCounts;
  readonly dispatcher: Pick<Dispatcher, 'scheduleStep'>;
  readonly jobs: Pick<RunningJobs, 'kill'>;
  readonly shutdown: Pick<Shutdown, 'mode' | 'request'>;
  readonly liveUpdates: Pick<LiveUpdates, 'recount'>;
  /** Who asks; '' where it isn't known. */
  readonly by: string;
  readonly publish: (fact: EngineFact) => void;
}

/** More slots than this are a slip of the finger: each may be a process. The config has the same limit. */
const concurrencyLimit = 10_000;

const signals = ['SIGTERM', 'SIGKILL'] as const;
const stopMessages = {
  quit: 'the runner stops when its jobs have ended',
  terminate: 'the runner stops: its jobs get some time to end, then they are killed',
  kill: 'the runner kills its jobs and stops',
} as const;

export async function executeCommand(command: Command, context: CommandContext): Promise<CommandReply> {
  try {
    return await execute(command, context);
  } catch (error) {
    if (error instanceof RedisError) return refused('redis-down', `Redis: ${error.message}`);
    throw error;
  }
}

async function execute(command: Command, context: CommandContext): Promise<CommandReply> {
  const { client, counts, publish, liveUpdates } = context;
  const failures = { failed: client.failed, counts, publish, recount: () => liveUpdates.recount() };
  switch (command.type) {
    case 'pause-queue':
      return pauseQueue(command.queue, context);
    case 'resume-queue':
      return resumeQueue(command.queue, context);
    case 'pause-all':
      context.router.pauseAll('all', context.by);
      context.dispatcher.scheduleStep();
      return done('every queue is paused');
    case 'resume-all':
      if (context.shutdown.mode !== null) return refused('stopping', 'the runner is stopping');
      context.router.resumeAll('all');
      context.dispatcher.scheduleStep();
      return done('every queue is resumed');
    case 'set-concurrency':
      return setConcurrency(command.runner, command.concurrency, context);
    case 'kill-job':
      return killJob(command, context);
    case 'read-backlog':
      return readBacklog(context);
    case 'find-failures':
      return findCommand(command, failures);
    case 'count-failures':
      return countCommand(command.filter, failures);
    case 'retry-failures':
      return changeListed('retry', command.entries, failures);
    case 'remove-failures':
      return changeListed('remove', command.entries, failures);
    case 'retry-matching':
      return changeMatching('retry', command, failures);
    case 'remove-matching':
      return changeMatching('remove', command, failures);
    case 'stop':
      return stop(command.mode, context);
    default:
      // From a client of a later version: it waits for an answer.
      return refused('out-of-range', `this version knows no ${String((command as Command).type)}`);
  }
}

function pauseQueue(queue: string, { router, dispatcher, by }: CommandContext): CommandReply {
  if (router.ownerOf(queue) === undefined) return refused('unknown-queue', `no queue ${queue} is watched`);
  router.pauseQueue(queue, 'operator', by);
  dispatcher.scheduleStep();
  return done(`${queue} is paused`);
}

function resumeQueue(queue: string, { router, dispatcher, shutdown }: CommandContext): CommandReply {
  if (shutdown.mode !== null) return refused('stopping', 'the runner is stopping');
  if (router.ownerOf(queue) === undefined) return refused('unknown-queue', `no queue ${queue} is watched`);
  router.resumeQueue(queue, 'operator');
  dispatcher.scheduleStep();
  const left = router.pausesOf(queue);
  return done(left.length === 0 ? `${queue} is resumed` : `${queue} is still paused: ${left[0]?.kind}`);
}

function setConcurrency(
  key: string,
  concurrency: number,
  { router, dispatcher }: CommandContext,
): CommandReply {
  const pool = router.pool(key);
  if (pool === undefined || pool.isRemoved) return refused('unknown-runner', `no runner ${key}`);
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > concurrencyLimit) {
    return refused('out-of-range', `${concurrency} is not a whole number from 1 to ${concurrencyLimit}`);
  }
  const before = pool.concurrency;
  router.setConcurrency(pool, concurrency);
  dispatcher.scheduleStep();
  return done(`${key}: ${before} → ${concurrency} slots`);
}

async function readBacklog({ router, client, publish }: CommandContext): Promise<CommandReply> {
  const backlog = await client.backlog(router.queues);
  for (const [queue, count] of backlog) publish({ type: 'queue.backlog', queue, backlog: count });
  return {
    ok: true,
    message: 'backlog read',
    data: { kind: 'backlog', queues: Object.fromEntries(backlog) },
  };
}

function killJob({ jobId, signal }: Command & { type: 'kill-job' }, context: CommandContext): CommandReply {
  // What isn't the name of a signal, the system refuses with a throw.
  if (!signals.includes(signal)) return refused('out-of-range', `${signal} is not ${signals.join(' or ')}`);
  return context.jobs.kill(jobId, signal)
    ? done(`sent ${signal} to job ${jobId}`)
    : refused('unknown-job', `no job ${jobId} is running`);
}

function stop(mode: (Command & { type: 'stop' })['mode'], context: CommandContext): CommandReply {
  switch (mode) {
    case 'quit':
    case 'terminate':
    case 'kill':
      return done(context.shutdown.request(mode) ? stopMessages[mode] : 'the runner is stopping already');
    default:
      return refused('out-of-range', `${String(mode)} is no way to stop`);
  }
}
