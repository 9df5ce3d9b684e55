/**
 * The page of a queue: opening it, moving on it, opening what is on it, and changing its waiting jobs. Commands name a waiting job by
 * value, so they act on what the user saw.
 */
import type { WaitingJob } from '../../protocol/redis-views.ts';
import { type AppState, changeView } from '../../store/app-store.ts';
import { jobsOf } from '../../store/selectors.ts';
import { type Question, type QueuePage, queuePageOf } from '../../store/view.ts';
import { queuePageLayout, type Size } from '../layout/layout.ts';
import {
  groupKeys,
  pageOfQueue,
  type Step,
  selectedJobId,
  selectedWaiting,
  stepTo,
  waitingKeys,
} from '../lists/selection.ts';
import { aboutRows } from '../queue/queue-about.ts';
import type { ActionContext } from './action-context.ts';
import { changeGroup, openGroup } from './group-actions.ts';
import { yesOrNo } from './matching-actions.ts';

/** Reads the next page when the cursor is this close to the end of what is loaded. */
const nearEnd = 30;

/** The cursor is on the selected running job, if there is one: Enter opens it. */
export function pageFor(state: AppState, queue: string): QueuePage {
  const jobId = selectedJobId(state);
  const jobs = jobsOf(state.model, queue);
  return {
    kind: 'queue',
    queue,
    pane: jobs.length > 0 ? 'running' : 'waiting',
    jobId: jobs.some(({ id }) => id === jobId) ? jobId : null,
    filter: '',
    waiting: null,
    group: null,
  };
}

export function movePage(context: ActionContext, page: QueuePage, step: Step): void {
  const { store, waiting } = context;
  const { model, waitingPages, groupPages } = store.getState();
  switch (page.pane) {
    case 'about':
      break;
    case 'running': {
      const ids = jobsOf(model, page.queue).map(({ id }) => id);
      changeView(store, { opened: { ...page, jobId: stepTo(ids, page.jobId, step) } });
      break;
    }
    case 'waiting': {
      const keys = waitingKeys(waitingPages.jobs);
      const cursor = stepTo(keys, page.waiting, step);
      changeView(store, { opened: { ...page, waiting: cursor } });
      if (step === 'bottom') void toTail(context, cursor);
      else if (cursor !== null && keys.indexOf(cursor) >= keys.length - nearEnd) waiting.more();
      break;
    }
    case 'groups': {
      const group = stepTo(groupKeys(groupPages.groups), page.group, step);
      changeView(store, { opened: { ...page, group } });
      break;
    }
  }
}

/** Reads the rest of the queue, then goes to its end unless the cursor was moved. */
async function toTail({ store, waiting }: ActionContext, from: string | null): Promise<void> {
  await waiting.readOn();
  const { view, waitingPages } = store.getState();
  if (view.opened?.kind !== 'queue' || view.opened.waiting !== from) return;
  const cursor = stepTo(waitingKeys(waitingPages.jobs), from, 'bottom');
  changeView(store, { opened: { ...view.opened, waiting: cursor } });
}

export function openFromPage(context: ActionContext, page: QueuePage): void {
  const jobId = selectedJobId(context.store.getState());
  switch (page.pane) {
    case 'running':
      if (jobId === null) context.toast(`${page.queue} has no running jobs`, true);
      else context.openLog(jobId, page);
      break;
    case 'groups':
      if (!openGroup(context)) context.toast(`${page.queue} has no failures`, true);
      break;
    case 'waiting':
      openWaiting(context, page);
      break;
    case 'about':
      context.toast('press Tab to select a job or a group of failures', true);
      break;
  }
}

function openWaiting(context: ActionContext, page: QueuePage): void {
  const { store } = context;
  const job = selectedWaiting(store.getState());
  if (job === null) context.toast(`no job is waiting on ${page.queue}`, true);
  else changeView(store, { opened: { kind: 'waiting-job', queue: page.queue, job, top: 0, over: page } });
}

/** The waiting job under the cursor, or the group of failures. */
export function deleteChosen(context: ActionContext): void {
  const { store } = context;
  if (pageOfQueue(store.getState().view)?.pane === 'groups') {
    changeGroup(context, 'remove-matching');
    return;
  }
  const page = queuePageOf(store.getState().view.opened);
  const job = chosen(context);
  if (page === null || job === null) return;
  const about = job.args === '' ? job.payload : job.args;
  changeView(store, {
    dialog: {
      kind: 'question',
      question: { kind: 'remove-waiting', queue: page.queue, job },
      title: 'Delete this waiting job?',
      lines: [
        `${job.jobClass ?? '(no class)'} of ${page.queue}: ${about}`.slice(0, 300),
        'It will never run.',
      ],
      choices: yesOrNo('Delete'),
      focus: 0,
    },
  });
}

/** The answer was yes. */
export async function removeWaiting(
  context: ActionContext,
  { queue, job }: Extract<Question, { kind: 'remove-waiting' }>,
): Promise<void> {
  await context.run({ type: 'remove-waiting', queue, jobs: [{ index: job.index, sha1: job.sha1 }] });
  leaveJob(context, job);
}

export async function moveWaiting(context: ActionContext, to: 'head' | 'tail'): Promise<void> {
  const page = queuePageOf(context.store.getState().view.opened);
  const job = chosen(context);
  if (page === null || job === null) return;
  const { index, sha1 } = job;
  await context.run({ type: 'move-waiting', queue: page.queue, job: { index, sha1 }, to });
  leaveJob(context, job);
}

/** After a change: it is no longer in that place, and its page would be out of date. */
function leaveJob(context: ActionContext, job: WaitingJob): void {
  const { opened } = context.store.getState().view;
  if (opened?.kind === 'waiting-job' && opened.job === job) context.leave();
  context.waiting.reread();
}

function chosen(context: ActionContext) {
  const state = context.store.getState();
  const job = selectedWaiting(state);
  if (job === null) {
    const isThere = pageOfQueue(state.view)?.pane === 'waiting';
    context.toast(isThere ? 'no job is waiting' : 'press Tab to select a waiting job', true);
  }
  return job;
}

const borders = 2;
/** A running job may take two rows. */
const rowsOfJob = 2;

/** Rows of the pane that has the focus. */
export function rowsOfQueuePane(state: AppState, page: QueuePage, size: Size): number {
  const rows = queuePageLayout(size, aboutRows(state, page, size), page.pane)[page.pane] - borders;
  return page.pane === 'running' ? Math.floor(rows / rowsOfJob) : rows;
}
