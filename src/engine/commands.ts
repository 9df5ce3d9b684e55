/** Carries out commands. Each gets exactly one reply: a sentence for people, and a code for programs if it is refused. */
import {
  type Command,
  type CommandHandlers,
  type CommandReply,
  type CommandType,
  done,
  refused,
} from '../protocol/commands.ts';
import { RedisError } from '../resque/redis/redis-error.ts';
import type { RunningJobs } from './jobs/running-jobs.ts';
import type { Shutdown } from './lifecycle/shutdown.ts';
import type { ListCommandContext, ListCommandType } from './list-commands.ts';
import { type QueueCommandContext, queueCommands } from './queue-commands.ts';
import type { Statistics } from './statistics/statistics.ts';

export interface CommandContext extends ListCommandContext, QueueCommandContext {
  readonly jobs: Pick<RunningJobs, 'kill'>;
  readonly shutdown: Pick<Shutdown, 'mode' | 'request'>;
  readonly statistics: Pick<Statistics, 'steps'>;
  /** Reads the config again. */
  readonly reload: () => CommandReply;
}

const stopMessages = {
  quit: 'the runner stops when its jobs have ended',
  terminate: 'the runner stops: its jobs get some time to end, then they are killed',
  kill: 'the runner kills its jobs and stops',
} as const;

type Handle = (command: Command, context: CommandContext) => CommandReply | Promise<CommandReply>;

const handlers: CommandHandlers<Exclude<CommandType, ListCommandType>, CommandContext> = {
  ...queueCommands,
  'kill-job': ({ jobId, signal }, { jobs }) =>
    jobs.kill(jobId, signal)
      ? done(`sent ${signal} to job ${jobId}`)
      : refused('unknown-job', `job #${jobId} is not running`),
  'read-backlog': async (_, { router, client, publish }) => {
    const backlog = await client.backlog(router.queues);
    for (const [queue, count] of backlog) publish({ type: 'queue.backlog', queue, backlog: count });
    return done('backlog read', { kind: 'backlog', queues: Object.fromEntries(backlog) });
  },
  'read-statistics': ({ queue }, { router, statistics }) =>
    router.ownerOf(queue) === undefined
      ? refused('unknown-queue', `this runner has no queue ${queue}`)
      : done('statistics read', { kind: 'statistics', ...statistics.steps(queue) }),
  'reload-config': (_, { reload }) => reload(),
  stop: ({ mode }, { shutdown }) =>
    done(shutdown.request(mode) ? stopMessages[mode] : 'the runner is stopping already'),
};

export async function executeCommand(command: Command, context: CommandContext): Promise<CommandReply> {
  try {
    const { type } = command;
    const handle = type in handlers ? handlers[type as keyof typeof handlers] : await listHandler(type);
    // The handler of this type takes this command.
    return await (handle as Handle)(command, context);
  } catch (error) {
    if (error instanceof RedisError) return refused('redis-down', `Redis: ${error.message}`);
    throw error;
  }
}

/** Screens send these commands, so most runners never load them. */
async function listHandler(type: CommandType): Promise<unknown> {
  const { listCommands } = await import('./list-commands.ts');
  return listCommands[type as ListCommandType];
}
