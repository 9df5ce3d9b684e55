/** Pausing and slots. */
import type { QueueState } from '../../protocol/snapshot.ts';
import { changeView } from '../../store/app-store.ts';
import { runnerOf } from '../../store/selectors.ts';
import { selectedQueue } from '../selection.ts';
import type { ActionContext } from './action-context.ts';

export function togglePause(context: ActionContext): void {
  const queue = selected(context);
  if (queue === null) return;
  const isPaused = queue.pauses.some(({ kind }) => kind === 'operator');
  void context.run({ type: isPaused ? 'resume-queue' : 'pause-queue', queue: queue.name });
}

export function togglePauseAll(context: ActionContext): void {
  const { model } = context.store.getState();
  const isPaused = model.queues.some(({ pauses }) => pauses.some(({ kind }) => kind === 'all'));
  void context.run({ type: isPaused ? 'resume-all' : 'pause-all' });
}

export function changeSlots(context: ActionContext, by: 1 | -1): void {
  const runner = selectedRunner(context);
  if (runner === null) return;
  const concurrency = runner.concurrency + by;
  if (concurrency < 1) {
    context.toast(`${runner.key} has one slot, the least there is; p pauses it`, true);
    return;
  }
  void context.run({ type: 'set-concurrency', runner: runner.key, concurrency });
}

export function askForSlots({ store, ...context }: ActionContext): void {
  const runner = selectedRunner({ store, ...context });
  if (runner === null) return;
  changeView(store, {
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
    context.toast(`"${text}" is no number of slots: a whole number from 1 on`, true);
    return;
  }
  void context.run({ type: 'set-concurrency', runner, concurrency: Number(text) });
}

function selectedRunner(context: ActionContext) {
  const queue = selected(context);
  return queue === null ? null : runnerOf(context.store.getState().model, queue);
}

function selected(context: ActionContext): QueueState | null {
  const queue = selectedQueue(context.store.getState());
  if (queue === null) context.toast('there is no queue yet', true);
  return queue;
}
