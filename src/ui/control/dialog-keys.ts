/** Handles keys while a dialog is open: it gets all of them. */
import { changeView } from '../../store/app-store.ts';
import type { Dialog, Question } from '../../store/view.ts';
import type { ActionContext } from '../actions/action-context.ts';
import { saveLog } from '../actions/copy-and-save.ts';
import { changeDelayed } from '../actions/delayed-actions.ts';
import { carryOut } from '../actions/failure-actions.ts';
import { carryOutMatching } from '../actions/matching-actions.ts';
import { removeWaiting } from '../actions/queue-page.ts';
import { quitBy, stopBy, switchRunner } from '../actions/quit-actions.ts';
import { removeWorker } from '../actions/worker-actions.ts';
import { lastHelpTop } from '../dialogs/help.tsx';
import { focusOf } from '../lists/focus.ts';
import { type Perform, paletteKey } from './palette.ts';
import { promptKey, type TypingContext } from './prompt.ts';

const helpPage = 10;

/** @param text the text that the key types; '' if it types none */
export function dialogKey(
  context: TypingContext,
  dialog: Dialog,
  key: string,
  text: string,
  perform: Perform,
): void {
  switch (dialog.kind) {
    case 'help':
      helpKey(context, dialog.top, key);
      break;
    case 'prompt':
      promptKey(context, dialog, key, text);
      break;
    case 'palette':
      paletteKey(context, dialog, key, text, perform);
      break;
    case 'question':
      questionKey(context, dialog, key);
      break;
  }
}

function close({ store }: ActionContext): void {
  changeView(store, { dialog: null });
}

function helpKey(context: ActionContext, top: number, key: string): void {
  const { store, size, isReadOnly } = context;
  const last = lastHelpTop(focusOf(store.getState(), size), size, isReadOnly);
  const scrollTo = (line: number) =>
    changeView(store, { dialog: { kind: 'help', top: Math.max(0, Math.min(last, line)) } });
  if (['j', 'down'].includes(key)) scrollTo(top + 1);
  else if (['k', 'up'].includes(key)) scrollTo(top - 1);
  else if (['pagedown', 'ctrl+d', 'space'].includes(key)) scrollTo(top + helpPage);
  else if (['pageup', 'ctrl+u'].includes(key)) scrollTo(top - helpPage);
  else if (['g', 'home'].includes(key)) scrollTo(0);
  else if (['G', 'end'].includes(key)) scrollTo(last);
  else if (['?', 'q', 'escape', 'return'].includes(key)) close(context);
}

function questionKey(
  context: ActionContext,
  dialog: Extract<Dialog, { kind: 'question' }>,
  key: string,
): void {
  const { choices, focus } = dialog;
  const byKey = choices.find((choice) => choice.key === key);
  const moveTo = (next: number) =>
    changeView(context.store, { dialog: { ...dialog, focus: (next + choices.length) % choices.length } });
  if (key === 'escape') {
    close(context);
  } else if (byKey !== undefined) {
    close(context);
    answer(context, dialog.question, byKey.key);
  } else if (key === 'return') {
    close(context);
    answer(context, dialog.question, choices[focus]?.key ?? '');
  } else if (['right', 'down', 'tab', 'j', 'l'].includes(key)) {
    moveTo(focus + 1);
  } else if (['left', 'up', 'shift+tab', 'k', 'h'].includes(key)) {
    moveTo(focus - 1);
  }
}

/** @param key of the choice; in all questions but those on the runner as a whole, `y` is yes */
function answer(context: ActionContext, question: Question, key: string): void {
  if (question.kind === 'quit') {
    quitBy(context, key);
    return;
  }
  if (question.kind === 'stop-runner') {
    stopBy(context, key);
    return;
  }
  if (question.kind === 'switch-runner') {
    void switchRunner(context, question.sockets, key);
    return;
  }
  if (key !== 'y') return;
  switch (question.kind) {
    case 'kill-job':
      void context.run({ type: 'kill-job', jobId: question.jobId, signal: question.signal });
      break;
    case 'replace-file':
      void saveLog(context, question.file, true);
      break;
    case 'remove-worker':
      void removeWorker(context, question.worker);
      break;
    case 'delayed':
      void changeDelayed(context, question.command, question.job);
      break;
    case 'failures':
      void carryOut(context, question.command, question.entries);
      break;
    case 'matching':
      void carryOutMatching(context, question.command, question.filter, question.within);
      break;
    case 'remove-waiting':
      void removeWaiting(context, question);
      break;
  }
}
