/** Marks, retries and deletes failures. Commands name them by value, so they act on what the user saw. */
import { grouped, plural } from '../../messages/quantities.ts';
import type { CommandReply, FailureEntry } from '../../protocol/commands.ts';
import { changeView } from '../../store/app-store.ts';
import { isEmptyFilter, parseFailureFilter } from '../../store/filter-language.ts';
import type { Choice } from '../../store/view.ts';
import { failureKeys, indexOfKey, selectedFailure, stepTo } from '../lists/selection.ts';
import type { ActionContext } from './action-context.ts';

type EntriesCommand = 'retry-failures' | 'remove-failures';
type MatchingCommand = 'retry-matching' | 'remove-matching';

/** Limits of one command: the engine's for entries, the link's for bytes. */
const mostEntries = 1_000;
const mostBytes = 2 * 1024 * 1024;

export function toggleMark({ store }: ActionContext): void {
  const { view, failurePages } = store.getState();
  const { entries } = failurePages;
  const keys = failureKeys(entries);
  const at = indexOfKey(keys, view.failures.cursor);
  const [key, entry] = [keys[at], entries[at]];
  if (key === undefined || entry === undefined) return;
  const marked = new Map(view.failures.isAllMarked ? [] : view.failures.marked);
  if (!marked.delete(key)) marked.set(key, entry);
  const cursor = stepTo(keys, key, 1);
  changeView(store, { failures: { ...view.failures, marked, isAllMarked: false, cursor } });
}

export function toggleMarkAll({ store }: ActionContext): void {
  const { failures } = store.getState().view;
  const isAllMarked = !failures.isAllMarked && failures.marked.size === 0;
  changeView(store, { failures: { ...failures, marked: new Map(), isAllMarked } });
}

/** Retries one failure at once, several after a question. */
export function retry(context: ActionContext): void {
  const { store } = context;
  const { failures, opened, tab } = store.getState().view;
  if (tab === 'failures' && opened === null && failures.isAllMarked) {
    void askMatching(context, 'retry-matching');
    return;
  }
  const entries = chosen(context);
  const [only] = entries;
  if (only === undefined) {
    const { pane } = store.getState().view.queues;
    const hint = 'press Tab to select a failure, or 2 to see all';
    context.toast(tab === 'queues' && pane !== 'failures' ? hint : 'no failure to retry', true);
  } else if (entries.length === 1) {
    void carryOut(context, 'retry-failures', entries);
  } else {
    askEntries(context, 'retry-failures', entries);
  }
}

export function retryMatching(context: ActionContext): void {
  void askMatching(context, 'retry-matching');
}

export function remove(context: ActionContext): void {
  const { failures, opened } = context.store.getState().view;
  if (opened === null && failures.isAllMarked) {
    void askMatching(context, 'remove-matching');
    return;
  }
  const entries = chosen(context);
  if (entries.length === 0) context.toast('no failure to delete', true);
  else askEntries(context, 'remove-failures', entries);
}

/** The marked ones, else the one under the cursor. */
function chosen({ store }: ActionContext): readonly FailureEntry[] {
  const state = store.getState();
  const { marked } = state.view.failures;
  if (state.view.tab === 'failures' && state.view.opened === null && marked.size > 0)
    return [...marked.values()];
  const entry = selectedFailure(state);
  return entry === null ? [] : [entry];
}

function askEntries(
  { store }: ActionContext,
  command: EntriesCommand,
  entries: readonly FailureEntry[],
): void {
  const verb = verbOf(command);
  const [first] = entries;
  const lines =
    entries.length === 1 && first !== undefined
      ? [
          `${first.jobClass ?? '(no class)'} of ${first.queue ?? '(no queue)'}: ${first.exception ?? ''} ${first.error ?? ''}`.slice(
            0,
            300,
          ),
        ]
      : [`${plural(entries.length, 'marked failure')} of ${queuesOf(entries)}.`];
  changeView(store, {
    dialog: {
      kind: 'question',
      question: { kind: 'failures', command, entries },
      title: entries.length === 1 ? `${verb} this failure?` : `${verb} ${plural(entries.length, 'failure')}?`,
      lines,
      choices: yesOrNo(verb),
      focus: 0,
    },
  });
}

/** Counts first, because the question says how many. */
async function askMatching(context: ActionContext, command: MatchingCommand): Promise<void> {
  const { store } = context;
  const typed = store.getState().view.failures.filter;
  const filter = parseFailureFilter(typed);
  context.toast('counting…');
  const reply = await context.ask({ type: 'count-failures', filter });
  if (!reply.ok) {
    context.toast(reply.message, true);
    return;
  }
  if (reply.data?.kind !== 'failure-count') return;
  const { dialog, opened, tab, failures } = store.getState().view;
  // Counting a long list takes seconds. If the user has moved on, the next keys don't answer this question.
  if (dialog !== null || opened !== null || tab !== 'failures' || failures.filter !== typed) return;
  const { total, matching, retryable, untimed = 0 } = reply.data;
  const count = command === 'retry-matching' ? retryable : matching;
  const isAll = isEmptyFilter(filter);
  if (count === 0) {
    context.toast(nothingToDo(matching, isAll ? null : typed));
    return;
  }
  const verb = verbOf(command);
  const skipped = matching - retryable;
  changeView(store, {
    toast: null,
    dialog: {
      kind: 'question',
      question: { kind: 'matching', command, filter, within: total },
      title: `${verb} ${plural(count, 'failure')}?`,
      lines: [
        isAll && count === total
          ? 'All failures on the list.'
          : isAll
            ? `${grouped(count)} of the ${plural(total, 'failure')} on the list.`
            : `${grouped(count)} of ${plural(total, 'failure')}, with the filter "${typed}".`,
        ...(command === 'retry-matching' && skipped > 0
          ? [
              skipped === 1
                ? "Skips 1 failure that was already retried or can't be retried."
                : `Skips ${grouped(skipped)} failures that were already retried or can't be retried.`,
            ]
          : []),
        ...(untimed > 0 ? [`${plural(untimed, 'failure')} without a readable time left alone.`] : []),
      ],
      choices: yesOrNo(verb),
      focus: 0,
    },
  });
}

/** @param filter `null`: all failures match */
function nothingToDo(matching: number, filter: string | null): string {
  if (matching === 0) return filter === null ? 'there are no failures' : `no failure matches "${filter}"`;
  const which = filter === null ? '' : ` that matches "${filter}"`;
  return `every failure${which} was already retried or can't be retried`;
}

function yesOrNo(verb: string): readonly Choice[] {
  return [
    { label: 'Cancel', key: 'n', detail: '' },
    { label: verb, key: 'y', detail: '' },
  ];
}

function verbOf(command: EntriesCommand | MatchingCommand): string {
  return command.startsWith('retry') ? 'Retry' : 'Delete';
}

function queuesOf(entries: readonly FailureEntry[]): string {
  const queues = [...new Set(entries.map(({ queue }) => queue ?? '(no queue)'))];
  return queues.length <= 3
    ? queues.join(', ')
    : `${queues.slice(0, 3).join(', ')} and ${queues.length - 3} more queues`;
}

/** The answer was yes. Many or large entries go in several commands. */
export async function carryOut(
  context: ActionContext,
  command: EntriesCommand,
  entries: readonly FailureEntry[],
): Promise<void> {
  let done = 0;
  for (const part of partsOf(entries)) {
    const refs = part.map(({ index, recordBase64 }) => ({ index, recordBase64 }));
    const reply = await context.run({ type: command, entries: refs });
    if (!reply.ok) {
      afterwards(context, command, reply);
      return;
    }
    if (reply.data?.kind === 'bulk') done += reply.data.done;
    // The last reply counts its own part only.
    if (part.length < entries.length) context.toast(`${pastOf(command)} ${plural(done, 'failure')}`);
  }
  afterwards(context, command, { ok: true, message: '' });
}

function partsOf(entries: readonly FailureEntry[]): FailureEntry[][] {
  const parts: FailureEntry[][] = [];
  let bytes = 0;
  for (const entry of entries) {
    const own = entry.recordBase64.length;
    const last = parts.at(-1);
    if (last === undefined || last.length === mostEntries || bytes + own > mostBytes) {
      parts.push([entry]);
      bytes = own;
    } else {
      last.push(entry);
      bytes += own;
    }
  }
  return parts;
}

function pastOf(command: EntriesCommand): string {
  return command === 'retry-failures' ? 'retried' : 'deleted';
}

export async function carryOutMatching(
  context: ActionContext,
  command: MatchingCommand,
  filter: ReturnType<typeof parseFailureFilter>,
  within: number,
): Promise<void> {
  context.toast(command === 'retry-matching' ? 'retrying…' : 'deleting…');
  const reply = await context.run({ type: command, filter, within });
  afterwards(context, command, reply);
}

function afterwards({ store, failures }: ActionContext, command: string, reply: CommandReply): void {
  const { view } = store.getState();
  const isGone = !reply.ok && reply.code === 'failure-gone';
  // A mark on an entry that is gone can't be seen or removed.
  if (reply.ok || isGone)
    changeView(store, { failures: { ...view.failures, marked: new Map(), isAllMarked: false } });
  const isRemoved = reply.ok || (isGone && command.startsWith('remove'));
  if (view.opened?.kind === 'failure' && isRemoved) changeView(store, { opened: null });
  failures.reread();
}
