/** The keys of a prompt: one line at the bottom of the screen. A list follows its filter while the user types it. */
import { changeView } from '../../store/app-store.ts';
import type { Dialog, FilteredList, PromptPurpose, TypedKind } from '../../store/view.ts';
import type { ActionContext } from '../actions/action-context.ts';
import { saveLog } from '../actions/copy-and-save.ts';
import { setSlots } from '../actions/queue-actions.ts';
import { completedFilter, filterProblem } from '../lists/completions.ts';
import type { Delay } from './delay.ts';
import { applyFilter, restoreFilter } from './filter.ts';
import { recalled, remember, typed } from './typing.ts';

export interface TypingContext extends ActionContext {
  /** Before the engine is asked for what matches. */
  readonly delay: Delay;
}

/** Redis has these lists, and people type faster than they can be read. */
const readByEngine: ReadonlySet<FilteredList> = new Set(['failures', 'waiting', 'delayed']);

type PromptDialog = Extract<Dialog, { kind: 'prompt' }>;

/** @param text the text that the key types; '' if it types none */
export function promptKey(context: TypingContext, dialog: PromptDialog, key: string, text: string): void {
  const { store } = context;
  const { purpose, text: line } = dialog;
  const { view } = store.getState();
  switch (key) {
    case 'escape':
      changeView(store, { dialog: null });
      context.delay.cancel();
      if (purpose.kind === 'filter') restoreFilter(context, purpose.before);
      return;
    case 'return':
      keep(context, dialog);
      return;
    case 'up':
    case 'down': {
      const history = view.typed[kindOf(purpose) ?? 'search'] ?? [];
      const next = kindOf(purpose) === null ? null : recalled(dialog, history, key === 'up' ? 1 : -1);
      if (next === null) return;
      changeView(store, { dialog: { kind: 'prompt', purpose, label: dialog.label, ...next } });
      follow(context, purpose, next.text);
      return;
    }
    case 'tab': {
      if (purpose.kind !== 'filter') return;
      const { text: next, choices } = completedFilter(line, purpose.list, store.getState());
      changeView(store, { dialog: { kind: 'prompt', purpose, label: dialog.label, text: next, choices } });
      follow(context, purpose, next);
      return;
    }
  }
  if (key === 'backspace' && line === '') {
    // An empty number of slots means something.
    if (purpose.kind === 'slots') changeView(store, { dialog: null });
    else keep(context, dialog);
    return;
  }
  const next = typed(line, key, text);
  if (next === null) return;
  changeView(store, { dialog: { kind: 'prompt', purpose, label: dialog.label, text: next } });
  follow(context, purpose, next);
}

/** Which earlier lines `↑` brings back; `null`: none. */
function kindOf(purpose: PromptPurpose): TypedKind | null {
  if (purpose.kind === 'filter') return purpose.list;
  return purpose.kind === 'search' ? 'search' : null;
}

function follow(context: TypingContext, purpose: PromptPurpose, text: string): void {
  if (purpose.kind !== 'filter') return;
  const { store, delay } = context;
  const filter = text.trim();
  if (!readByEngine.has(purpose.list)) {
    applyFilter(context, filter);
    return;
  }
  delay.start(() => {
    if (store.getState().view.dialog?.kind === 'prompt') applyFilter(context, filter);
  });
}

function keep(context: TypingContext, { purpose, text }: PromptDialog): void {
  const { store, delay } = context;
  delay.cancel();
  const kind = kindOf(purpose);
  const { typed: before } = store.getState().view;
  changeView(store, {
    dialog: null,
    ...(kind === null ? {} : { typed: { ...before, [kind]: remember(before[kind] ?? [], text) } }),
  });
  switch (purpose.kind) {
    case 'slots':
      setSlots(context, purpose.runner, text);
      break;
    case 'search':
      context.log?.search(text);
      break;
    case 'save-log':
      void saveLog(context, text);
      break;
    case 'filter': {
      applyFilter(context, text.trim());
      const problem = filterProblem(text, purpose.list);
      if (problem !== null) context.toast(problem, true);
      break;
    }
  }
}
