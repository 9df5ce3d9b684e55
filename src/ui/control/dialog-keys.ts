/** Handles keys while a dialog is open: it gets all of them. */
import { changeView } from '../../store/app-store.ts';
import type { Dialog, PromptPurpose, Question } from '../../store/view.ts';
import type { ActionContext } from '../actions/action-context.ts';
import { changeDelayed } from '../actions/delayed-actions.ts';
import { carryOut } from '../actions/failure-actions.ts';
import { carryOutMatching } from '../actions/matching-actions.ts';
import { goToQueue } from '../actions/navigation.ts';
import { setSlots } from '../actions/queue-actions.ts';
import { removeWaiting } from '../actions/queue-page.ts';
import { quitBy, stopBy } from '../actions/quit-actions.ts';
import { removeWorker } from '../actions/worker-actions.ts';
import { lastHelpTop } from '../dialogs/help.tsx';
import { paletteItems } from '../dialogs/palette.tsx';
import type { ActionName } from '../keys/keymap.ts';
import { contextOf, pageOfQueue } from '../lists/selection.ts';
import { characters } from '../text/columns.ts';

export type Perform = (action: ActionName) => void;

const helpPage = 10;
const longestTyped = 1_000;

/** @param text the text that the key types; '' if it types none */
export function dialogKey(
  context: ActionContext,
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
  const last = lastHelpTop(contextOf(store.getState().view), size, isReadOnly);
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

/** The text after a key in a prompt; `null` if the key doesn't edit text. */
function typed(before: string, key: string, text: string): string | null {
  if (key === 'backspace') {
    return Array.from(characters(before), (character) => character.text)
      .slice(0, -1)
      .join('');
  }
  if (key === 'ctrl+u') return '';
  if (key === 'ctrl+w') return before.replace(/\S*\s*$/, '');
  return text === '' ? null : (before + text).slice(0, longestTyped);
}

function promptKey(
  context: ActionContext,
  dialog: Extract<Dialog, { kind: 'prompt' }>,
  key: string,
  text: string,
): void {
  if (key === 'escape') {
    close(context);
  } else if (key === 'return') {
    close(context);
    apply(context, dialog.purpose, dialog.text);
  } else if (key === 'backspace' && dialog.text === '') {
    close(context);
  } else {
    const next = typed(dialog.text, key, text);
    if (next !== null) changeView(context.store, { dialog: { ...dialog, text: next } });
  }
}

function apply(context: ActionContext, purpose: PromptPurpose, text: string): void {
  switch (purpose.kind) {
    case 'slots':
      setSlots(context, purpose.runner, text);
      break;
    case 'search':
      context.log?.search(text);
      break;
    case 'filter':
      applyFilter(context, text.trim());
      break;
  }
}

function applyFilter({ store, failures, delayed }: ActionContext, filter: string): void {
  const { view } = store.getState();
  const page = pageOfQueue(view);
  if (page !== null) {
    changeView(store, { opened: { ...page, pane: 'waiting', filter, waiting: null } });
    return;
  }
  switch (view.tab) {
    case 'queues':
      changeView(store, { queues: { ...view.queues, filter, queue: null, jobId: null } });
      break;
    case 'failures':
      changeView(store, {
        failures: {
          ...view.failures,
          ...{ filter, cursor: null, groupCursor: null, marked: new Map(), isAllMarked: false },
        },
      });
      failures.restart();
      break;
    case 'jobs':
    case 'events':
    case 'workers':
      changeView(store, { [view.tab]: { filter, cursor: null } });
      break;
    case 'delayed':
      changeView(store, { delayed: { filter, cursor: null } });
      delayed.restart();
      break;
  }
}

function paletteKey(
  context: ActionContext,
  dialog: Extract<Dialog, { kind: 'palette' }>,
  key: string,
  text: string,
  perform: Perform,
): void {
  const { store } = context;
  const { model, view } = store.getState();
  const queueNames = model.queues.map(({ name }) => name);
  const items = paletteItems(contextOf(view), queueNames, context.isReadOnly, dialog.text);
  const moveTo = (cursor: number) =>
    changeView(store, {
      dialog: { ...dialog, cursor: Math.max(0, Math.min(items.length - 1, cursor)) },
    });
  if (key === 'escape') {
    close(context);
  } else if (key === 'return') {
    close(context);
    const item = items[dialog.cursor];
    if (item?.kind === 'action') perform(item.action);
    if (item?.kind === 'queue') goToQueue(context, item.queue);
  } else if (key === 'down' || key === 'tab') {
    moveTo(dialog.cursor + 1);
  } else if (key === 'up' || key === 'shift+tab') {
    moveTo(dialog.cursor - 1);
  } else {
    const next = typed(dialog.text, key, text);
    if (next !== null) changeView(store, { dialog: { kind: 'palette', text: next, cursor: 0 } });
  }
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

/** @param key of the choice; in all questions but those on stopping the runner, `y` is yes */
function answer(context: ActionContext, question: Question, key: string): void {
  if (question.kind === 'quit') {
    quitBy(context, key);
    return;
  }
  if (question.kind === 'stop-runner') {
    stopBy(context, key);
    return;
  }
  if (key !== 'y') return;
  switch (question.kind) {
    case 'kill-job':
      void context.run({ type: 'kill-job', jobId: question.jobId, signal: question.signal });
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
