/**
 * Pausing, slots, and ending a job. Keys come faster than replies, so a toggle looks at the last command that has no
 * reply yet, and only then at the model.
 */
import { changeView } from '../../store/app-store.ts';
import { isChanged, poolOf } from '../../store/selectors.ts';
import { queueSorts } from '../../store/view.ts';
import { troubleOf } from '../lists/queue-order.ts';
import type { QueueRow } from '../lists/queue-rows.ts';
import { chosenQueue, listedQueues, pageOfQueue, selectedJobId, selectedQueue } from '../lists/selection.ts';
import { sortNames } from '../panels/words.ts';
import type { ActionContext } from './action-context.ts';

export function togglePause(context: ActionContext): void {
  const queue = selected(context);
  if (queue === null) return;
  const asked = context.unanswered.findLast(
    (command) =>
      (command.type === 'pause-queue' || command.type === 'resume-queue') && command.queue === queue.name,
  );
  const isPaused =
    asked === undefined ? queue.pauses.some(({ kind }) => kind === 'operator') : asked.type === 'pause-queue';
  void context.run({ type: isPaused ? 'resume-queue' : 'pause-queue', queue: queue.name });
}

export function togglePauseAll(context: ActionContext): void {
  const { model } = context.store.getState();
  const asked = context.unanswered.findLast(({ type }) => type === 'pause-all' || type === 'resume-all');
  const isPaused =
    asked === undefined
      ? model.queues.some(({ pauses }) => pauses.some(({ kind }) => kind === 'all'))
      : asked.type === 'pause-all';
  void context.run({ type: isPaused ? 'resume-all' : 'pause-all' });
}

export function changeSlots(context: ActionContext, by: 1 | -1): void {
  const runner = selectedRunner(context);
  if (runner === null) return;
  const asked = context.unanswered.findLast(
    (command) => command.type === 'set-concurrency' && command.runner === runner.key,
  );
  const now = asked?.type === 'set-concurrency' ? asked.concurrency : runner.concurrency;
  const concurrency = now + by;
  if (concurrency < 1) {
    context.toast(`${runner.key} needs at least one slot; press p to pause it`, true);
    return;
  }
  void context.run({ type: 'set-concurrency', runner: runner.key, concurrency });
}

export function askForSlots(context: ActionContext): void {
  const runner = selectedRunner(context);
  if (runner === null) return;
  changeView(context.store, {
    dialog: {
      kind: 'prompt',
      purpose: { kind: 'slots', runner: runner.key },
      label: isChanged(runner)
        ? `slots of ${runner.key} (now ${runner.concurrency}; empty: ${runner.configuredConcurrency}, as in the config): `
        : `slots of ${runner.key} (now ${runner.concurrency}): `,
      text: '',
    },
  });
}

/** @param typed a number; empty: what the config says */
export function setSlots(context: ActionContext, runner: string, typed: string): void {
  const text = typed.trim();
  const pool = context.store.getState().model.runners.find(({ key }) => key === runner);
  if (text === '' && pool !== undefined) {
    if (isChanged(pool))
      void context.run({ type: 'set-concurrency', runner, concurrency: pool.configuredConcurrency });
    return;
  }
  if (!/^\d{1,6}$/.test(text)) {
    context.toast(`slots must be a whole number, 1 or more, got "${text}"`, true);
    return;
  }
  void context.run({ type: 'set-concurrency', runner, concurrency: Number(text) });
}

function selectedRunner(context: ActionContext) {
  const queue = selected(context);
  return queue === null ? null : poolOf(context.store.getState().model, queue);
}

/** Until then, a key may be meant for the row that was there before. */
const settleMs = 1_000;

function selected(context: ActionContext): QueueRow | null {
  const state = context.store.getState();
  const { pane, filter, queue: cursor, order } = state.view.queues;
  const isNew = cursor === null && order !== null && Date.now() - order.firstSinceMs < settleMs;
  if (isNew && pageOfQueue(state.view) === null) {
    context.toast('another queue has just become the first; press the key again', true);
    return null;
  }
  if (pane === 'failures' && pageOfQueue(state.view) === null) {
    // The screen doesn't show which queue would be meant.
    context.toast('no queue is selected; Esc returns to the queues', true);
    return null;
  }
  const queue = chosenQueue(state);
  if (queue === null)
    context.toast(filter === '' ? 'there are no queues yet' : 'no queue matches the filter', true);
  return queue;
}

/** Sorts the queues by the next column. */
export function nextSort(context: ActionContext): void {
  const { queues } = context.store.getState().view;
  const sort = queueSorts[(queueSorts.indexOf(queues.sort) + 1) % queueSorts.length] ?? 'attention';
  changeView(context.store, { queues: { ...queues, sort } });
  context.toast(`queues sorted by: ${sortNames[sort]}`);
}

/** Selects the next queue that needs attention, below the cursor or from the top. */
export function nextTrouble(context: ActionContext): void {
  const { store } = context;
  const state = store.getState();
  const { queues, tab } = state.view;
  const rows = listedQueues(state);
  const troubled = rows.filter(({ name }) => queues.order?.troubled.has(name) === true);
  if (troubled.length === 0) {
    context.toast('no queue needs attention');
    return;
  }
  const current = selectedQueue(state);
  const at = current === null || tab !== 'queues' ? -1 : rows.indexOf(current);
  // The cursor may be on the first one without anyone having put it there.
  const from = queues.queue === null ? at - 1 : at;
  const next = troubled.find((row) => rows.indexOf(row) > from) ?? troubled[0];
  const why = next === undefined ? null : troubleOf(next, state.model, Date.now());
  context.closeLog();
  changeView(store, {
    ...{ tab: 'queues', opened: null },
    queues: { ...queues, pane: 'queues', queue: next?.name ?? null, jobId: null },
  });
  if (why !== null) context.toast(`${next?.name}: ${why}`, true);
}

/** Ends a job, after a question. */
export function askToKill(context: ActionContext, signal: 'SIGTERM' | 'SIGKILL'): void {
  const { store } = context;
  const state = store.getState();
  const jobId = selectedJobId(state);
  const job = jobId === null ? undefined : state.model.jobs.find(({ id }) => id === jobId);
  if (job === undefined) {
    context.toast(jobId === null ? 'no job is selected' : `job #${jobId} has already ended`, true);
    return;
  }
  changeView(store, {
    dialog: {
      kind: 'question',
      question: { kind: 'kill-job', jobId: job.id, signal },
      title: `Send ${signal} to job #${job.id}?`,
      lines: [
        `${job.jobClass ?? '(no class)'} of ${job.queue}: ${job.args}`.slice(0, 300),
        `The signal goes to pid ${job.pid} and its process group. The job is recorded as failed.`,
      ],
      choices: [
        { label: 'Cancel', key: 'n', detail: '' },
        { label: `Send ${signal}`, key: 'y', detail: '' },
      ],
      focus: 0,
    },
  });
}
