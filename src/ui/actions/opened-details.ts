/** Opens a worker, a delayed job or a schedule in full, and scrolls what is open. */
import { changeView } from '../../store/app-store.ts';
import { lastDetailTop } from '../details/opened-detail.ts';
import { type Step, selectedDelayed, selectedWorker } from '../lists/selection.ts';
import type { ActionContext } from './action-context.ts';

/** @returns false if the cursor is on none of them */
export function openDetail({ store }: ActionContext): boolean {
  const state = store.getState();
  const worker = selectedWorker(state);
  const item = selectedDelayed(state);
  if (worker !== null) changeView(store, { opened: { kind: 'worker', worker, top: 0 } });
  else if (item !== null) changeView(store, { opened: { kind: 'delayed-job', item, top: 0 } });
  return worker !== null || item !== null;
}

export function scrollDetail({ store, size }: ActionContext, step: Step): void {
  const { opened } = store.getState().view;
  if (opened === null || opened.kind === 'job' || opened.kind === 'queue') return;
  const last = lastDetailTop(opened, size);
  // If the screen has become larger, its first line is now before `top`.
  const from = Math.min(opened.top, last);
  const top = step === 'top' ? 0 : step === 'bottom' ? last : Math.max(0, Math.min(last, from + step));
  changeView(store, { opened: { ...opened, top } });
}
