/** The keys of the palette: they type a command, or choose one of those that match. */
import { changeView } from '../../store/app-store.ts';
import type { Dialog } from '../../store/view.ts';
import type { ActionContext } from '../actions/action-context.ts';
import { goToQueue } from '../actions/navigation.ts';
import { type PaletteItem, paletteItems } from '../dialogs/palette.tsx';
import type { ActionName } from '../keys/keymap.ts';
import { readCommandLine } from '../lists/command-line.ts';
import { carryOutOrder } from './commands.ts';
import { recalled, remember, typed } from './typing.ts';

export type Perform = (action: ActionName) => void;
type PaletteDialog = Extract<Dialog, { kind: 'palette' }>;

/** @param text the text that the key types; '' if it types none */
export function paletteKey(
  context: ActionContext,
  dialog: PaletteDialog,
  key: string,
  text: string,
  perform: Perform,
): void {
  const { store } = context;
  const state = store.getState();
  const { text: line, cursor } = dialog;
  const items = paletteItems(state, context.size, context.isReadOnly, line);
  const item = items[cursor];
  const moveTo = (next: number) =>
    changeView(store, { dialog: { ...dialog, cursor: Math.max(0, Math.min(items.length - 1, next)) } });
  const type = (next: string) => changeView(store, { dialog: { kind: 'palette', text: next, cursor: 0 } });
  // At the top of the list, `↑` leads to earlier commands, and `↓` back.
  const step = key === 'up' ? 1 : -1;
  const isRecall = cursor === 0 && (key === 'up' || (key === 'down' && dialog.recalled !== undefined));
  const earlier = isRecall ? recalled(dialog, state.view.typed.command ?? [], step) : null;
  if (key === 'escape') {
    changeView(store, { dialog: null });
  } else if (key === 'return') {
    choose(context, line, item, type, perform);
  } else if (earlier !== null) {
    changeView(store, { dialog: { kind: 'palette', cursor: 0, ...earlier } });
  } else if (key === 'tab' && (item?.kind === 'command' || item?.kind === 'offer')) {
    type(item.text);
  } else if (key === 'down' || key === 'tab') {
    moveTo(cursor + 1);
  } else if (key === 'up' || key === 'shift+tab') {
    moveTo(cursor - 1);
  } else {
    const next = typed(line, key, text);
    if (next !== null) type(next);
  }
}

function choose(
  context: ActionContext,
  line: string,
  item: PaletteItem | undefined,
  type: (text: string) => void,
  perform: Perform,
): void {
  const { store, isReadOnly } = context;
  const state = store.getState();
  if ((item?.kind === 'command' || item?.kind === 'offer') && !item.isWhole) {
    type(item.text);
    return;
  }
  const { typed: before } = state.view;
  const close = (typedLine: string) =>
    changeView(store, {
      dialog: null,
      typed: { ...before, command: remember(before.command ?? [], typedLine) },
    });
  if (item?.kind === 'action' || item?.kind === 'queue') {
    close(line);
    if (item.kind === 'action') perform(item.action);
    else goToQueue(context, item.queue);
    return;
  }
  const text = item?.text ?? line;
  const order = readCommandLine(text, state, isReadOnly);
  if (typeof order === 'string') {
    // The palette stays open, so that the line can be corrected.
    context.toast(order, true);
    return;
  }
  close(text);
  carryOutOrder(context, order);
}
