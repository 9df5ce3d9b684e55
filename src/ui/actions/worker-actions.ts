/** Removes stale workers, after a question. The engine judges the worker again before it does so. */
import { changeView } from '../../store/app-store.ts';
import { isStale } from '../../store/selectors.ts';
import { selectedWorker } from '../lists/selection.ts';
import type { ActionContext } from './action-context.ts';
import { yesOrNo } from './matching-actions.ts';

export function askToRemoveWorker(context: ActionContext): void {
  const { store } = context;
  const worker = selectedWorker(store.getState());
  if (worker === null) {
    context.toast('no worker to remove', true);
    return;
  }
  if (!isStale(worker)) {
    context.toast('only a stale worker can be removed', true);
    return;
  }
  const { id, kind, process, job } = worker;
  const lines =
    kind === 'resque-runner'
      ? [
          `Removes the dead runner ${process}, with all its workers.`,
          'Jobs that it left fail or go back to their queues.',
        ]
      : job === null
        ? ['It left no job.']
        : [`Its job ${job.jobClass ?? ''} of ${job.queue ?? '(no queue)'} is recorded as failed.`];
  changeView(store, {
    dialog: {
      kind: 'question',
      question: { kind: 'remove-worker', worker: id },
      title: `Remove worker ${id.slice(0, 100)}?`,
      lines: [...lines, 'The runner checks first that it is still stale.'],
      choices: yesOrNo('Remove'),
      focus: 0,
    },
  });
}

/** The answer was yes. */
export async function removeWorker(context: ActionContext, worker: string): Promise<void> {
  const reply = await context.run({ type: 'remove-worker', worker });
  const { opened } = context.store.getState().view;
  if (reply.ok && opened?.kind === 'worker') changeView(context.store, { opened: null });
  context.workers.reread();
}
