/** What the engine has counted of a queue: how long its jobs took and waited, and charts of the last hour with a scale. */
import { age, duration, grouped, plural } from '../../messages/quantities.ts';
import type {
  QueueStatistics,
  Spread,
  StatisticsStep,
  StatisticsSteps,
  WindowStatistics,
} from '../../protocol/statistics.ts';
import { flowing } from '../panels/detail-lines.ts';
import { sparkline } from '../text/figures.ts';
import { cell, type Line, lineOf, type Part, type Style, span } from '../text/line.ts';

const labelColumns = 8;
/** `up to 1,204 a minute` */
const scaleColumns = 22;
const mostSteps = 60;

export function statisticsLines(
  { windows, drainMs, oldest }: QueueStatistics,
  width: number,
  nowMs: number,
): Line[] {
  const now: Part[] = [];
  if (oldest !== null) {
    const atMost = oldest.isKnown ? '' : 'at most ';
    now.push(span(`oldest job has waited ${atMost}${age(nowMs - oldest.sinceMs)}`));
  }
  if (drainMs !== null && drainMs > 0)
    now.push(span(`${now.length > 0 ? '  ' : ''}empty in ${age(drainMs)}`));
  return [
    ...(now.length === 0 ? [] : [lineOf(width, now)]),
    ...(windows === null
      ? []
      : [
          ...windowLines('15 min', windows.last15Minutes, width),
          ...windowLines('total', windows.sinceStart, width),
        ]),
  ];
}

function windowLines(label: string, window: WindowStatistics, width: number): Line[] {
  const { finished, failed, duration: ran, wait } = window;
  const items = [
    [span(`${plural(finished, 'job')}, ${grouped(failed)} failed`)],
    ...(ran === null ? [] : [[span('ran ', { dim: true }), span(spreadText(ran))]]),
    ...(wait === null ? [] : [[span('waited ', { dim: true }), span(spreadText(wait))]]),
  ];
  return flowing(items, width - labelColumns).map((line, row) => [
    cell(row === 0 ? label : '', labelColumns, { dim: true }),
    ...line,
  ]);
}

/** `1.2 s (p95 3.4 s, longest 12 s)` */
function spreadText({ p50Ms, p95Ms, maxMs }: Spread): string {
  return `${duration(p50Ms)} (p95 ${duration(p95Ms)}, longest ${duration(maxMs)})`;
}

/** Jobs, failures and durations, a column for each minute; the newest is on the right. */
export function hourLines({ steps }: StatisticsSteps, width: number): Line[] {
  const columns = Math.min(mostSteps, width - labelColumns - scaleColumns);
  if (columns < 10 || !steps.some(({ started, finished }) => started + finished > 0)) return [];
  const shown = steps.slice(-columns);
  const blanks = ' '.repeat(columns - shown.length);
  const chart = (
    label: string,
    numberOf: (step: StatisticsStep) => number,
    scale: (top: number) => string,
    style: Style,
  ) => {
    const values = shown.map(numberOf);
    const top = Math.max(...values);
    return lineOf(width, [
      cell(label, labelColumns, { dim: true }),
      span(blanks + sparkline(values), top > 0 ? style : { dim: true }),
      span(`  ${scale(top)}`, { dim: true }),
    ]);
  };
  const perMinute = (top: number) => `up to ${grouped(top)} a minute`;
  return [
    chart('jobs', ({ finished }) => finished, perMinute, { color: 'green' }),
    chart('failed', ({ failed }) => failed, perMinute, { color: 'red' }),
    chart(
      'ran p95',
      ({ duration: ran }) => ran?.p95Ms ?? 0,
      (top) => `up to ${duration(top)}`,
      { color: 'cyan' },
    ),
    lineOf(width, [cell('', labelColumns), span(axis(columns), { dim: true })]),
  ];
}

/** `-60 min          -30 min          now`, under the columns of the charts. */
function axis(columns: number): string {
  const start = `-${columns} min`;
  return `${start}${'now'.padStart(Math.max(4, columns - start.length))}`;
}
