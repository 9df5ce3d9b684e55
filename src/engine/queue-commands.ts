/**
 * Pauses and slots: what operators set by hand, and the way back to the config. Each decision is noted in `router.overrides`,
 * so that it survives HUP and a restart. Pauses and resumes by a signal have no note of their own.
 */
import { type CommandHandlers, type CommandReply, done, refused } from '../protocol/commands.ts';
import type { PauseReason } from '../protocol/events.ts';
import { overrideOf } from '../resque/workers/overrides.ts';
import type { Dispatcher } from './dispatch/dispatcher.ts';
import type { Shutdown } from './lifecycle/shutdown.ts';
import type { Pool } from './pools/pool.ts';
import type { QueueRouter } from './pools/queue-router.ts';

export interface QueueCommandContext {
  readonly router: QueueRouter;
  readonly dispatcher: Pick<Dispatcher, 'scheduleStep'>;
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

/** Changed queues or slots may allow jobs to start. */
function steps<C>(handle: Handle<C>): Handle<C> {
  return (command, context) => {
    const reply = handle(command, context);
    if (reply.ok) context.dispatcher.scheduleStep();
    return reply;
  };
}

/** It would make a runner take jobs that must not take any more. */
function unlessStopping<C>(handle: Handle<C>): Handle<C> {
  return steps((command, context) =>
    context.shutdown.mode === null ? handle(command, context) : refused('stopping', 'the runner is stopping'),
  );
}

export const queueCommands: QueueHandlers = {
  'pause-queue': steps(({ queue }, context) => pauseQueue(queue, context)),
  'resume-queue': unlessStopping(({ queue }, context) => resumeQueue(queue, context)),
  'pause-all': steps((_, context) => pauseAll(context)),
  'resume-all': unlessStopping((_, context) => {
    resumeAll(context);
    return done('every queue is resumed');
  }),
  'reset-queue': unlessStopping(({ queue }, context) => resetQueue(queue, context)),
  'reset-all': unlessStopping((_, context) => resetAll(context)),
  'set-concurrency': steps(({ runner, concurrency }, context) =>
    setConcurrency(runner, concurrency, context),
  ),
};

/** The key of an entry with several queues means all of them. */
function pauseQueue(queue: string, { router, by }: QueueCommandContext): CommandReply {
  const entry = entryOf(queue, router);
  if (entry !== null) return pauseEntry(entry, router, by);
  const wrong = wrongQueue(queue, router);
  if (wrong !== null) return wrong;
  router.pauseQueue(queue, 'operator', by);
  const pause = router.pausesOf(queue).find(({ kind }) => kind === 'operator');
  if (pause !== undefined) {
    router.overrides.set(overrideOf.queue(queue), { by: pause.detail, sinceMs: pause.sinceMs });
  }
  return done(`${queue} is paused`);
}

function pauseEntry(pool: Pool, router: QueueRouter, by: string): CommandReply {
  router.pausePool(pool, 'operator', by);
  const pause = router.pausesOfPool(pool).find(({ kind }) => kind === 'operator');
  if (pause !== undefined) {
    router.overrides.set(overrideOf.entry(pool.key), { by: pause.detail, sinceMs: pause.sinceMs });
  }
  return done(`every queue of ${pool.key} is paused`);
}

/** Why a queue stays paused that its user has resumed. */
const otherPauses: Readonly<Record<PauseReason['kind'], string>> = {
  operator: 'an operator has paused it',
  all: 'all queues are paused',
  cluster: 'pause-all-workers is set in Redis',
  unstartable: "its script can't be started",
  unreadable: "its key in Redis can't be read as a list",
};

function resumeQueue(queue: string, { router }: QueueCommandContext): CommandReply {
  const entry = entryOf(queue, router);
  if (entry !== null) return resumeEntry(entry, router);
  const wrong = wrongQueue(queue, router);
  if (wrong !== null) return wrong;
  endPause(queue, router);
  const [left] = router.pausesOf(queue);
  if (left === undefined) return done(`${queue} is resumed`);
  const why = left.entry === undefined ? `: ${otherPauses[left.kind]}` : ` with ${left.entry}`;
  return done(`${queue} is still paused${why}`);
}

/** Queues that were paused by themselves stay paused. */
function resumeEntry(pool: Pool, router: QueueRouter): CommandReply {
  endEntryPause(pool, router);
  const { key, queues } = pool;
  const left = queues.filter((queue) => !router.isTakeable(queue)).length;
  if (left === 0) return done(`every queue of ${key} is resumed`);
  return done(`${key} is resumed; ${left} of its ${queues.length} queues are still paused`);
}

/** @returns `null` if the name is a queue's */
function entryOf(name: string, router: QueueRouter): Pool | null {
  const pool = router.pool(name);
  return pool?.hasMembers === true && !pool.isRemoved ? pool : null;
}

/** A pattern is on the list of queues, because a queue may have exactly that name. To pause it would pause nothing. */
function wrongQueue(name: string, router: QueueRouter): CommandReply | null {
  const pool = router.ownerOf(name);
  if (pool === undefined) return unknownQueue(name);
  if (!pool.list.patterns.includes(name)) return null;
  return refused('unknown-queue', `${name} is a pattern; use the whole entry, ${pool.key}, or a queue`);
}

function pauseAll({ router, by, isKept = true }: QueueCommandContext): CommandReply {
  router.pauseAll('all', by);
  const pause = router.globalPause('all');
  if (isKept && pause !== undefined) {
    router.overrides.set(overrideOf.everyQueue, { by: pause.detail, sinceMs: pause.sinceMs });
  }
  return done('every queue is paused');
}

function resumeAll({ router }: QueueCommandContext): void {
  router.overrides.set(overrideOf.everyQueue, null);
  router.resumeAll('all');
}

function setConcurrency(key: string, concurrency: number, context: QueueCommandContext): CommandReply {
  const pool = context.router.pool(key);
  if (pool === undefined || pool.isRemoved)
    return refused('unknown-runner', `there is no entry ${key} in "runners"`);
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > concurrencyLimit) {
    return refused(
      'out-of-range',
      `slots must be a whole number from 1 to ${concurrencyLimit}, got ${concurrency}`,
    );
  }
  const before = pool.concurrency;
  context.router.setConcurrency(pool, concurrency, context.by);
  return done(`${key}: ${before} → ${concurrency} slots`);
}

/** An entry means its slots and the pauses of its queues. */
function resetQueue(name: string, { router }: QueueCommandContext): CommandReply {
  const pool = router.pool(name) ?? router.ownerOf(name);
  if (pool === undefined || pool.isRemoved) return unknownQueue(name);
  for (const queue of pool.key === name ? pool.queues : [name]) endPause(queue, router);
  if (pool.key === name) endEntryPause(pool, router);
  resetSlots(pool, router);
  return done(`${name} is back to the config: ${slotsText(pool)}`);
}

function resetAll(context: QueueCommandContext): CommandReply {
  const { router } = context;
  resumeAll(context);
  for (const queue of router.queues) endPause(queue, router);
  for (const pool of router.pools) {
    endEntryPause(pool, router);
    resetSlots(pool, router);
  }
  // Also what is kept for queues that the config no longer has.
  router.overrides.clear();
  return done('every queue is back to the config');
}

function endPause(queue: string, router: QueueRouter): void {
  router.overrides.set(overrideOf.queue(queue), null);
  router.resumeQueue(queue, 'operator');
}

function endEntryPause(pool: Pool, router: QueueRouter): void {
  if (!pool.hasMembers) return;
  router.overrides.set(overrideOf.entry(pool.key), null);
  router.resumePool(pool, 'operator');
}

function resetSlots(pool: Pool, router: QueueRouter): void {
  router.setConcurrency(pool, pool.config.concurrency);
}

function slotsText({ concurrency }: Pool): string {
  return `${concurrency} ${concurrency === 1 ? 'slot' : 'slots'}`;
}

function unknownQueue(queue: string): CommandReply {
  return refused('unknown-queue', `this runner has no queue ${queue}`);
}
