/** Where the keys go, and what they can do there: for footer, help and palette, and for going back. */
import type { AppState } from '../../store/app-store.ts';
import { findJob } from '../../store/selectors.ts';
import type { View } from '../../store/view.ts';
import type { Focus } from '../keys/keymap.ts';
import { isCompact, type Size } from '../layout/layout.ts';
import { contextOf, pageOfQueue } from './selection.ts';

export function focusOf({ model, view }: Pick<AppState, 'model' | 'view'>, size: Size): Focus {
  const context = contextOf(view);
  const job = view.opened?.kind === 'job' ? findJob(model, view.opened.jobId) : null;
  return {
    context,
    pane: context === 'queues' ? view.queues.pane : (pageOfQueue(view)?.pane ?? null),
    isRunningJob: job !== null && !('outcome' in job),
    isFailedJob: job !== null && 'outcome' in job && job.outcome === 'failed',
    isSearching: context === 'job' && view.log.search !== '',
    canGoBack: wayBack(view) !== null,
    isCompact: isCompact(size),
  };
}

/** What `q` and Esc go back from: the innermost that is open, marked, filtered or focused; `null` on a tab as it opens. */
export function wayBack(
  view: View,
): 'filter of the page' | 'opened' | 'marks' | 'group' | 'filter' | 'groups' | 'pane' | null {
  const { opened, tab, failures, queues } = view;
  if ((pageOfQueue(view)?.filter ?? '') !== '') return 'filter of the page';
  if (opened !== null) return 'opened';
  const isFailures = tab === 'failures';
  if (isFailures && (failures.marked.size > 0 || failures.isAllMarked)) return 'marks';
  if (isFailures && failures.group !== null) return 'group';
  if (view[tab].filter !== '') return 'filter';
  if (isFailures && failures.grouping !== 'none') return 'groups';
  return tab === 'queues' && queues.pane !== 'queues' ? 'pane' : null;
}
