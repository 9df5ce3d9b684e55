/**
 * Pausing and slots. Keys come faster than answers: what a key means depends on what was asked for last, and only
 * where nothing was on what the model says.
 */
import type { QueueState } from '../../protocol/snapshot.ts';
import { changeView } from '../../store/app-store.ts';
import { poolOf } from '../../store/selectors.ts';
import { selectedJobId, selectedQueue } from '../lists/selection.ts';
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
    context.toast(`${runner.key} has one slot, the least there is; p pauses it`, true);
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
      label: `slots of ${runner.key} (now ${runner.concurrency}): `,
      text: '',
    },
  });
}

export function setSlots(context: ActionContext, runner: string, typed: string): void {
  const text = typed.trim();
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

function selected(context: ActionContext): QueueState | null {
  const state = context.store.getState();
  const { pane, filter } = state.view.queues;
  if (pane === 'failures') {
    // Which queue would be meant can't be seen from there.
    context.toast('the failures have the keys; Esc goes back to the queues', true);
    return null;
  }
  const queue = selectedQueue(state);
  if (queue === null)
    context.toast(filter === '' ? 'there is no queue yet' : 'no queue matches the filter', true);
  return queue;
}

/** Ends a job, after a question. */
export function askToKill(context: ActionContext, signal: 'SIGTERM' | 'SIGKILL'): void {
  const { store } = context;
  const state = store.getState();
  const jobId = selectedJobId(state);
  const job = jobId === null ? undefined : state.model.jobs.find(({ id }) => id === jobId);
  if (job === undefined) {
    context.toast(jobId === null ? 'there is no job to end' : `job #${jobId} has ended already`, true);
    return;
  }
  changeView(store, {
    dialog: {
      kind: 'question',
      question: { kind: 'kill-job', jobId: job.id, signal },
      title: `Send ${signal} to job #${job.id}?`,
      lines: [
        `${job.jobClass ?? '(no class)'} ${job.args}`.slice(0, 300),
        `of ${job.queue}, pid ${job.pid} and its process group. It is recorded as failed.`,
      ],
      choices: [
        { label: 'Cancel', key: 'n', detail: '' },
        { label: `Send ${signal}`, key: 'y', detail: '' },
      ],
      focus: 0,
    },
  });
}
