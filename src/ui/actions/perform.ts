/** Maps the name of an action to its function. */
import { changeView } from '../../store/app-store.ts';
import { findJob } from '../../store/selectors.ts';
import { tabs } from '../../store/view.ts';
import type { ActionName } from '../keys/keymap.ts';
import { innerWidth } from '../layout/framed.ts';
import { pageOfQueue } from '../lists/selection.ts';
import { unfoldedArgs } from '../log/job-words.ts';
import type { ActionContext } from './action-context.ts';
import { askToSave, copySelection, showInPager } from './copy-and-save.ts';
import { askToRemoveDelayed, askToRunDelayed } from './delayed-actions.ts';
import { remove, retry, retryMatching, toggleMark, toggleMarkAll } from './failure-actions.ts';
import { changeGroup, toggleGroups } from './group-actions.ts';
import { openFailureOfJob, retryJob } from './job-failure.ts';
import {
  back,
  goToDelayed,
  goToTab,
  move,
  movePages,
  movePane,
  movePanel,
  open,
  openNextFailure,
} from './navigation.ts';
import {
  askForSlots,
  askToKill,
  changeSlots,
  nextSort,
  nextTrouble,
  togglePause,
  togglePauseAll,
} from './queue-actions.ts';
import { deleteChosen, moveWaiting } from './queue-page.ts';
import { askForRunner, askToQuit, askToStop, interrupt } from './quit-actions.ts';
import { askToRemoveWorker } from './worker-actions.ts';

type Action = (context: ActionContext) => void;

const actions: Readonly<Record<ActionName, Action>> = {
  up: (context) => move(context, -1),
  down: (context) => move(context, 1),
  left: (context) => movePanel(context, -1),
  right: (context) => movePanel(context, 1),
  top: (context) => move(context, 'top'),
  bottom: (context) => move(context, 'bottom'),
  'half-page-down': (context) => movePages(context, 0.5),
  'half-page-up': (context) => movePages(context, -0.5),
  'page-down': (context) => movePages(context, 1),
  'page-up': (context) => movePages(context, -1),
  'tab-1': (context) => goToTab(context, tabs[0]),
  'tab-2': (context) => goToTab(context, tabs[1]),
  'tab-3': (context) => goToTab(context, tabs[2]),
  'tab-4': (context) => goToTab(context, tabs[3]),
  'tab-5': (context) => goToTab(context, tabs[4]),
  'tab-6': goToDelayed,
  'next-pane': (context) => movePane(context, 1),
  'previous-pane': (context) => movePane(context, -1),
  open,
  back: (context) => {
    if (!back(context) && context.store.getState().away !== null) askToQuit(context);
  },
  filter: askForFilter,
  search: ({ store }) =>
    changeView(store, {
      dialog: { kind: 'prompt', purpose: { kind: 'search' }, label: 'search: ', text: '' },
    }),
  'next-match': ({ log }) => log?.nextMatch(1),
  'previous-match': ({ log }) => log?.nextMatch(-1),
  sort: nextSort,
  'next-trouble': nextTrouble,
  'toggle-pause': togglePause,
  'toggle-pause-all': togglePauseAll,
  'slots-up': (context) => changeSlots(context, 1),
  'slots-down': (context) => changeSlots(context, -1),
  'slots-set': askForSlots,
  mark: toggleMark,
  'mark-all': toggleMarkAll,
  retry,
  'retry-matching': retryMatching,
  delete: remove,
  groups: toggleGroups,
  'retry-group': (context) => changeGroup(context, 'retry-matching'),
  'delete-group': (context) => changeGroup(context, 'remove-matching'),
  'retry-job': (context) => void retryJob(context),
  'failure-of-job': (context) => void openFailureOfJob(context),
  'next-failure': (context) => openNextFailure(context, 1),
  'previous-failure': (context) => openNextFailure(context, -1),
  'delete-waiting': deleteChosen,
  'to-head': (context) => void moveWaiting(context, 'head'),
  'to-tail': (context) => void moveWaiting(context, 'tail'),
  'terminate-job': (context) => askToKill(context, 'SIGTERM'),
  'kill-job': (context) => askToKill(context, 'SIGKILL'),
  'remove-worker': askToRemoveWorker,
  'run-delayed': askToRunDelayed,
  'remove-delayed': askToRemoveDelayed,
  follow: ({ log }) => log?.toggleFollow(),
  wrap: ({ store }) => changeLog(store, ({ isWrapped }) => ({ isWrapped: !isWrapped })),
  times: ({ store }) => changeLog(store, ({ hasTimes }) => ({ hasTimes: !hasTimes })),
  zoom: ({ store }) => changeLog(store, ({ isZoomed }) => ({ isZoomed: !isZoomed })),
  args: toggleArgs,
  streams: ({ log }) => log?.nextStreams(),
  'mark-line': ({ log }) => log?.mark(),
  save: askToSave,
  pager: (context) => void showInPager(context),
  copy: copySelection,
  help: ({ store }) => changeView(store, { dialog: { kind: 'help', top: 0 } }),
  palette: ({ store }) => changeView(store, { dialog: { kind: 'palette', text: '', cursor: 0 } }),
  'toggle-mouse': (context) =>
    context.toast(
      context.toggleMouse() ? 'the mouse is on' : 'the mouse is off: the terminal selects text by itself',
    ),
  'toggle-bell': (context) => setBell(context, !context.store.getState().view.isBellOn),
  repaint: (context) => context.repaint(),
  suspend: (context) => context.suspend(),
  quit: (context) => {
    if (!back(context)) askToQuit(context);
  },
  'stop-runner': askToStop,
  'switch-runner': (context) => void askForRunner(context),
  interrupt,
};

export function setBell(context: ActionContext, isBellOn: boolean): void {
  changeView(context.store, { isBellOn });
  context.toast(isBellOn ? 'trouble rings the bell and shows in the title' : 'bell and title are off');
}

export function perform(context: ActionContext, action: ActionName): void {
  actions[action](context);
}

type Store = ActionContext['store'];
type LogView = ReturnType<Store['getState']>['view']['log'];

function changeLog(store: Store, change: (log: LogView) => Partial<LogView>): void {
  const { log } = store.getState().view;
  changeView(store, { log: { ...log, ...change(log) } });
}

/** Its keys are in `control/prompt.ts`. */
function askForFilter({ store }: ActionContext): void {
  const { view } = store.getState();
  const page = pageOfQueue(view);
  changeView(store, {
    dialog: {
      kind: 'prompt',
      purpose:
        page === null
          ? { kind: 'filter', list: view.tab, before: { [view.tab]: view[view.tab] } }
          : { kind: 'filter', list: 'waiting', before: { opened: page } },
      label: 'filter: ',
      text: (page ?? view[view.tab]).filter,
    },
  });
}

/** One line for the arguments of the open job, or a line for each value. */
function toggleArgs({ store, size }: ActionContext): void {
  const { view, model } = store.getState();
  if (view.opened?.kind !== 'job') return;
  const args = findJob(model, view.opened.jobId)?.args ?? '';
  changeLog(store, ({ argsRows }) => ({
    argsRows: argsRows > 0 ? 0 : unfoldedArgs(args, innerWidth(size.columns)).length,
  }));
}
