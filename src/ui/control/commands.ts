/** Carries out what was typed after `:`. */
import { changeView } from '../../store/app-store.ts';
import { initialView } from '../../store/view.ts';
import type { ActionContext } from '../actions/action-context.ts';
import { askMatching } from '../actions/matching-actions.ts';
import { goToQueue, goToTab } from '../actions/navigation.ts';
import { setBell } from '../actions/perform.ts';
import { setSlots } from '../actions/queue-actions.ts';
import type { Order } from '../lists/command-line.ts';

export function carryOutOrder(context: ActionContext, order: Order): void {
  switch (order.kind) {
    case 'pause':
    case 'resume':
      void context.run(
        order.queue === null
          ? { type: order.kind === 'pause' ? 'pause-all' : 'resume-all' }
          : { type: order.kind === 'pause' ? 'pause-queue' : 'resume-queue', queue: order.queue },
      );
      break;
    case 'reset':
      void context.run(
        order.queue === null ? { type: 'reset-all' } : { type: 'reset-queue', queue: order.queue },
      );
      break;
    case 'slots':
      setSlots(context, order.runner, order.slots);
      break;
    case 'reload':
      void context.run({ type: 'reload-config' });
      break;
    case 'bell':
      setBell(context, order.isOn);
      break;
    case 'go':
      if ('tab' in order.place) goToTab(context, order.place.tab);
      else goToQueue(context, order.place.queue);
      break;
    case 'retry':
    case 'delete':
      showMatches(context, order.filter);
      void askMatching(context, order.kind === 'delete' ? 'remove-matching' : 'retry-matching');
      break;
  }
}

/** The user sees what the question is about. */
function showMatches(context: ActionContext, filter: string): void {
  changeView(context.store, { failures: { ...initialView.failures, filter } });
  goToTab(context, 'failures');
  context.failures.restart();
}
