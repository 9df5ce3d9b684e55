/**
 * The commands that read and change what lies in Redis: failures, waiting and delayed jobs, workers; and the search in what jobs
 * have printed. Screens send them, so most runners never load this.
 */
import { ChangeLog } from '../failures/change-log.ts';
import { changeEntries, changeMatches, type FailureCounts } from '../failures/changes.ts';
import { countFailures, findFailures, groupFailures } from '../failures/search.ts';
import {
  type CommandHandlers,
  type CommandOf,
  type CommandReply,
  done,
  type FailureEntryRef,
  refused,
} from '../protocol/commands.ts';
import type { EngineFact } from '../protocol/events.ts';
import type { Change } from '../resque/failed/failed-list.ts';
import type { ListedRecord } from '../resque/failed/failed-page.ts';
import { type Peers, readWorkerInfos, removeWorker } from './lifecycle/worker-commands.ts';
import type { OutputStore } from './output/output-store.ts';
import {
  changeDelayed,
  type DelayedContext,
  readDelayed,
  readSchedules,
} from './scheduling/delayed-commands.ts';
import { moveWaiting, readWaiting, removeWaiting } from './waiting-jobs.ts';
import type { LiveUpdates } from './watch/live-updates.ts';

export interface ListCommandContext extends DelayedContext {
  readonly outputs: Pick<OutputStore, 'find'>;
  readonly peers: Peers;
  readonly counts: FailureCounts;
  readonly liveUpdates: Pick<LiveUpdates, 'recount'>;
  readonly publish: (fact: EngineFact) => void;
}

type ChangeKind = Change['kind'];

export type ListCommandType =
  | 'find-output'
  | `${'read' | 'remove' | 'move'}-waiting`
  | `${'find' | 'count' | 'group' | 'retry' | 'remove'}-failures`
  | `${'retry' | 'remove'}-matching`
  | 'read-workers'
  | 'remove-worker'
  | `${'read' | 'run' | 'remove'}-delayed`
  | 'read-schedules';

/** They reject with RedisError. */
export const listCommands: CommandHandlers<ListCommandType, ListCommandContext> = {
  'find-output': findJobs,
  'read-waiting': readWaiting,
  'remove-waiting': removeWaiting,
  'move-waiting': moveWaiting,
  'find-failures': findInFailures,
  'count-failures': countMatching,
  'group-failures': groupMatching,
  'retry-failures': ({ entries }, context) => changeListed('retry', entries, context),
  'remove-failures': ({ entries }, context) => changeListed('remove', entries, context),
  'retry-matching': (command, context) => changeMatching('retry', command, context),
  'remove-matching': (command, context) => changeMatching('remove', command, context),
  'read-workers': (command, { peers }) => readWorkerInfos(command, peers),
  'remove-worker': (command, { peers }) => removeWorker(command, peers),
  'read-delayed': readDelayed,
  'run-delayed': ({ job }, context) => changeDelayed('run', job, context),
  'remove-delayed': ({ job }, context) => changeDelayed('remove', job, context),
  'read-schedules': (_, context) => readSchedules(context),
};

async function findJobs(
  { text }: CommandOf<'find-output'>,
  { outputs }: ListCommandContext,
): Promise<CommandReply> {
  if (text === '') return refused('out-of-range', 'the text must not be empty');
  const jobs = await outputs.find(text);
  return done(`${jobs.length} jobs have printed it`, { kind: 'output-found', jobs });
}

async function findInFailures(
  { filter, before, count }: CommandOf<'find-failures'>,
  { client }: ListCommandContext,
): Promise<CommandReply> {
  const data = await findFailures(client.failed, filter, before, count);
  return done(`${data.entries.length} of ${data.total} failures`, data);
}

async function countMatching(
  { filter }: CommandOf<'count-failures'>,
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
  { filter, byQueue, before }: CommandOf<'group-failures'>,
  { client }: ListCommandContext,
): Promise<CommandReply> {
  const data = await groupFailures(client.failed, filter, before, byQueue);
  return done(`${data.groups.length} groups of ${data.looked} failures`, data);
}

/** Changes the named entries. */
async function changeListed(
  kind: ChangeKind,
  refs: readonly FailureEntryRef[],
  { client, publish, liveUpdates }: ListCommandContext,
): Promise<CommandReply> {
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
  { filter, within }: CommandOf<'retry-matching' | 'remove-matching'>,
  { client, counts, publish, liveUpdates }: ListCommandContext,
): Promise<CommandReply> {
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

function withoutRepeats(refs: readonly FailureEntryRef[]): ListedRecord[] {
  const entries = new Map<string, ListedRecord>();
  for (const { index, recordBase64 } of refs) {
    entries.set(`${index} ${recordBase64}`, { index, record: Buffer.from(recordBase64, 'base64') });
  }
  return [...entries.values()];
}
