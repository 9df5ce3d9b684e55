/** Composes the whole screen from the state, as panels: header, body, message, keys, dialogs. */
import type { AppState } from '../../store/app-store.ts';
import { help } from '../dialogs/help.ts';
import { palette, paletteItems } from '../dialogs/palette.ts';
import { question } from '../dialogs/question.ts';
import { contextOf } from '../lists/selection.ts';
import type { JobLog } from '../log/job-log.ts';
import { footer, messageLine, promptLine } from '../panels/footer.ts';
import { header } from '../panels/header.ts';
import { isTooSmall, type Size, smallest } from '../panels/layout.ts';
import { type Panel, stacked } from '../panels/panel.ts';
import { lineOf, span } from '../text/line.ts';
import { eventsScreen } from './events-screen.ts';
import { failureScreen, failuresScreen } from './failures-screen.ts';
import { jobScreen } from './job-screen.ts';
import { jobsScreen } from './jobs-screen.ts';
import { queuesScreen } from './queues-screen.ts';

export interface Composition {
  readonly state: AppState;
  readonly size: Size;
  readonly nowMs: number;
  readonly log: JobLog | null;
  readonly isReadOnly: boolean;
  readonly runnerUser: string | null;
}

export function compose(composition: Composition): Panel[] {
  const { size } = composition;
  const { dialog } = composition.state.view;
  if (!isTooSmall(size)) return [...everything(composition), ...dialogs(composition)];
  // In a terminal that is too small, only questions can be answered.
  return [...tooSmall(size), ...(dialog?.kind === 'question' ? [question(dialog, size)] : [])];
}

function tooSmall({ columns, rows }: Size): Panel[] {
  const lines = [
    lineOf(columns, [
      span(`have ${columns}×${rows}, need ${smallest.columns}×${smallest.rows}`, { bold: true }),
    ]),
    lineOf(columns, [span('q quits', { dim: true })]),
  ].slice(0, rows);
  return stacked([{ key: 'small', lines }], { left: 0, top: 0, width: columns });
}

function everything(composition: Composition): Panel[] {
  const { state, size, nowMs, isReadOnly, runnerUser } = composition;
  const { columns, rows } = size;
  const { dialog } = state.view;
  const last =
    dialog?.kind === 'prompt'
      ? promptLine(dialog.label, dialog.text, columns)
      : footer(contextOf(state.view), columns, isReadOnly);
  const row = (key: string, top: number, line: ReturnType<typeof footer>) => ({
    key,
    left: 0,
    top,
    width: columns,
    height: 1,
    lines: [line],
  });
  return [
    row('header', 0, header(state, columns, nowMs, { isReadOnly, runnerUser })),
    ...body(composition),
    row('message', rows - 2, messageLine(state, columns, nowMs)),
    row('footer', rows - 1, last),
  ];
}

/** Below the header. */
const bodyTop = 1;

function body({ state, size, nowMs, log }: Composition): Panel[] {
  const { opened, tab } = state.view;
  if (opened?.kind === 'job') return jobScreen(state, log, size, bodyTop);
  if (opened?.kind === 'failure') return failureScreen(state, size, bodyTop);
  switch (tab) {
    case 'queues':
      return queuesScreen(state, size, bodyTop, nowMs);
    case 'failures':
      return failuresScreen(state, size, bodyTop, nowMs);
    case 'jobs':
      return jobsScreen(state, size, bodyTop, nowMs);
    case 'events':
      return eventsScreen(state, size, bodyTop);
  }
}

function dialogs({ state, size, isReadOnly }: Composition): Panel[] {
  const { dialog } = state.view;
  switch (dialog?.kind) {
    case 'help':
      return [help(contextOf(state.view), size, isReadOnly, dialog.top)];
    case 'palette':
      return [palette(paletteItems(state, isReadOnly, dialog.text), dialog.text, dialog.cursor, size)];
    case 'question':
      return [question(dialog, size)];
    default:
      return [];
  }
}
