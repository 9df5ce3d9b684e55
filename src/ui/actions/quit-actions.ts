/**
 * Leaving, stopping and switching the runner. A screen that only attached leaves without a question, and the runner keeps running. A runner
 * stops with the screen that started it, so that screen asks first. Stopping any other runner is a separate action.
 */
import { plural } from '../../messages/quantities.ts';
import { changeView } from '../../store/app-store.ts';
import type { Choice } from '../../store/view.ts';
import type { ActionContext } from './action-context.ts';

const quitKeys = { detach: 'd', drain: 'q', kill: 'K', cancel: 'c' } as const;
const stopKeys = { drain: 'd', kill: 'K', cancel: 'c' } as const;

const cancel = (key: string): Choice => ({ label: 'Cancel', key, detail: '' });

export function askToQuit(context: ActionContext): void {
  const { store, canLeaveRunning } = context;
  if (leaveAtOnce(context)) return;
  const jobs = jobsOf(context);
  const isStopping = isTold(context);
  const choices: Choice[] = [];
  if (canLeaveRunning) {
    choices.push({
      label: 'Detach',
      key: quitKeys.detach,
      detail: isStopping ? 'it stops when its jobs end' : 'leave the runner running',
    });
  }
  if (!isStopping) choices.push({ label: 'Drain and quit', key: quitKeys.drain, detail: jobs.toDrain });
  choices.push({ label: 'Kill and quit', key: quitKeys.kill, detail: jobs.toKill }, cancel(quitKeys.cancel));
  changeView(store, {
    dialog: {
      kind: 'question',
      question: { kind: 'quit' },
      title: isStopping ? 'The runner is stopping' : 'Quit?',
      lines: ['This screen started the runner.'],
      choices,
      focus: isStopping ? 0 : choices.findIndex(({ key }) => key === quitKeys.drain),
    },
  });
}

export function quitBy(context: ActionContext, key: string): void {
  switch (key) {
    case quitKeys.detach:
      context.end({ kind: 'detached' });
      break;
    case quitKeys.drain:
      stop(context, 'quit');
      break;
    case quitKeys.kill:
      stop(context, 'kill');
      break;
  }
}

/** Other people may rely on the runner, so the question names it. */
export function askToStop(context: ActionContext): void {
  const jobs = jobsOf(context);
  const isStopping = isTold(context);
  const drain: Choice = { label: 'Drain', key: stopKeys.drain, detail: jobs.toDrain };
  const choices = [
    ...(isStopping ? [] : [drain]),
    { label: 'Kill', key: stopKeys.kill, detail: jobs.toKill },
    cancel(stopKeys.cancel),
  ];
  changeView(context.store, {
    dialog: {
      kind: 'question',
      question: { kind: 'stop-runner' },
      title: isStopping ? 'The runner is stopping' : 'Stop the runner?',
      lines: [context.runnerName],
      choices,
      focus: choices.length - 1,
    },
  });
}

export function stopBy(context: ActionContext, key: string): void {
  if (key === stopKeys.drain) stop(context, 'quit');
  else if (key === stopKeys.kill) stop(context, 'kill');
}

/** Ctrl-C asks. A second one drains, a third one kills. */
export function interrupt(context: ActionContext): void {
  if (leaveAtOnce(context)) return;
  const { dialog } = context.store.getState().view;
  const isAsked = dialog?.kind === 'question' && dialog.question.kind === 'quit';
  if (isTold(context) || context.unanswered.some(({ type }) => type === 'stop')) stop(context, 'kill');
  else if (isAsked) stop(context, 'quit');
  else askToQuit(context);
}

/** @returns false if a question must come first */
function leaveAtOnce(context: ActionContext): boolean {
  if (context.store.getState().model.engine?.isStopped === true) context.end({ kind: 'stopped' });
  else if (!context.isOwner) context.end({ kind: 'detached' });
  else return false;
  return true;
}

function isTold({ store }: ActionContext): boolean {
  return store.getState().model.engine?.stopping != null;
}

function jobsOf({ store }: ActionContext): { readonly toDrain: string; readonly toKill: string } {
  const running = store.getState().model.jobs.length;
  if (running === 0) return { toDrain: 'no jobs are running', toKill: 'no jobs are running' };
  const jobs = plural(running, 'running job');
  return { toDrain: `wait for ${jobs}`, toKill: `kill ${jobs}` };
}

function stop(context: ActionContext, mode: 'quit' | 'kill'): void {
  changeView(context.store, { dialog: null });
  void context.run({ type: 'stop', mode });
}

/** One key each. */
const mostRunners = 9;

export async function askForRunner(context: ActionContext): Promise<void> {
  const { runners, store } = context;
  if (runners === null) {
    const what = context.isOwner
      ? 'this screen started its runner: detach with q, then attach to another'
      : "this screen can't leave its runner";
    context.toast(what, true);
    return;
  }
  const others = (await runners.list()).slice(0, mostRunners);
  if (others.length === 0) {
    context.toast('no other runner of this user is running on this host', true);
    return;
  }
  changeView(store, {
    dialog: {
      kind: 'question',
      question: { kind: 'switch-runner', sockets: others.map(({ socket }) => socket) },
      title: 'Switch to another runner?',
      lines: [`This screen shows ${context.runnerName}.`],
      choices: [
        ...others.map(({ label, detail }, at) => ({ label, key: String(at + 1), detail })),
        cancel(quitKeys.cancel),
      ],
      focus: 0,
    },
  });
}

export async function switchRunner(
  context: ActionContext,
  sockets: readonly string[],
  key: string,
): Promise<void> {
  const socket = sockets[Number(key) - 1];
  if (context.runners === null || socket === undefined) return;
  const trouble = await context.runners.switchTo(socket);
  if (trouble !== null) {
    context.toast(trouble, true);
    return;
  }
  context.closeLog();
  context.failures.reread();
  context.toast(`attached to ${context.runnerName}`);
}
