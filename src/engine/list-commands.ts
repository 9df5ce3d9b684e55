/**
 * The commands that read and change what lies in Redis: failures, waiting and delayed jobs, workers; and the search in what jobs
 * have printed. Screens send them, so most runners never load this.
 */
import { ChangeLog } from '../failures/change-log.ts';
import { changeEntries, changeMatches, type FailureCounts } from '../failures/changes.ts';
import { groupFailures } from '../failures/failure-groups.ts';
import { countFailures, findFailures } from '../failures/search.ts';
import type { Command, CommandReply, FailureEntryRef, FailureFilter } from '../protocol/commands.ts';
import { done, refused } from '../protocol/commands.ts';
import type { EngineFact } from '../protocol/events.ts';
import type { WaitingJobRef } from '../protocol/waiting.ts';
import type { Change } from '../resque/failed/failed-list.ts';
import type { ListedRecord } from '../resque/failed/failed-page.ts';
import { type Peers, readWorkerInfos, removeWorker } from './lifecycle/worker-commands.ts';
import { findOutput, type KeptOutputs } from './output/find-output.ts';
import {
  changeDelayed,
  type DelayedContext,
  readDelayed,
  readSchedules,
} from './scheduling/delayed-commands.ts';
import { moveWaiting, readWaiting, removeWaiting } from './waiting-jobs.ts';
import type { LiveUpdates } from './watch/live-updates.ts';

export interface ListCommandContext extends DelayedContext {
  readonly outputs: KeptOutputs;
  readonly peers: Peers;
  readonly counts: FailureCounts;
  readonly liveUpdates: Pick<LiveUpdates, 'recount'>;
  readonly publish: (fact: EngineFact) => void;
}

export type ListCommand = Extract<
  Command,
  {
    type:
      | 'find-output'
      | 'read-waiting'
      | 'remove-waiting'
      | 'move-waiting'
      | 'find-failures'
      | 'count-failures'
      | 'group-failures'
      | 'retry-failures'
      | 'remove-failures'
      | 'retry-matching'
      | 'remove-matching'
      | 'read-workers'
      | 'remove-worker'
      | 'read-delayed'
      | 'run-delayed'
      | 'remove-delayed'
      | 'read-schedules';
  }
>;

type ChangeKind = Change['kind'];

const findLimit = 1_000;
const entriesLimit = 1_000;
const waitingLimit = 100;

/** Rejects with RedisError. */
export async function executeListCommand(
  command: ListCommand,
  context: ListCommandContext,
): Promise<CommandReply> {
  switch (command.type) {
    case 'find-output':
      return findJobs(command.text, context);
    case 'read-waiting':
      return wrongPage(command.from, command.count) ?? (await readWaiting(command, context));
    case 'remove-waiting':
      return wrongJobs(command.jobs) ?? (await removeWaiting(command, context));
    case 'move-waiting':
      return wrongJobs([command.job]) ?? (await moveWaiting(command, context));
    case 'find-failures':
      return findInFailures(command, context);
    case 'count-failures':
      return countMatching(command.filter, context);
    case 'group-failures':
      return await groupMatching(command, context);
    case 'retry-failures':
      return changeListed('retry', command.entries, context);
    case 'remove-failures':
      return changeListed('remove', command.entries, context);
    case 'retry-matching':
      return changeMatching('retry', command, context);
    case 'remove-matching':
      return changeMatching('remove', command, context);
    case 'read-workers':
      return readWorkerInfos(command, context.peers);
    case 'remove-worker':
      return removeWorker(command, context.peers);
    case 'read-delayed':
      return readDelayed(command, context);
    case 'run-delayed':
      return changeDelayed('run', command.job, context);
    case 'remove-delayed':
      return changeDelayed('remove', command.job, context);
    case 'read-schedules':
      return readSchedules(context);
  }
}

async function findJobs(text: string, { outputs }: ListCommandContext): Promise<CommandReply> {
  if (text === '') return refused('out-of-range', 'the text must not be empty');
  const jobs = await findOutput(text, outputs);
  return done(`${jobs.length} jobs have printed it`, { kind: 'output-found', jobs });
}

async function findInFailures(
  { filter, before, count }: Command & { type: 'find-failures' },
  { client }: ListCommandContext,
): Promise<CommandReply> {
  if (before !== null && !isCount(before)) {
    return refused('out-of-range', `before must be an index or null, got ${before}`);
  }
  if (!isCount(count) || count < 1 || count > findLimit) {
    return refused('out-of-range', notWhole('count', findLimit, count));
  }
  const data = await findFailures(client.failed, filter, before, count);
  return done(`${data.entries.length} of ${data.total} failures`, data);
}

async function countMatching(
  filter: FailureFilter,
  { client, counts }: ListCommandContext,
): Promise<CommandReply> {
  const count = await countFailures(client.failed, filter);
  counts.note(filter, count);
  const { total, matching, retryable, untimed } = count;
  const about = (filter.olderThan ?? null) === null ? {} : { untimed };
  const data = { kind: 'failure-count', total, matching, retryable, ...about } as const;
  return done(`${matching} of ${total} failures match`, data);
}

async function groupMatching(
  { filter, byQueue, before }: Command & { type: 'group-failures' },
  { client }: ListCommandContext,
): Promise<CommandReply> {
  if (before !== null && !isCount(before)) {
    return refused('out-of-range', `before must be an index or null, got ${before}`);
  }
  const data = await groupFailures(client.failed, filter, before, byQueue);
  return done(`${data.groups.length} groups of ${data.looked} failures`, data);
}

/** Changes the named entries. */
async function changeListed(
  kind: ChangeKind,
  refs: readonly FailureEntryRef[],
  { client, publish, liveUpdates }: ListCommandContext,
): Promise<CommandReply> {
  if (refs.length < 1 || refs.length > entriesLimit) {
    return refused('out-of-range', notWhole('the number of entries', entriesLimit, refs.length));
  }
  const wrong = refs.find(({ index }) => !Number.isSafeInteger(index));
  if (wrong !== undefined) {
    return refused('out-of-range', `the index of an entry must be a whole number, got ${wrong.index}`);
  }
  const log = new ChangeLog(kind, publish);
  try {
    await changeEntries(withoutRepeats(refs), { failed: client.failed, log });
  } catch (error) {
    return log.interrupted(error);
  } finally {
    log.publish();
    await liveUpdates.recount();
  }
  return refs.length === 1 ? log.replyForOne() : log.reply();
}

/** Changes all matches, from newer to older. Leaves alone entries from `within` on: they came after the user's count. */
async function changeMatching(
  kind: ChangeKind,
  { filter, within }: { filter: FailureFilter; within: number },
  { client, counts, publish, liveUpdates }: ListCommandContext,
): Promise<CommandReply> {
  if (!isCount(within)) return refused('out-of-range', `within must be a number of entries, got ${within}`);
  const log = new ChangeLog(kind, publish);
  const counted = counts.take(filter, within);
  try {
    return log.reply(await changeMatches({ filter, within, ...counted }, { failed: client.failed, log }));
  } catch (error) {
    return log.interrupted(error);
  } finally {
    await liveUpdates.recount();
  }
}

/** @returns `null` if it is not wrong */
function wrongPage(from: number, count: number): CommandReply | null {
  if (!isCount(from)) return refused('out-of-range', `from must be an index, got ${from}`);
  if (isCount(count) && count >= 1 && count <= findLimit) return null;
  return refused('out-of-range', notWhole('count', findLimit, count));
}

/** @returns `null` if they are not wrong */
function wrongJobs(jobs: readonly WaitingJobRef[]): CommandReply | null {
  if (jobs.length < 1 || jobs.length > waitingLimit) {
    return refused('out-of-range', notWhole('the number of jobs', waitingLimit, jobs.length));
  }
  const wrong = jobs.find(({ index }) => !isCount(index));
  return wrong === undefined
    ? null
    : refused('out-of-range', `the index of a job must be a whole number, got ${wrong.index}`);
}

function withoutRepeats(refs: readonly FailureEntryRef[]): ListedRecord[] {
  const entries = new Map<string, ListedRecord>();
  for (const { index, recordBase64 } of refs) {
    entries.set(`${index} ${recordBase64}`, { index, record: Buffer.from(recordBase64, 'base64') });
  }
  return [...entries.values()];
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function notWhole(what: string, most: number, value: number): string {
  return `${what} must be a whole number from 1 to ${most}, got ${value}`;
}
