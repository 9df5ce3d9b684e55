/** Runs delayed jobs now and deletes them, after a question. Commands name a job by its time and bytes. */
import { utcTime } from '../../messages/quantities.ts';
import type { DelayedInfo, DelayedRef } from '../../protocol/redis-views.ts';
import { changeView } from '../../store/app-store.ts';
import { selectedDelayed } from '../lists/selection.ts';
import type { ActionContext } from './action-context.ts';
import { yesOrNo } from './matching-actions.ts';

export type DelayedCommand = 'run-delayed' | 'remove-delayed';

const longestArgs = 200;

export function askToRunDelayed(context: ActionContext): void {
  ask(context, 'run-delayed');
}

export function askToRemoveDelayed(context: ActionContext): void {
  ask(context, 'remove-delayed');
}

function ask(context: ActionContext, command: DelayedCommand): void {
  const { store } = context;
  const item = selectedDelayed(store.getState());
  if (item === null) {
    context.toast('no delayed job selected', true);
    return;
  }
  if (item.kind === 'schedule') {
    const { source, name } = item.schedule;
    const place = source === 'config' ? 'the config file' : 'Redis';
    const hint =
      command === 'run-delayed' ? `use resque-runner schedule run ${name}` : `it comes from ${place}`;
    context.toast(`this is a schedule, not a job: ${hint}`, true);
    return;
  }
  const { job } = item;
  if (command === 'run-delayed' && job.queue === null) {
    context.toast("this job names no queue, so it can't run", true);
    return;
  }
  const isRun = command === 'run-delayed';
  changeView(store, {
    dialog: {
      kind: 'question',
      question: { kind: 'delayed', command, job: { time: job.time, index: job.index, sha1: job.sha1 } },
      title: isRun ? 'Run this job now?' : 'Delete this delayed job?',
      lines: [about(job), ...(isRun ? [`It goes to the end of the queue ${job.queue ?? ''}.`] : [])],
      choices: yesOrNo(isRun ? 'Run now' : 'Delete'),
      focus: 0,
    },
  });
}

function about({ jobClass, queue, args, dueAtMs }: DelayedInfo): string {
  const due = dueAtMs === null ? 'never due' : `due ${utcTime(dueAtMs)}`;
  return `${jobClass ?? '(no class)'} of ${queue ?? '(no queue)'}, ${due}: ${args.slice(0, longestArgs)}`;
}

/** The answer was yes. */
export async function changeDelayed(
  context: ActionContext,
  command: DelayedCommand,
  job: DelayedRef,
): Promise<void> {
  const reply = await context.run({ type: command, job });
  const { opened } = context.store.getState().view;
  if (reply.ok && opened?.kind === 'delayed-job') changeView(context.store, { opened: null });
  context.delayed.reread();
}
