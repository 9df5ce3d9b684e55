/** Ending a job, after a question. */
import { changeView } from '../../store/app-store.ts';
import { selectedJobId } from '../lists/selection.ts';
import type { ActionContext } from './action-context.ts';

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
