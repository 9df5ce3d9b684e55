/** `resque-runner delayed run|remove`: selects delayed jobs, and asks before a bulk change or a deletion. */
import { grouped, plural, utcTime } from '../../messages/quantities.ts';
import { visible, visibleWithin } from '../../messages/visible.ts';
import {
  type DelayedCursor,
  DelayedList,
  type FoundJob,
  firstCursor,
  viewDelayed,
} from '../../resque/delayed/delayed-list.ts';
import type { CommandContext, RunCommand } from '../command-line/command-spec.ts';
import { UsageError, untouched } from '../command-line/exit-codes.ts';
import type { Flags } from '../command-line/flags.ts';
import type { Io } from '../command-line/io.ts';
import { withTarget } from '../redis/target.ts';
import { agree, refuseUnclear } from '../terminal/bulk-change.ts';
import { Progress } from '../terminal/progress.ts';
import { carryOut, type Intent, type Kind, nothingToDo, reportDeclined } from './carry-out.ts';
import { filterWords, findDelayed, matcherOf, matchWords } from './matching.ts';

const pageSize = 250;
/** Characters of the text about one job. */
const longestText = 200;

export const run: RunCommand = (context) => change('run', context);
export const remove: RunCommand = (context) => change('remove', context);

async function change(kind: Kind, { invocation, io }: CommandContext): Promise<number> {
  refuseUnclear(invocation, filterWords(invocation.flags));
  const { input, flags } = invocation;
  return input.length > 0 ? await changeNamed(io, kind, input, flags) : await changeMatching(io, kind, flags);
}

async function changeNamed(io: Io, kind: Kind, ids: readonly string[], flags: Flags): Promise<number> {
  const found = await withTarget(io, flags, async (sender, { keys }) => {
    const list = new DelayedList(sender, keys);
    const byId = new Map<string, FoundJob>();
    for (const id of ids) {
      const each = await findNamed(list, id);
      byId.set(viewDelayed(each.job).id, each);
    }
    return [...byId.values()];
  });
  const matching = found.reduce((sum, { copies }) => sum + copies, 0);
  const intent: Intent = { kind, matching, isNamed: true };
  if (kind === 'remove')
    await agree(io, namedQuestion(found), flags.yes, () => reportDeclined(io, intent, flags));
  return await carryOut(io, intent, flags, async (changes) => {
    for (const { job, copies } of found) {
      for (let left = copies; left > 0; left -= pageSize) {
        if (!(await changes.apply(Array(Math.min(left, pageSize)).fill(job)))) return;
      }
    }
  });
}

async function findNamed(list: DelayedList, id: string): Promise<FoundJob> {
  try {
    return await findDelayed(list, id);
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(`${error.message}; ${untouched}`) : error;
  }
}

async function changeMatching(io: Io, kind: Kind, flags: Flags): Promise<number> {
  const { total, matching, place } = await count(io, flags);
  const intent: Intent = { kind, matching, isNamed: false };
  if (matching === 0) {
    const why = total === 0 ? `no delayed jobs: ${place} is empty` : matchWords(0, total);
    return await nothingToDo(io, intent, why, flags);
  }
  const extent = flags.all
    ? `There ${total === 1 ? 'is' : 'are'} ${plural(total, 'delayed job')}`
    : matchWords(matching, total);
  const action = kind === 'remove' ? 'Delete' : 'Move';
  const where = kind === 'remove' ? '' : ` to ${matching === 1 ? 'its queue' : 'their queues'} now`;
  const question = `${visible(`${extent} (${place})`)}. ${action} ${matching === 1 ? 'it' : 'them'}${where}?`;
  await agree(io, question, flags.yes, () => reportDeclined(io, intent, flags));
  const matches = matcherOf(flags);
  return await carryOut(io, intent, flags, async (changes) => {
    // Jobs that others delayed since are left alone: they were not counted.
    let left = matching;
    let from: DelayedCursor | null = firstCursor;
    while (from !== null && left > 0) {
      const page = await changes.list.page(from, pageSize);
      const jobs = page.jobs.filter((job) => matches(viewDelayed(job))).slice(0, left);
      left -= jobs.length;
      const doneBefore = changes.doneAt(page.next?.time ?? '');
      if (jobs.length > 0 && !(await changes.apply(jobs))) return;
      const doneHere = changes.doneAt(page.next?.time ?? '') - doneBefore;
      // The changed jobs are gone, so the next page starts that many places earlier.
      from = page.next === null ? null : { ...page.next, index: page.next.index - doneHere };
    }
  });
}

function namedQuestion(found: readonly FoundJob[]): string {
  const [first] = found;
  const matching = found.reduce((sum, { copies }) => sum + copies, 0);
  if (first === undefined || found.length > 1) return `Delete ${plural(matching, 'delayed job')}?`;
  const { id, jobClass, queue, dueAtMs } = viewDelayed(first.job);
  const due = dueAtMs === null ? '' : `, due at ${utcTime(dueAtMs)}`;
  const text = visibleWithin(`${jobClass ?? '(no class)'} of ${queue ?? '(no queue)'}${due}`, longestText);
  const copies = first.copies === 1 ? '' : ` and its ${grouped(first.copies - 1)} equal jobs`;
  return `Delete delayed job ${visible(id)} (${text})${copies}?`;
}

interface Counted {
  readonly total: number;
  readonly matching: number;
  /** The schedule's key and the address of its Redis. */
  readonly place: string;
}

function count(io: Io, flags: Flags): Promise<Counted> {
  const matches = matcherOf(flags);
  return withTarget(io, flags, async (sender, { keys, shown }) => {
    const list = new DelayedList(sender, keys);
    const progress = new Progress(io, 'counting', null);
    let total = 0;
    let matching = 0;
    try {
      for (let from: DelayedCursor | null = firstCursor; from !== null; ) {
        const { jobs, next } = await list.page(from, pageSize);
        total += jobs.length;
        matching += jobs.filter((job) => matches(viewDelayed(job))).length;
        progress.update(total);
        from = next;
      }
    } finally {
      progress.end();
    }
    return { total, matching, place: `${keys.delayedSchedule} at ${shown}` };
  });
}
