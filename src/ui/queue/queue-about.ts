/** What there is to say about one queue: its slots, its numbers, and in full why it takes no jobs. */

import { grouped, plural } from '../../messages/quantities.ts';
import { limitsText, pauseReason, throttledReason } from '../../messages/queues.ts';
import type { PoolView } from '../../protocol/events.ts';
import type { EngineState, QueueState } from '../../protocol/snapshot.ts';
import type { StatisticsSteps } from '../../protocol/statistics.ts';
import type { AppState } from '../../store/app-store.ts';
import { bucketsAt, jobsOf, poolOf, queueStatus, ratePerSecond } from '../../store/selectors.ts';
import type { QueuePage } from '../../store/view.ts';
import { innerWidth } from '../layout/framed.ts';
import type { Size } from '../layout/layout.ts';
import { pending, slotsText } from '../panels/queue-lines.ts';
import { perSecond, statusStyles, statusText } from '../panels/words.ts';
import { bar, sparkline } from '../text/figures.ts';
import { type Line, lineOf, type Part, type Span, type Style, span, widthOf } from '../text/line.ts';
import { wrapWords } from '../text/wrap.ts';
import { hourLines, statisticsLines } from './queue-hour.ts';

export interface AboutProps {
  readonly queue: QueueState | null;
  readonly runner: PoolView | null;
  readonly engine: EngineState | null;
  /** Number of running jobs. */
  readonly running: number;
  /** Its last hour; `null` if it is not known. */
  readonly hour: StatisticsSteps | null;
  readonly width: number;
  readonly nowMs: number;
}

/** More than a user would read. */
const longestReason = 4_000;
const barColumns = 40;
const sparkColumns = 30;

export function aboutLines({ queue, runner, engine, running, hour, width, nowMs }: AboutProps): Line[] {
  if (queue === null) return [lineOf(width, [span('this runner no longer has this queue', { dim: true })])];
  const total = runner?.concurrency ?? running;
  const spark = sparkline(bucketsAt(queue.throughput, nowMs, sparkColumns));
  const slots: Part[] = [
    span(bar(running, total, Math.min(total, barColumns, Math.floor(width / 3))), { color: 'green' }),
    span('  '),
    ...slotsText(queue, runner, running),
    span(' slots', { dim: true }),
    span(`  ${pending(queue)} waiting`),
  ];
  const numbers: Span[] = [
    span(`${plural(queue.processed, 'job')} ended`),
    span(`  ✗ ${grouped(queue.failed)} failed`, queue.failed > 0 ? { color: 'red' } : { dim: true }),
    span(`  ${perSecond(ratePerSecond(queue.throughput, nowMs))}`),
  ];
  const minute = span(`  ${spark} last minute`, { dim: true });
  if (widthOf([...numbers, minute]) <= width) numbers.push(minute);
  return [
    lineOf(width, slots),
    lineOf(width, numbers),
    ...reasons(queue, runner, engine, running).flatMap(({ text, style }) =>
      wrapWords(text, width).map((line) => lineOf(width, [span(line, style)])),
    ),
    ...(queue.statistics === undefined ? [] : statisticsLines(queue.statistics, width, nowMs)),
    ...(hour === null ? [] : hourLines(hour, width)),
  ];
}

/** All of them: `remarksOn` has only the most important ones, shortened. */
function reasons(
  queue: QueueState,
  runner: PoolView | null,
  engine: EngineState | null,
  running: number,
): { text: string; style: Style }[] {
  const all: { text: string; style: Style }[] = [];
  if (engine?.stopping != null) all.push({ text: 'The runner is stopping.', style: { color: 'yellow' } });
  if (runner === null)
    all.push({ text: 'Its entry was removed from the config.', style: { color: 'yellow' } });
  for (const pause of queue.pauses) {
    const isTrouble = pause.kind === 'unstartable' || pause.kind === 'unreadable';
    const state = isTrouble ? "Can't run" : 'Paused';
    all.push({
      text: `${state}: ${pauseReason(pause, longestReason)}`,
      style: { color: isTrouble ? 'red' : 'yellow' },
    });
  }
  const throttled = runner?.throttled ?? null;
  if (throttled !== null) {
    all.push({
      text: `Throttled: ${throttledReason(throttled, longestReason)}`,
      style: { color: 'yellow' },
    });
  }
  const limits = limitsText(runner?.limits?.limit ?? null, runner?.limits?.rate ?? null);
  if (limits !== '') {
    const isAt = (queue.limitedBy ?? null) !== null && (queue.backlog ?? 0) > 0;
    all.push({
      text: `${isAt ? 'Jobs wait for the limit' : 'Limit'}: ${limits} over all runners`,
      style: isAt ? { color: 'yellow' } : { dim: true },
    });
  }
  if (all.length === 0 && running === 0 && queue.backlog === 0)
    all.push({ text: 'Waits for jobs.', style: { dim: true } });
  return all;
}

/** The title: name and state. */
export function aboutTitle({ queue, runner, engine, running }: AboutProps, name: string): Part[] {
  const parts: Part[] = [span(name, { bold: true })];
  if (queue === null) return parts;
  const status = queueStatus(queue, runner, running, engine);
  return [...parts, span(`  ${statusText(status, queue)}`, statusStyles[status])];
}

/** Rows that the pane needs, with its border. */
export function aboutRows(
  { model, queueHour }: Pick<AppState, 'model' | 'queueHour'>,
  page: QueuePage,
  { columns }: Size,
): number {
  const queue = model.queues.find(({ name }) => name === page.queue) ?? null;
  const runner = queue === null ? null : poolOf(model, queue);
  const running = jobsOf(model, page.queue).length;
  const { hour } = queueHour;
  const props = { queue, runner, engine: model.engine, running, hour, width: innerWidth(columns), nowMs: 0 };
  return aboutLines(props).length + 2;
}
