/**
 * Every key of the user interface, as data. Help, footer, palette and the table in the documents come from it. A key
 * that isn't here does nothing. Dialogs have their own keys: `control/dialog-keys.ts` handles them, and `dialogHints` says
 * what they are.
 *
 * Long because it is one table.
 */

import type { Dialog, QueuePane, QueuesPane } from '../../store/view.ts';

/** What the keys act on: the tab, or what is open on top of it. */
export type Context =
  | 'queues'
  | 'failures'
  | 'groups'
  | 'jobs'
  | 'events'
  | 'workers'
  | 'delayed'
  | 'queue'
  | 'job'
  | 'failure'
  | 'worker'
  | 'delayed-job'
  | 'waiting-job';

export type ActionName =
  | 'up'
  | 'down'
  | 'left'
  | 'right'
  | 'top'
  | 'bottom'
  | 'half-page-down'
  | 'half-page-up'
  | 'page-down'
  | 'page-up'
  | 'tab-1'
  | 'tab-2'
  | 'tab-3'
  | 'tab-4'
  | 'tab-5'
  | 'tab-6'
  | 'next-pane'
  | 'previous-pane'
  | 'open'
  | 'back'
  | 'filter'
  | 'search'
  | 'next-match'
  | 'previous-match'
  | 'sort'
  | 'next-trouble'
  | 'toggle-pause'
  | 'toggle-pause-all'
  | 'slots-up'
  | 'slots-down'
  | 'slots-set'
  | 'mark'
  | 'mark-all'
  | 'retry'
  | 'retry-matching'
  | 'delete'
  | 'groups'
  | 'retry-group'
  | 'delete-group'
  | 'retry-job'
  | 'failure-of-job'
  | 'next-failure'
  | 'previous-failure'
  | 'delete-waiting'
  | 'to-head'
  | 'to-tail'
  | 'terminate-job'
  | 'kill-job'
  | 'remove-worker'
  | 'run-delayed'
  | 'remove-delayed'
  | 'follow'
  | 'wrap'
  | 'times'
  | 'mark-line'
  | 'zoom'
  | 'args'
  | 'streams'
  | 'save'
  | 'pager'
  | 'copy'
  | 'help'
  | 'palette'
  | 'toggle-mouse'
  | 'toggle-bell'
  | 'repaint'
  | 'suspend'
  | 'quit'
  | 'stop-runner'
  | 'switch-runner'
  | 'interrupt';

/** In the order of the help. */
export const bindingGroups = ['act', 'log', 'move', 'program'] as const;
export type BindingGroup = (typeof bindingGroups)[number];

/** Where the keys go. A binding may work only in a part of its contexts. */
export interface Focus {
  readonly context: Context;
  /** Of the queues screen or of a queue's page; `null` elsewhere. */
  readonly pane: QueuesPane | QueuePane | null;
  /** The job that is open or under the cursor runs; the open job has failed. */
  readonly isRunningJob: boolean;
  readonly isFailedJob: boolean;
  /** The worker under the cursor is stale; what is under the cursor is a delayed job, not a schedule. */
  readonly isRemovable: boolean;
  /** There is a search in the open log. */
  readonly isSearching: boolean;
  /** `q` and Esc go back. Otherwise `q` quits. */
  readonly canGoBack: boolean;
  /** The terminal has no room for tabs. */
  readonly isCompact: boolean;
}

export interface Binding {
  readonly action: ActionName;
  readonly keys: readonly string[];
  /** The keys as people write them. */
  readonly shown: string;
  readonly label: string;
  /** Shorter, for the footer, which leaves out bindings without it. */
  readonly footer?: string;
  /** In these contexts, this instead. */
  readonly footerIn?: Partial<Record<Context, string>>;
  /** Shorter, for the help. Neighbors with the same text share a row. */
  readonly inHelp?: string;
  readonly group: BindingGroup;
  readonly contexts: readonly Context[];
  /** Asks first, with Cancel focused. */
  readonly asks?: true;
  /** Changes something outside this screen: `--read-only` leaves it out. */
  readonly changes?: true;
  /** In contexts with panes, it works if one of these has the focus. Otherwise it says what to do. */
  readonly panes?: Partial<Record<Context, readonly NonNullable<Focus['pane']>[]>>;
  /** It works if this holds. */
  readonly when?: (focus: Focus) => boolean;
  /** Acts on a row of a list. If the rows are still being read, the key waits for them. */
  readonly needsRow?: true;
}

const lists: readonly Context[] = [
  ...(['queues', 'failures', 'groups', 'jobs', 'events', 'workers', 'delayed'] as const),
  'queue',
];
const everywhere: readonly Context[] = [...lists, 'job', 'failure', 'worker', 'delayed-job', 'waiting-job'];
/** Where one queue is selected or open. */
const withQueue: readonly Context[] = ['queues', 'queue'];

/** The panes of the queues screen in which a queue is selected. */
const queuePanes: readonly QueuesPane[] = ['queues', 'running'];
const hasTabs = ({ isCompact }: Focus) => !isCompact;

/** In the order of footer and help: what acts comes before what moves. */
export const keymap: readonly Binding[] = [
  {
    action: 'open',
    needsRow: true,
    keys: ['return'],
    shown: 'Enter',
    label: 'open',
    footer: 'open',
    group: 'act',
    contexts: lists,
    panes: { queue: ['running', 'groups'] },
  },
  {
    action: 'toggle-pause',
    keys: ['p'],
    shown: 'p',
    label: 'pause or resume the queue',
    footer: 'pause',
    group: 'act',
    contexts: withQueue,
    changes: true,
    panes: { queues: queuePanes },
  },
  {
    action: 'toggle-pause-all',
    keys: ['P'],
    shown: 'P',
    label: 'pause or resume all queues',
    group: 'act',
    contexts: ['queues', 'jobs', 'events'],
    changes: true,
  },
  {
    action: 'slots-up',
    keys: ['+'],
    shown: '+',
    label: 'add a slot',
    inHelp: 'add, remove a slot',
    footer: 'slots',
    group: 'act',
    contexts: withQueue,
    changes: true,
    panes: { queues: queuePanes },
  },
  {
    action: 'slots-down',
    keys: ['-'],
    shown: '-',
    label: 'remove a slot',
    inHelp: 'add, remove a slot',
    group: 'act',
    contexts: withQueue,
    changes: true,
    panes: { queues: queuePanes },
  },
  {
    action: 'slots-set',
    keys: ['='],
    shown: '=',
    label: 'set the number of slots',
    group: 'act',
    contexts: withQueue,
    changes: true,
    panes: { queues: queuePanes },
  },
  {
    action: 'mark',
    needsRow: true,
    keys: ['space'],
    shown: 'Space',
    label: 'mark',
    footer: 'mark',
    group: 'act',
    contexts: ['failures'],
  },
  {
    action: 'mark-all',
    needsRow: true,
    keys: ['*'],
    shown: '*',
    label: 'mark all matches, or unmark all',
    inHelp: 'mark or unmark all matches',
    footer: 'all',
    group: 'act',
    contexts: ['failures'],
  },
  {
    action: 'retry',
    needsRow: true,
    keys: ['r'],
    shown: 'r',
    label: 'retry this failure, or the marked ones',
    footer: 'retry',
    group: 'act',
    contexts: ['queues', 'failures', 'failure'],
    changes: true,
    panes: { queues: ['failures'] },
  },
  {
    action: 'retry-matching',
    keys: ['R'],
    shown: 'R',
    label: 'retry all matches',
    footer: 'retry all',
    group: 'act',
    contexts: ['failures'],
    asks: true,
    changes: true,
  },
  {
    action: 'delete',
    needsRow: true,
    keys: ['D'],
    shown: 'D',
    label: 'delete this failure, or the marked ones',
    footer: 'delete',
    group: 'act',
    contexts: ['failures', 'failure'],
    asks: true,
    changes: true,
  },
  {
    action: 'retry-group',
    needsRow: true,
    keys: ['r'],
    shown: 'r',
    label: 'retry this group of failures',
    footer: 'retry',
    group: 'act',
    contexts: ['groups', 'queue'],
    asks: true,
    changes: true,
    panes: { queue: ['groups'] },
  },
  {
    action: 'delete-group',
    needsRow: true,
    keys: ['D'],
    shown: 'D',
    label: 'delete this group of failures',
    footer: 'delete',
    group: 'act',
    contexts: ['groups'],
    asks: true,
    changes: true,
  },
  {
    action: 'delete-waiting',
    needsRow: true,
    keys: ['D'],
    shown: 'D',
    label: 'delete this waiting job, or this group of failures',
    footer: 'delete',
    group: 'act',
    contexts: ['queue', 'waiting-job'],
    asks: true,
    changes: true,
    panes: { queue: ['waiting', 'groups'] },
  },
  {
    action: 'to-head',
    needsRow: true,
    keys: ['H'],
    shown: 'H',
    label: 'move this waiting job to the head: it runs next',
    footer: 'head',
    group: 'act',
    contexts: ['queue', 'waiting-job'],
    changes: true,
    panes: { queue: ['waiting'] },
  },
  {
    action: 'to-tail',
    needsRow: true,
    keys: ['T'],
    shown: 'T',
    label: 'move this waiting job to the tail: it runs last',
    footer: 'tail',
    group: 'act',
    contexts: ['queue', 'waiting-job'],
    changes: true,
    panes: { queue: ['waiting'] },
  },
  {
    action: 'groups',
    keys: ['v'],
    shown: 'v',
    label: 'failures in groups: by exception and class, then also by queue',
    inHelp: 'show failures in groups',
    footer: 'groups',
    group: 'act',
    contexts: ['failures', 'groups'],
  },
  {
    action: 'retry-job',
    keys: ['r'],
    shown: 'r',
    label: 'retry this failed job',
    footer: 'retry',
    group: 'act',
    contexts: ['job'],
    changes: true,
    when: ({ isFailedJob }) => isFailedJob,
  },
  {
    action: 'failure-of-job',
    keys: ['f'],
    shown: 'f',
    label: 'open the failure of this job',
    footer: 'failure',
    group: 'act',
    contexts: ['job'],
    when: ({ isFailedJob }) => isFailedJob,
  },
  {
    action: 'terminate-job',
    keys: ['x'],
    shown: 'x',
    label: 'send SIGTERM to this job',
    footer: 'TERM',
    group: 'act',
    contexts: ['queues', 'queue', 'jobs', 'job'],
    asks: true,
    changes: true,
    panes: { queues: queuePanes, queue: ['running'] },
    when: ({ context, isRunningJob }) => isRunningJob || (context !== 'job' && context !== 'jobs'),
  },
  {
    action: 'kill-job',
    keys: ['X'],
    shown: 'X',
    label: 'send SIGKILL to this job',
    footer: 'KILL',
    group: 'act',
    contexts: ['queues', 'queue', 'jobs', 'job'],
    asks: true,
    changes: true,
    panes: { queues: queuePanes, queue: ['running'] },
    when: ({ context, isRunningJob }) => isRunningJob || (context !== 'job' && context !== 'jobs'),
  },
  {
    action: 'remove-worker',
    needsRow: true,
    keys: ['D'],
    shown: 'D',
    label: 'remove a stale worker',
    footer: 'remove',
    group: 'act',
    contexts: ['workers', 'worker'],
    when: ({ isRemovable }) => isRemovable,
    asks: true,
    changes: true,
  },
  {
    action: 'run-delayed',
    needsRow: true,
    keys: ['r'],
    shown: 'r',
    label: 'run this delayed job now',
    footer: 'run now',
    group: 'act',
    contexts: ['delayed', 'delayed-job'],
    when: ({ isRemovable }) => isRemovable,
    asks: true,
    changes: true,
  },
  {
    action: 'remove-delayed',
    needsRow: true,
    keys: ['D'],
    shown: 'D',
    label: 'delete this delayed job',
    footer: 'delete',
    group: 'act',
    contexts: ['delayed', 'delayed-job'],
    when: ({ isRemovable }) => isRemovable,
    asks: true,
    changes: true,
  },
  {
    action: 'follow',
    keys: ['s'],
    shown: 's',
    label: 'follow new output',
    footer: 'follow',
    group: 'log',
    contexts: ['job'],
  },
  {
    action: 'wrap',
    keys: ['w'],
    shown: 'w',
    label: 'wrap long lines',
    footer: 'wrap',
    group: 'log',
    contexts: ['job'],
  },
  {
    action: 'times',
    keys: ['t'],
    shown: 't',
    label: 'show or hide times',
    footer: 'times',
    group: 'log',
    contexts: ['job'],
  },
  {
    action: 'streams',
    keys: ['o'],
    shown: 'o',
    label: 'show both streams, stderr or stdout',
    group: 'log',
    contexts: ['job'],
  },
  {
    action: 'mark-line',
    keys: ['m'],
    shown: 'm',
    label: 'insert a mark with the time',
    group: 'log',
    contexts: ['job'],
  },
  { action: 'zoom', keys: ['z'], shown: 'z', label: 'full screen', group: 'log', contexts: ['job'] },
  {
    action: 'args',
    keys: ['a'],
    shown: 'a',
    label: 'unfold or fold the arguments',
    group: 'log',
    contexts: ['job'],
  },
  {
    action: 'search',
    keys: ['/'],
    shown: '/',
    label: 'search',
    footer: 'search',
    group: 'log',
    contexts: ['job'],
  },
  {
    action: 'next-match',
    keys: ['n'],
    shown: 'n',
    label: 'next match',
    inHelp: 'next, previous match',
    footer: 'next',
    group: 'log',
    contexts: ['job'],
    when: ({ isSearching }) => isSearching,
  },
  {
    action: 'previous-match',
    keys: ['N'],
    shown: 'N',
    label: 'previous match',
    inHelp: 'next, previous match',
    group: 'log',
    contexts: ['job'],
    when: ({ isSearching }) => isSearching,
  },
  {
    action: 'save',
    keys: ['S'],
    shown: 'S',
    label: 'save the log to a file',
    group: 'log',
    contexts: ['job'],
  },
  {
    action: 'pager',
    keys: ['|'],
    shown: '|',
    label: 'open the log in $PAGER',
    group: 'log',
    contexts: ['job'],
  },
  {
    action: 'filter',
    keys: ['/'],
    shown: '/',
    label: 'filter',
    footer: 'filter',
    group: 'act',
    contexts: lists,
  },
  {
    action: 'sort',
    keys: ['o'],
    shown: 'o',
    label: 'sort the queues by the next column',
    footer: 'sort',
    group: 'act',
    contexts: ['queues'],
  },
  {
    action: 'copy',
    needsRow: true,
    keys: ['y'],
    shown: 'y',
    label: 'copy',
    footer: 'copy',
    group: 'act',
    contexts: everywhere,
  },
  {
    action: 'next-trouble',
    keys: ['!'],
    shown: '!',
    label: 'next queue that needs attention',
    footer: 'trouble',
    group: 'move',
    contexts: lists,
  },
  {
    action: 'next-failure',
    keys: ['n'],
    shown: 'n',
    label: 'next failure of the list',
    inHelp: 'next, previous failure',
    footer: 'next',
    group: 'move',
    contexts: ['failure'],
  },
  {
    action: 'previous-failure',
    keys: ['N'],
    shown: 'N',
    label: 'previous failure of the list',
    inHelp: 'next, previous failure',
    group: 'move',
    contexts: ['failure'],
  },
  {
    action: 'left',
    keys: ['h', 'left'],
    shown: 'h ←',
    label: 'panel left',
    inHelp: 'left, right panel',
    group: 'move',
    contexts: ['queues'],
  },
  {
    action: 'right',
    keys: ['l', 'right'],
    shown: 'l →',
    label: 'panel right',
    inHelp: 'left, right panel',
    footer: 'panel',
    group: 'move',
    contexts: ['queues'],
  },
  {
    action: 'left',
    keys: ['h', 'left'],
    shown: 'h ←',
    label: 'page of the previous queue',
    inHelp: 'previous, next queue',
    group: 'move',
    contexts: ['queue'],
  },
  {
    action: 'right',
    keys: ['l', 'right'],
    shown: 'l →',
    label: 'page of the next queue',
    inHelp: 'previous, next queue',
    footer: 'queue',
    group: 'move',
    contexts: ['queue'],
  },
  {
    action: 'up',
    needsRow: true,
    keys: ['k', 'up'],
    shown: 'k ↑',
    label: 'up',
    inHelp: 'up, down',
    group: 'move',
    contexts: everywhere,
  },
  {
    action: 'down',
    needsRow: true,
    keys: ['j', 'down'],
    shown: 'j ↓',
    label: 'down',
    inHelp: 'up, down',
    footer: 'row',
    group: 'move',
    contexts: everywhere,
    footerIn: { job: 'scroll', failure: 'scroll', worker: 'scroll', 'delayed-job': 'scroll' },
  },
  {
    action: 'next-pane',
    keys: ['tab'],
    shown: 'Tab',
    label: 'next panel or tab',
    inHelp: 'panel or tab',
    group: 'move',
    contexts: everywhere,
  },
  {
    action: 'previous-pane',
    keys: ['shift+tab'],
    shown: 'Shift-Tab',
    label: 'previous panel or tab',
    inHelp: 'panel or tab',
    group: 'move',
    contexts: everywhere,
  },
  {
    action: 'tab-1',
    keys: ['1'],
    shown: '1',
    label: 'Queues',
    inHelp: 'tabs',
    group: 'move',
    contexts: everywhere,
    when: hasTabs,
  },
  {
    action: 'tab-2',
    keys: ['2'],
    shown: '2',
    label: 'Failures',
    inHelp: 'tabs',
    group: 'move',
    contexts: everywhere,
    when: hasTabs,
  },
  {
    action: 'tab-3',
    keys: ['3'],
    shown: '3',
    label: 'Jobs',
    inHelp: 'tabs',
    group: 'move',
    contexts: everywhere,
    when: hasTabs,
  },
  {
    action: 'tab-4',
    keys: ['4'],
    shown: '4',
    label: 'Events',
    inHelp: 'tabs',
    group: 'move',
    contexts: everywhere,
    when: hasTabs,
  },
  {
    action: 'tab-5',
    keys: ['5'],
    shown: '5',
    label: 'Workers',
    inHelp: 'tabs',
    group: 'move',
    contexts: everywhere,
    when: hasTabs,
  },
  {
    action: 'tab-6',
    keys: ['6'],
    shown: '6',
    label: 'Delayed',
    inHelp: 'tabs',
    group: 'move',
    contexts: everywhere,
    when: hasTabs,
  },
  {
    action: 'top',
    needsRow: true,
    keys: ['g', 'home'],
    shown: 'g Home',
    label: 'top',
    inHelp: 'top, bottom',
    group: 'move',
    contexts: everywhere,
  },
  {
    action: 'bottom',
    needsRow: true,
    keys: ['G', 'end'],
    shown: 'G End',
    label: 'bottom',
    inHelp: 'top, bottom',
    group: 'move',
    contexts: everywhere,
  },
  {
    action: 'half-page-down',
    needsRow: true,
    keys: ['ctrl+d'],
    shown: 'Ctrl-D',
    label: 'half a page down',
    inHelp: 'half a page',
    group: 'move',
    contexts: everywhere,
  },
  {
    action: 'half-page-up',
    needsRow: true,
    keys: ['ctrl+u'],
    shown: 'Ctrl-U',
    label: 'half a page up',
    inHelp: 'half a page',
    group: 'move',
    contexts: everywhere,
  },
  {
    action: 'page-down',
    needsRow: true,
    keys: ['pagedown'],
    shown: 'PgDn',
    label: 'page down',
    inHelp: 'a page',
    group: 'move',
    contexts: everywhere,
  },
  {
    action: 'page-up',
    needsRow: true,
    keys: ['pageup'],
    shown: 'PgUp',
    label: 'page up',
    inHelp: 'a page',
    group: 'move',
    contexts: everywhere,
  },
  {
    action: 'palette',
    keys: [':'],
    shown: ':',
    label: 'run a command by name',
    group: 'program',
    contexts: everywhere,
  },
  {
    action: 'help',
    keys: ['?'],
    shown: '?',
    label: 'help',
    footer: 'help',
    group: 'program',
    contexts: everywhere,
  },
  {
    action: 'toggle-mouse',
    keys: [],
    shown: ':mouse',
    label: 'turn the mouse on or off',
    group: 'program',
    contexts: everywhere,
  },
  {
    action: 'toggle-bell',
    keys: [],
    shown: ':bell',
    label: 'turn the bell and the title on trouble on or off',
    inHelp: 'bell and title on trouble',
    group: 'program',
    contexts: everywhere,
  },
  {
    action: 'repaint',
    keys: ['ctrl+l'],
    shown: 'Ctrl-L',
    label: 'redraw the screen',
    group: 'program',
    contexts: everywhere,
  },
  {
    action: 'suspend',
    keys: ['ctrl+z'],
    shown: 'Ctrl-Z',
    label: 'suspend (fg resumes)',
    group: 'program',
    contexts: everywhere,
  },
  {
    action: 'back',
    keys: ['escape'],
    shown: 'Esc',
    label: 'go back, clear the filter',
    group: 'program',
    contexts: everywhere,
  },
  {
    action: 'quit',
    keys: ['q'],
    shown: 'q',
    label: 'go back, quit from a tab',
    footer: 'quit',
    group: 'program',
    contexts: everywhere,
  },
  {
    action: 'stop-runner',
    keys: ['Q'],
    shown: 'Q',
    label: 'stop the runner (drain or kill)',
    group: 'program',
    contexts: everywhere,
    asks: true,
    changes: true,
  },
  {
    action: 'switch-runner',
    keys: [],
    shown: ':runners',
    label: 'switch to another of your runners',
    group: 'program',
    contexts: everywhere,
  },
  {
    action: 'interrupt',
    keys: ['ctrl+c'],
    shown: 'Ctrl-C',
    label: 'quit; twice drains, three times kills',
    group: 'program',
    contexts: everywhere,
  },
];

/** The bindings in that context. */
export function bindingsIn(context: Context, isReadOnly: boolean): readonly Binding[] {
  return keymap.filter(
    ({ contexts, changes }) => contexts.includes(context) && !(isReadOnly && changes === true),
  );
}

/** Those of them that do something there: what footer, help and palette show. */
export function bindingsAt(focus: Focus, isReadOnly: boolean): readonly Binding[] {
  const { context, pane } = focus;
  return bindingsIn(context, isReadOnly).filter(({ panes, when }) => {
    const own = panes?.[context];
    return (own === undefined || pane === null || own.includes(pane)) && (when === undefined || when(focus));
  });
}

export function actionOf(key: string, context: Context, isReadOnly: boolean): ActionName | null {
  return bindingsIn(context, isReadOnly).find(({ keys }) => keys.includes(key))?.action ?? null;
}

/** What to press in a dialog, and for what. */
export interface Hint {
  readonly keys: readonly string[];
  readonly label: string;
}

const toCancel: Hint = { keys: ['Esc'], label: 'cancel' };

export const dialogHints: Readonly<Record<Dialog['kind'], readonly Hint[]>> = {
  help: [
    { keys: ['↑↓'], label: 'scroll' },
    { keys: ['?', 'Esc'], label: 'close' },
  ],
  palette: [{ keys: ['Enter'], label: 'run' }, toCancel],
  prompt: [{ keys: ['Enter'], label: 'apply' }, toCancel],
  question: [{ keys: ['Enter'], label: 'choose' }, toCancel],
};

/** `Enter to choose, Esc to cancel` */
export function hintSentence(kind: Dialog['kind']): string {
  return dialogHints[kind].map(({ keys, label }) => `${keys.join(' or ')} to ${label}`).join(', ');
}
