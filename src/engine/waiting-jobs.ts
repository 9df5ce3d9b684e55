/** Carries out the commands about waiting jobs: reading them, deleting them, moving them to either end of their queue. */
import { YieldTimer } from '../failures/search.ts';
import type { CommandOf, CommandReply } from '../protocol/commands.ts';
import { done, refused } from '../protocol/commands.ts';
import type { EngineFact } from '../protocol/events.ts';
import { wordsMatcher } from '../protocol/matching.ts';
import type { WaitingJob, WaitingJobRef } from '../protocol/redis-views.ts';
import { readPayload } from '../resque/format/payload.ts';
import { eachKey, keysToDelete, type Plugin } from '../resque/format/plugin-keys.ts';
import { RedisError } from '../resque/redis/redis-error.ts';
import type { ResqueClient } from '../resque/steps/client.ts';
import { WaitingList, type WaitingResult } from '../resque/waiting/waiting-list.ts';
import { pluginsOf } from './pools/pool.ts';
import type { QueueRouter } from './pools/queue-router.ts';

interface Context {
  readonly router: Pick<QueueRouter, 'ownerOf'>;
  readonly client: Pick<ResqueClient, 'keys' | 'session'>;
  readonly publish: (fact: EngineFact) => void;
}

/** Jobs that one command looks at for a text, so that it can report progress if nothing matches. */
const scanLimit = 5_000;
const scanPage = 250;
/** Bytes of the jobs in one reply. */
const replyBytes = 2 * 1024 * 1024;

export async function readWaiting(
  { queue, from, count, text, without = [] }: CommandOf<'read-waiting'>,
  { router, client }: Context,
): Promise<CommandReply> {
  if (router.ownerOf(queue) === undefined) return unknownQueue(queue);
  const isWhole = text === null && without.length === 0;
  const matches = isWhole ? () => true : waitingMatcher(text, without);
  const timer = new YieldTimer();
  const list = new WaitingList(client.session, client.keys);
  const jobs: WaitingJob[] = [];
  let at = from;
  let bytes = 0;
  for (;;) {
    const page = await list.page(queue, at, isWhole ? count - jobs.length : scanPage);
    if (page === null) return unreadable(queue, client);
    for (const job of page.jobs) {
      await timer.yieldIfDue();
      at = job.index + 1;
      if (!matches(job)) continue;
      jobs.push(job);
      bytes += job.payload.length;
      if (jobs.length >= count || bytes >= replyBytes) break;
    }
    const isEnd = page.jobs.length === 0 || at >= page.total;
    if (!isEnd && jobs.length < count && bytes < replyBytes && at - from < scanLimit) continue;
    const data = { kind: 'waiting', total: page.total, jobs, next: isEnd ? null : at } as const;
    return done(`${jobs.length} of ${page.total} waiting jobs`, data);
  }
}

/** Deletes jobs. Also releases their locks, if the queue's entry does so after a run: otherwise they would stay. */
export async function removeWaiting(
  { queue, jobs }: CommandOf<'remove-waiting'>,
  { router, client, publish }: Context,
): Promise<CommandReply> {
  const pool = router.ownerOf(queue);
  if (pool === undefined) return unknownQueue(queue);
  const list = new WaitingList(client.session, client.keys);
  const changed = await list.change(queue, { kind: 'remove', jobs: withoutRepeats(jobs) });
  if (changed === null) return unreadable(queue, client);
  publish({ type: 'queue.backlog', queue, backlog: changed.total });
  const plugins = pluginsOf(pool.config);
  const locks = changed.removed.flatMap((bytes) =>
    readPayload(bytes).isObject ? lockKeys(bytes, queue, plugins) : [],
  );
  const refusal = await release(locks, client);
  return replyOf(changed.results, `removed from ${queue}`, refusal);
}

export async function moveWaiting(
  { queue, job, to }: CommandOf<'move-waiting'>,
  { router, client, publish }: Context,
): Promise<CommandReply> {
  if (router.ownerOf(queue) === undefined) return unknownQueue(queue);
  const list = new WaitingList(client.session, client.keys);
  const changed = await list.change(queue, { kind: to, jobs: [job] });
  if (changed === null) return unreadable(queue, client);
  publish({ type: 'queue.backlog', queue, backlog: changed.total });
  return replyOf(changed.results, `moved to the ${to} of ${queue}`, '');
}

/** Without the namespace prefix. */
function lockKeys(bytes: Buffer, queue: string, plugins: readonly Plugin[]): string[] {
  return eachKey(keysToDelete(bytes, queue, plugins, ['taken', 'ended', 'over']));
}

/** @returns why Redis refused; '' if it didn't */
async function release(
  keys: readonly string[],
  { session, keys: { prefix } }: Context['client'],
): Promise<string> {
  if (keys.length === 0) return '';
  try {
    await session.command((commands) => commands.del(...keys.map((key) => prefix + key)));
    return '';
  } catch (error) {
    if (!(error instanceof RedisError)) throw error;
    return `; its locks stay: ${error.message}`;
  }
}

function replyOf(results: readonly WaitingResult[], action: string, rest: string): CommandReply {
  const count = (wanted: WaitingResult) => results.filter((result) => result === wanted).length;
  const [moved, gone, unfound] = [count('done'), count('gone'), count('unfound')];
  const about = results.length === 1 ? 'this job' : `${gone + unfound} of ${results.length} jobs`;
  const are = results.length === 1 ? 'is' : 'are';
  const reason =
    unfound > 0
      ? `${about} ${are} no longer near the same place: read the queue again`
      : `${about} ${are} no longer waiting`;
  if (moved === 0) return refused('job-gone', reason);
  const what = results.length === 1 ? action : `${moved} ${action}`;
  return done(`${what}${moved < results.length ? `; ${reason}` : ''}${rest}`, {
    ...{ kind: 'bulk', done: moved, gone: gone + unfound, unretryable: 0 },
  });
}

function unknownQueue(queue: string): CommandReply {
  return refused('unknown-queue', `this runner has no queue ${queue}`);
}

function unreadable(queue: string, { keys }: Context['client']): CommandReply {
  return refused('unreadable-queue', `${keys.queue(queue)} is not a list`);
}

/** Ignores case. Of a large job, only the beginning counts. */
function waitingMatcher(text: string | null, without: readonly string[]): (job: WaitingJob) => boolean {
  const matches = wordsMatcher(text, without);
  // The payload may have escapes where the args have letters.
  return ({ payload, jobClass, args }) => matches([payload, jobClass, args]);
}

function withoutRepeats(refs: readonly WaitingJobRef[]): WaitingJobRef[] {
  return [...new Map(refs.map((ref) => [`${ref.index} ${ref.sha1}`, ref])).values()];
}
