/** Where the keys go, and what they can do there: for footer, help and palette, and for going back. */
import type { AppState } from '../../store/app-store.ts';
import { findJob, isStale } from '../../store/selectors.ts';
import type { View } from '../../store/view.ts';
import type { Focus } from '../keys/keymap.ts';
import { isCompact, type Size } from '../layout/layout.ts';
import { contextOf, pageOfQueue, selectedDelayed, selectedJobId, selectedWorker } from './selection.ts';

export function focusOf(state: AppState, size: Size): Focus {
  const { model, view } = state;
  const context = contextOf(view);
  const jobId = context === 'job' || context === 'jobs' ? selectedJobId(state) : null;
  const job = jobId === null ? null : findJob(model, jobId);
  const worker = selectedWorker(state);
  return {
    context,
    pane: context === 'queues' ? view.queues.pane : (pageOfQueue(view)?.pane ?? null),
    isRunningJob: job !== null && !('outcome' in job),
    isFailedJob: job !== null && 'outcome' in job && job.outcome === 'failed',
    isRemovable: (worker !== null && isStale(worker)) || selectedDelayed(state)?.kind === 'job',
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
