/**
 * Commands that pause queues, change slots, and go back to the config. Their effects survive HUP and a restart, except for
 * pauses by a signal.
 */
import { type CommandHandlers, type CommandReply, done, refused } from '../protocol/commands.ts';
import type { PauseReason } from '../protocol/events.ts';
import type { Shutdown } from './lifecycle/shutdown.ts';
import type { Pool } from './pools/pool.ts';
import type { QueueRouter } from './pools/queue-router.ts';

export interface QueueCommandContext {
  readonly router: QueueRouter;
  readonly shutdown: Pick<Shutdown, 'mode'>;
  /** Who gave the command; '' if unknown. */
  readonly by: string;
  /** False if a pause must not outlive this runner. */
  readonly isKept?: boolean;
}

/** More slots are a typo: each may be a process. The config has the same limit. */
const concurrencyLimit = 10_000;

type QueueHandlers = CommandHandlers<
  | 'pause-queue'
  | 'resume-queue'
  | 'pause-all'
  | 'resume-all'
  | 'reset-queue'
  | 'reset-all'
  | 'set-concurrency',
  QueueCommandContext
>;
type Handle<C> = (command: C, context: QueueCommandContext) => CommandReply;

/** It would make a runner take jobs that must not take any more. */
function unlessStopping<C>(handle: Handle<C>): Handle<C> {
  return (command, context) =>
    context.shutdown.mode === null ? handle(command, context) : refused('stopping', 'the runner is stopping');
}

export const queueCommands: QueueHandlers = {
  'pause-queue': ({ queue }, { router, by }) => {
    const target = targetOf(queue, router);
    if ('ok' in target) return target;
    router.pause(target.place, by);
    return done(target.pool === null ? `${queue} is paused` : `every queue of ${queue} is paused`);
  },
  'resume-queue': unlessStopping(({ queue }, { router }) => {
    const target = targetOf(queue, router);
    if ('ok' in target) return target;
    router.setByHand(target.place, null);
    return done(target.pool === null ? resumed(queue, router) : resumedEntry(target.pool, router));
  }),
  'pause-all': (_, { router, by, isKept }) => {
    router.pause('all', by, isKept);
    return done('every queue is paused');
  },
  'resume-all': unlessStopping((_, { router }) => {
    router.setByHand('all', null);
    return done('every queue is resumed');
  }),
  /** An entry means its slots and the pauses of its queues. */
  'reset-queue': unlessStopping(({ queue: name }, { router }) => {
    const pool = router.pool(name) ?? router.ownerOf(name);
    if (pool === undefined || pool.isRemoved) return unknownQueue(name);
    for (const queue of pool.key === name ? pool.queues : [name]) router.setByHand(`queue:${queue}`, null);
    if (pool.key === name) router.setByHand(`entry:${name}`, null);
    router.setByHand(`slots:${pool.key}`, null);
    const { concurrency } = pool;
    return done(`${name} is back to the config: ${concurrency} ${concurrency === 1 ? 'slot' : 'slots'}`);
  }),
  'reset-all': unlessStopping((_, { router }) => {
    router.resetAll();
    return done('every queue is back to the config');
  }),
  'set-concurrency': ({ runner: key, concurrency }, { router, by }) => {
    const pool = router.pool(key);
    if (pool === undefined || pool.isRemoved)
      return refused('unknown-runner', `"runners" has no entry ${key}`);
    if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > concurrencyLimit) {
      return refused(
        'out-of-range',
        `slots must be a whole number from 1 to ${concurrencyLimit}, got ${concurrency}`,
      );
    }
    const before = pool.concurrency;
    router.setConcurrency(pool, concurrency, by);
    return done(`${key}: ${before} → ${concurrency} slots`);
  },
};

interface Target {
  readonly place: `queue:${string}` | `entry:${string}`;
  /** `null` for a single queue. */
  readonly pool: Pool | null;
}

/** The key of an entry with several queues means all of them. */
function targetOf(name: string, router: QueueRouter): Target | CommandReply {
  const entry = router.pool(name);
  if (entry?.hasMembers === true && !entry.isRemoved) return { place: `entry:${name}`, pool: entry };
  const pool = router.ownerOf(name);
  if (pool === undefined) return unknownQueue(name);
  if (!pool.list.patterns.includes(name)) return { place: `queue:${name}`, pool: null };
  // It is on the list of queues, because a queue may have exactly that name. To pause it would pause nothing.
  return refused('unknown-queue', `${name} is a pattern; use the whole entry, ${pool.key}, or a queue`);
}

/** Why a queue stays paused that its user has resumed. */
const otherPauses: Readonly<Record<PauseReason['kind'], string>> = {
  operator: 'an operator has paused it',
  all: 'all queues are paused',
  cluster: 'pause-all-workers is set in Redis',
  unstartable: "its script can't be started",
  unreadable: "its key in Redis can't be read as a list",
};

function resumed(queue: string, router: QueueRouter): string {
  const [left] = router.pausesOf(queue);
  if (left === undefined) return `${queue} is resumed`;
  const why = left.entry === undefined ? `: ${otherPauses[left.kind]}` : ` with ${left.entry}`;
  return `${queue} is still paused${why}`;
}

/** Queues that were paused by themselves stay paused. */
function resumedEntry({ key, queues }: Pool, router: QueueRouter): string {
  const left = queues.filter((queue) => !router.isTakeable(queue)).length;
  if (left === 0) return `every queue of ${key} is resumed`;
  return `${key} is resumed; ${left} of its ${queues.length} queues are still paused`;
}

function unknownQueue(queue: string): CommandReply {
  return refused('unknown-queue', `this runner has no queue ${queue}`);
}
