/** Marks, retries and deletes failures. Commands name them by value, so they act on what the user saw. */
import { plural } from '../../messages/quantities.ts';
import type { FailureEntry } from '../../protocol/commands.ts';
import { changeView } from '../../store/app-store.ts';
import { failureKeys, indexOfKey, selectedFailure, stepTo } from '../lists/selection.ts';
import type { ActionContext } from './action-context.ts';
import { afterwards, askMatching, verbOf, yesOrNo } from './matching-actions.ts';

type EntriesCommand = 'retry-failures' | 'remove-failures';

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
  const { view } = context.store.getState();
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
    if (part.length < entries.length)
      context.toast(`${pastOf(command)} ${plural(done, 'failure')}`, false, view);
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
