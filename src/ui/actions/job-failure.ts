/** From an ended job to its entry in the list of failures. */
import { everyFailure, type FailureEntry } from '../../protocol/commands.ts';
import type { EndedJob } from '../../protocol/snapshot.ts';
import { changeView } from '../../store/app-store.ts';
import type { Opened } from '../../store/view.ts';
import type { ActionContext } from './action-context.ts';
import { carryOut } from './failure-actions.ts';

const pageCount = 100;
const mostPages = 5;
/** Between a job's end and its record. The record has whole seconds. */
const slackMs = 5_000;

export async function openFailureOfJob(context: ActionContext): Promise<void> {
  const found = await find(context);
  if (found === null) return;
  context.closeLog();
  changeView(context.store, { opened: { kind: 'failure', entry: found.entry, top: 0, over: found.page } });
}

export async function retryJob(context: ActionContext): Promise<void> {
  const found = await find(context);
  if (found !== null) await carryOut(context, 'retry-failures', [found.entry]);
}

/** Says why if there is none. */
async function find(context: ActionContext): Promise<{ entry: FailureEntry; page: Opened } | null> {
  const { model, view } = context.store.getState();
  const page = view.opened;
  if (page?.kind !== 'job') return null;
  const job = model.ended.find(({ id }) => id === page.jobId);
  const hindrance = job === undefined ? 'this job is still running' : whyNone(job);
  if (job === undefined || hindrance !== null) {
    const isRunning = model.jobs.some(({ id }) => id === page.jobId);
    context.toast(job === undefined && !isRunning ? 'this job ended too long ago' : (hindrance ?? ''), true);
    return null;
  }
  const entry = await entryOf(context, job);
  const { opened, dialog } = context.store.getState().view;
  // The user has moved on.
  if (opened !== page || dialog !== null) return null;
  if (typeof entry !== 'string') return { entry, page };
  context.toast(entry, true);
  return null;
}

/** @returns `null` if it is on the list */
function whyNone({ outcome }: EndedJob): string | null {
  switch (outcome) {
    case 'failed':
      return null;
    case 'retried':
      return 'this run failed, but the job is retried: it is not on the list of failures';
    default:
      return 'this job has not failed';
  }
}

/** @returns a sentence if it is not on the list */
async function entryOf(context: ActionContext, job: EndedJob): Promise<FailureEntry | string> {
  const { failure, queue } = job;
  const filter = { ...everyFailure, queue, jobClass: job.jobClass, exception: failure?.exception ?? null };
  let before: number | null = null;
  for (let pages = 0; pages < mostPages; pages += 1) {
    const reply = await context.ask({ type: 'find-failures', filter, before, count: pageCount });
    if (!reply.ok) return reply.message;
    if (reply.data?.kind !== 'failures') break;
    const { entries, next }: { entries: readonly FailureEntry[]; next: number | null } = reply.data;
    const own = entries.find((entry) => isOf(job, entry));
    if (own !== undefined) return own;
    before = next;
    if (next === null || entries.some((entry) => timeOf(entry) < job.endedAtMs - slackMs)) break;
  }
  return "this job's failure is no longer on the list";
}

/** Of equal jobs that failed alike within a few seconds, any. Workers run one job after the other. */
function isOf(job: EndedJob, entry: FailureEntry): boolean {
  const { queue, jobClass, failure, worker, endedAtMs } = job;
  const args = job.args.endsWith('…') ? job.args.slice(0, -1) : job.args;
  return (
    entry.queue === queue &&
    entry.jobClass === jobClass &&
    entry.exception === (failure?.exception ?? null) &&
    entry.worker === worker &&
    entry.args.startsWith(args) &&
    Math.abs(timeOf(entry) - endedAtMs) <= slackMs
  );
}

function timeOf({ failedAt }: FailureEntry): number {
  const atMs = Date.parse(failedAt ?? '');
  return Number.isNaN(atMs) ? Number.POSITIVE_INFINITY : atMs;
}
