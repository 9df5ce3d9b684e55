/**
 * The mouse. A click does what the span under it says: it selects a row or presses a key, so it can do nothing that a key
 * can't. The wheel moves the list or text under it.
 */
import { changeView } from '../../store/app-store.ts';
import type { ActionContext } from '../actions/action-context.ts';
import { move } from '../actions/navigation.ts';
import type { MouseHit } from '../frame/mouse-map.ts';
import type { MouseInput } from '../keys/key-sequences.ts';

/** Rows for one step of the wheel, as in most programs. */
const wheelRows = 3;

/** @param press carries out a key */
export function handleMouse(
  context: ActionContext,
  kind: MouseInput['kind'],
  hit: MouseHit | null,
  press: (key: string) => void,
): void {
  if (kind === 'click') click(context, hit, press);
  else turnWheel(context, kind === 'wheel-up' ? -1 : 1, hit, press);
}

function click({ store }: ActionContext, hit: MouseHit | null, press: (key: string) => void): void {
  const { dialog } = store.getState().view;
  if (dialog !== null && dialog.kind !== 'prompt' && hit?.isOnTop !== true) {
    // A question waits for an answer.
    if (dialog.kind !== 'question') press('escape');
    return;
  }
  const target = hit?.target ?? null;
  if (target === null) return;
  if (dialog?.kind === 'prompt') {
    if (dialog.purpose.kind === 'slots') return;
    press('return');
  }
  if (target.select !== undefined) changeView(store, target.select(store.getState().view));
  if (target.key !== undefined) press(target.key);
}

function turnWheel(
  context: ActionContext,
  direction: 1 | -1,
  hit: MouseHit | null,
  press: (key: string) => void,
): void {
  const { store } = context;
  const { dialog } = store.getState().view;
  if (dialog?.kind === 'help' || dialog?.kind === 'palette') {
    for (let row = 0; row < wheelRows; row += 1) press(direction === 1 ? 'down' : 'up');
    return;
  }
  if (dialog?.kind === 'question' || hit === null || hit.wheel === null) return;
  changeView(store, hit.wheel(store.getState().view));
  move(context, direction * wheelRows);
}
