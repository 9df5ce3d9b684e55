/**
 * Takes what the screen shows elsewhere. `y`: the open item or the one under the cursor, to the clipboard of the user's terminal.
 * `S` and `|`: the open log, to a file or to the user's pager.
 */
import { wordingOf } from '../../messages/events.ts';
import { plural } from '../../messages/quantities.ts';
import { visible } from '../../messages/visible.ts';
import { type AppState, changeView } from '../../store/app-store.ts';
import { findJob } from '../../store/selectors.ts';
import {
  chosenQueue,
  indexOfKey,
  listedEvents,
  selectedDelayed,
  selectedFailure,
  selectedGroup,
  selectedJobId,
  selectedWaiting,
  selectedWorker,
} from '../lists/selection.ts';
import type { JobLog } from '../log/job-log.ts';
import { fullPath, writeLog } from '../log/log-file.ts';
import { logText, plainLook, styledLook } from '../log/log-text.ts';
import { groupWords } from '../panels/words.ts';
import { clipboardLimitBytes } from '../terminal/clipboard.ts';
import type { ActionContext } from './action-context.ts';

export function copySelection(context: ActionContext): void {
  const state = context.store.getState();
  if (state.view.opened?.kind === 'job' && context.log !== null) {
    copyLog(context, context.log);
    return;
  }
  const { text, what } = selection(state);
  if (text === null) context.toast('nothing to copy', true);
  else send(context, text, what);
}

function copyLog(context: ActionContext, log: JobLog): void {
  const { text, lines, isWhole } = log.copyText(clipboardLimitBytes);
  if (lines === 0) context.toast('nothing to copy', true);
  else send(context, text, isWhole ? plural(lines, 'line') : `the last ${plural(lines, 'line')}`, !isWhole);
}

/** The terminal doesn't say whether it copied, so the message says what was done. */
function send(context: ActionContext, text: string, what: string, isLimited = false): void {
  const { isCut, caveat } = context.copy(text);
  const limit = isLimited ? ", the terminal's limit" : isCut ? ", cut at the terminal's limit" : '';
  const more = caveat === null ? '' : `; ${caveat}`;
  context.toast(`sent ${what} to the terminal's clipboard${limit}${more}`);
}

function selection(state: AppState): { text: string | null; what: string } {
  const failure = selectedFailure(state);
  if (failure !== null) {
    return {
      text: Buffer.from(failure.recordBase64, 'base64').toString('utf8'),
      what: "the failure's record",
    };
  }
  const waiting = selectedWaiting(state);
  if (waiting !== null) {
    return { text: waiting.payload, what: waiting.isWhole ? 'the payload' : 'the beginning of the payload' };
  }
  const group = selectedGroup(state);
  if (group !== null) return { text: groupWords(group), what: "the group's names" };
  const worker = selectedWorker(state);
  if (worker !== null) return { text: worker.id, what: "the worker's id" };
  const item = selectedDelayed(state);
  if (item !== null) {
    const { jobClass, args } = item.kind === 'job' ? item.job : item.schedule;
    return { text: `${jobClass ?? ''} ${args}`.trim(), what: "the job's class and args" };
  }
  if (state.view.opened === null && state.view.tab === 'events') {
    const events = listedEvents(state);
    const event =
      events[
        indexOfKey(
          events.map(({ seq }) => String(seq)),
          state.view.events.cursor,
        )
      ];
    const wording = event === undefined ? null : wordingOf(event, null);
    if (event === undefined || wording === null) return { text: null, what: '' };
    return {
      text: `${new Date(event.atMs).toISOString()} ${wording.subject} ${wording.text}`,
      what: 'the event',
    };
  }
  const jobId = selectedJobId(state);
  const job = jobId === null ? null : findJob(state.model, jobId);
  if (job !== null)
    return { text: `${job.jobClass ?? ''} ${job.args}`.trim(), what: "the job's class and args" };
  const queue = state.view.tab === 'queues' ? chosenQueue(state) : null;
  return { text: queue?.name ?? null, what: "the queue's name" };
}

/** Asks for the file, which is in the directory of the screen unless the user types another one. */
export function askToSave({ store, log }: ActionContext): void {
  if (log === null) return;
  const text = `job-${log.jobId}.log`;
  changeView(store, {
    dialog: { kind: 'prompt', purpose: { kind: 'save-log' }, label: 'save to: ', text },
  });
}

/** @param mayReplace the user has agreed to replace the file */
export async function saveLog(context: ActionContext, path: string, mayReplace = false): Promise<void> {
  const { log } = context;
  if (log === null || path.trim() === '') return;
  const { buffer, view } = log;
  const { chunks, lines } = logText(buffer, view.streams, plainLook);
  if (lines === 0) {
    context.toast('nothing to save', true);
    return;
  }
  const file = fullPath(path.trim());
  const what = buffer.first === 0 ? plural(lines, 'line') : `the last ${plural(lines, 'line')}`;
  const written = await writeLog(file, chunks, mayReplace);
  if (written.kind === 'written') context.toast(`saved ${what} to ${visible(file)}`);
  else if (written.kind === 'exists') askToReplace(context, file, written.bytes);
  else context.toast(`can't write ${visible(file)}: ${written.reason}`, true);
}

function askToReplace({ store }: ActionContext, file: string, bytes: number): void {
  changeView(store, {
    dialog: {
      kind: 'question',
      question: { kind: 'replace-file', file },
      title: 'Replace the file?',
      lines: [`${visible(file)} exists: ${plural(bytes, 'byte')}.`],
      choices: [
        { label: 'Cancel', key: 'n', detail: '' },
        { label: 'Replace', key: 'y', detail: '' },
      ],
      focus: 0,
    },
  });
}

export async function showInPager(context: ActionContext): Promise<void> {
  const { log } = context;
  if (log === null) return;
  const { chunks, lines } = logText(log.buffer, log.view.streams, styledLook(context.hasColors));
  if (lines === 0) {
    context.toast('nothing to show', true);
    return;
  }
  const problem = await context.page(chunks);
  if (problem !== null) context.toast(problem, true);
}
