/** Leaving: what becomes of the engine is always asked where it would stop with us. */
import { changeView } from '../../store/app-store.ts';
import type { Choice } from '../../store/view.ts';
import { plural } from '../../wording/quantities.ts';
import type { ActionContext } from './action-context.ts';

const quitKeys = { detach: 'd', drain: 'q', kill: 'K', cancel: 'c' } as const;

export function askToQuit(context: ActionContext): void {
  const { store, isOwner, isReadOnly, canLeaveRunning } = context;
  const { model } = store.getState();
  if (model.engine?.isStopped === true) {
    context.end({ kind: 'stopped' });
    return;
  }
  if (isReadOnly && !isOwner) {
    context.end({ kind: 'detached' });
    return;
  }
  const running = model.jobs.length;
  const jobs = running === 0 ? 'no job is running' : plural(running, 'running job');
  const isStopping = model.engine?.stopping != null;
  const choices: Choice[] = [];
  if (canLeaveRunning) {
    choices.push({
      label: 'Detach',
      key: quitKeys.detach,
      detail: isStopping ? 'it stops when its jobs have ended' : 'leave it running; `attach` comes back',
    });
  }
  if (!isStopping) {
    choices.push({
      label: 'Drain and quit',
      key: quitKeys.drain,
      detail: running === 0 ? jobs : `wait for ${jobs}`,
    });
  }
  choices.push({ label: 'Kill and quit', key: quitKeys.kill, detail: running === 0 ? jobs : `end ${jobs}` });
  choices.push({ label: 'Cancel', key: quitKeys.cancel, detail: '' });
  const safest = isOwner && !isStopping ? choices.findIndex(({ key }) => key === quitKeys.drain) : 0;
  changeView(store, {
    dialog: {
      kind: 'question',
      question: { kind: 'quit' },
      title: isStopping ? 'It is stopping' : 'Quit',
      lines: [
        isOwner
          ? 'This screen has started the runner.'
          : 'The runner was started elsewhere and goes on without this screen.',
      ],
      choices,
      focus: safest,
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

/** Ctrl-C as people press it: once to be asked, twice to drain, three times to kill. */
export function interrupt(context: ActionContext): void {
  const { store, isOwner, unanswered } = context;
  const { model, view } = store.getState();
  if (model.engine?.isStopped === true) {
    context.end({ kind: 'stopped' });
    return;
  }
  const isStopping = model.engine?.stopping != null || unanswered.some(({ type }) => type === 'stop');
  const isAsked = view.dialog?.kind === 'question' && view.dialog.question.kind === 'quit';
  if (isOwner && isStopping) {
    stop(context, 'kill');
  } else if (!isAsked) {
    askToQuit(context);
  } else if (isOwner) {
    stop(context, 'quit');
  } else {
    // A runner that others may rely on isn't stopped by a reflex.
    context.end({ kind: 'detached' });
  }
}

function stop(context: ActionContext, mode: 'quit' | 'kill'): void {
  changeView(context.store, { dialog: null });
  void context.run({ type: 'stop', mode });
}
