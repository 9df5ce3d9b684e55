/** Carries out commands. Each gets exactly one reply: a sentence for people, and a code for programs if it is refused. */
import type { Command, CommandReply } from '../protocol/commands.ts';
import { done, refused } from '../protocol/commands.ts';
import { RedisError } from '../resque/redis/redis-error.ts';
import type { RunningJobs } from './jobs/running-jobs.ts';
import type { Shutdown } from './lifecycle/shutdown.ts';
import type { ListCommandContext } from './list-commands.ts';
import { executeQueueCommand, type QueueCommandContext } from './queue-commands.ts';
import type { Statistics } from './statistics/statistics.ts';

export interface CommandContext extends ListCommandContext, QueueCommandContext {
  readonly jobs: Pick<RunningJobs, 'kill'>;
  readonly shutdown: Pick<Shutdown, 'mode' | 'request'>;
  readonly statistics: Pick<Statistics, 'steps'>;
  /** Reads the config again. */
  readonly reload: () => CommandReply;
}

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
  switch (command.type) {
    case 'pause-queue':
    case 'resume-queue':
    case 'pause-all':
    case 'resume-all':
    case 'reset-queue':
    case 'reset-all':
    case 'set-concurrency':
      return executeQueueCommand(command, context);
    case 'kill-job':
      return killJob(command, context);
    case 'read-backlog':
      return readBacklog(context);
    case 'read-statistics':
      return readStatistics(command.queue, context);
    case 'find-output':
    case 'read-waiting':
    case 'remove-waiting':
    case 'move-waiting':
    case 'find-failures':
    case 'count-failures':
    case 'group-failures':
    case 'retry-failures':
    case 'remove-failures':
    case 'retry-matching':
    case 'remove-matching':
    case 'read-workers':
    case 'remove-worker':
    case 'read-delayed':
    case 'run-delayed':
    case 'remove-delayed':
    case 'read-schedules': {
      const { executeListCommand } = await import('./list-commands.ts');
      return await executeListCommand(command, context);
    }
    case 'reload-config':
      return context.reload();
    case 'stop':
      return stop(command.mode, context);
  }
}

async function readBacklog({ router, client, publish }: CommandContext): Promise<CommandReply> {
  const backlog = await client.backlog(router.queues);
  for (const [queue, count] of backlog) publish({ type: 'queue.backlog', queue, backlog: count });
  return done('backlog read', { kind: 'backlog', queues: Object.fromEntries(backlog) });
}

function readStatistics(queue: string, { router, statistics }: CommandContext): CommandReply {
  if (router.ownerOf(queue) === undefined)
    return refused('unknown-queue', `this runner has no queue ${queue}`);
  return done('statistics read', { kind: 'statistics', ...statistics.steps(queue) });
}

function killJob({ jobId, signal }: Command & { type: 'kill-job' }, context: CommandContext): CommandReply {
  // The system throws for anything that isn't the name of a signal.
  if (!signals.includes(signal)) {
    return refused('out-of-range', `the signal must be ${signals.join(' or ')}, got ${signal}`);
  }
  return context.jobs.kill(jobId, signal)
    ? done(`sent ${signal} to job ${jobId}`)
    : refused('unknown-job', `job #${jobId} is not running`);
}

function stop(mode: (Command & { type: 'stop' })['mode'], context: CommandContext): CommandReply {
  if (!Object.hasOwn(stopMessages, mode)) {
    return refused('out-of-range', `the mode must be quit, terminate or kill, got ${String(mode)}`);
  }
  return done(context.shutdown.request(mode) ? stopMessages[mode] : 'the runner is stopping already');
}
