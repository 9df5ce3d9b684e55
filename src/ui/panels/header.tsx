/** The first row: the current tab or item, and the state of the runner as a whole. */
import type { ReactNode } from 'react';
import { grouped } from '../../messages/quantities.ts';
import { pauseReason } from '../../messages/queues.ts';
import type { Snapshot } from '../../protocol/snapshot.ts';
import type { AppState } from '../../store/app-store.ts';
import { bucketsAt, failuresPerSecond, findJob, ratePerSecond, totalSlots } from '../../store/selectors.ts';
import { type Tab, tabs, type View } from '../../store/view.ts';
import { Canvas } from '../frame/canvas.tsx';
import { type ScreenProps, useFrame, useScreen } from '../frame/use-frame.ts';
import { shownTabs } from '../lists/selection.ts';
import { elapsed, sparkline } from '../text/figures.ts';
import { cut, cutStart } from '../text/fit.ts';
import {
  type ClickTarget,
  gap,
  type Line,
  lineOf,
  restyled,
  type Span,
  span,
  widthOf,
} from '../text/line.ts';
import { age, delayedCountText, perSecond, sentText } from './words.ts';

const tabNames: Readonly<Record<Tab, string>> = {
  queues: 'Queues',
  failures: 'Failures',
  jobs: 'Jobs',
  events: 'Events',
  workers: 'Workers',
  delayed: 'Delayed',
};
/** For narrow terminals. The current tab keeps its name. */
const shortNames: Readonly<Record<Tab, string>> = {
  ...tabNames,
  failures: 'Fail',
  events: 'Ev',
  workers: 'Work',
  delayed: 'Del',
};
const sparkColumns = 8;
const redisColumns = 22;
/** In the order in which they are dropped if there isn't enough room. */
const details = ['sparkline', 'redis', 'name', 'words', 'tab names', 'short tab names'] as const;
type Detail = (typeof details)[number];

/** The part of the state that the header shows. */
type Shown = Pick<AppState, 'model' | 'view' | 'away'>;

export function Header(): ReactNode {
  const screen = useScreen();
  const { columns, nowMs, ...shown } = useFrame(({ model, view, away, size, nowMs }) => ({
    model,
    view,
    away,
    columns: size.columns,
    nowMs,
  }));
  return <Canvas width={columns} lines={[headerLine(shown, columns, nowMs, screen)]} />;
}

function headerLine(
  state: Shown,
  columns: number,
  nowMs: number,
  { isReadOnly, runnerUser }: Pick<ScreenProps, 'isReadOnly' | 'runnerUser'>,
): Line {
  const mode = isReadOnly ? [span(' read-only', { color: 'yellow' })] : [];
  const user = runnerUser === null ? [] : [span(` runner of user ${runnerUser}`, { color: 'yellow' })];
  const paused = pausedText(state.model);
  let parts: { readonly left: readonly Span[]; readonly right: readonly Span[] } = { left: [], right: [] };
  for (let leftOut = 0; leftOut <= details.length; leftOut += 1) {
    const shown = new Set<Detail>(details.slice(leftOut));
    const place = [...(state.view.opened === null ? tabLine(state, shown) : trail(state)), ...mode, ...user];
    const name = shown.has('name') ? span(' resque-runner  ', { bold: true }) : span(' ');
    const right = state.view.opened?.kind === 'job' ? jobState(state, nowMs) : health(state, shown, nowMs);
    const pause = paused === null ? [] : [span(`‖ ${paused}`, { bold: true }), span('  ')];
    parts = { left: [name, ...place], right: [...pause, ...right, span(' ')] };
    if (widthOf(parts.left) + 1 + widthOf(parts.right) <= columns) break;
    // Without room for both, the pause is what matters.
    if (leftOut === details.length && paused !== null) parts = { ...parts, right: pause };
  }
  const line = lineOf(columns, [...parts.left, gap, ...parts.right]);
  return paused === null ? line : restyled(line, { color: 'red', inverse: true, dim: undefined });
}

/** `PAUSED all queues, by ann`; `null` unless all queues are paused at once. */
function pausedText({ queues }: Snapshot): string | null {
  const pause = queues[0]?.pauses.find(({ kind }) => kind === 'all' || kind === 'cluster');
  return pause === undefined ? null : `PAUSED ${pauseReason(pause)}`;
}

function tabLine(state: Shown, shown: ReadonlySet<Detail>): Span[] {
  const { view, model } = state;
  return shownTabs(state).flatMap((tab, at) => {
    const isCurrent = tab === view.tab;
    const isWhole = isCurrent || shown.has('tab names');
    const name = isWhole ? tabNames[tab] : shown.has('short tab names') ? shortNames[tab] : '';
    const count = name === '' && tab !== 'failures' ? '' : countOf(tab, model);
    // The panels don't show that a filter hides queues.
    const filter = tab === 'queues' && view.queues.filter !== '' ? ` /${cut(view.queues.filter, 16)}` : '';
    const text = `${tabs.indexOf(tab) + 1}${name === '' ? '' : ` ${name}`}${count}${filter}`;
    const blank = at === 0 ? [] : [span(' ')];
    const label = isCurrent ? span(`[${text}]`, { bold: true }) : span(text, { dim: true });
    return [...blank, { ...label, target: tabTarget(tab) }];
  });
}

function countOf(tab: Tab, { failedTotal, delayed }: Snapshot): string {
  if (tab === 'failures' && failedTotal !== null) return `(${grouped(failedTotal)})`;
  return tab === 'delayed' && (delayed?.jobs ?? 0) > 0 && delayed !== undefined
    ? `(${delayedCountText(delayed)})`
    : '';
}

/** `Queues › transcode › #a91f` */
function trail({ model, view }: Shown): Span[] {
  const steps = [tabNames[view.tab], ...openedNames(model, view)];
  return steps.flatMap((step, at) => [
    ...(at === 0 ? [] : [span(' › ', { dim: true })]),
    {
      ...span(step, at === steps.length - 1 ? { bold: true } : {}),
      // The first step is the tab: a click goes back to it.
      ...(at === 0 ? { target: tabTarget(view.tab) } : {}),
    },
  ]);
}

function tabTarget(tab: Tab): ClickTarget {
  return { key: String(tabs.indexOf(tab) + 1) };
}

function openedNames(model: Snapshot, { opened }: View): string[] {
  if (opened?.kind === 'failure')
    return [opened.entry.queue ?? '(no queue)', opened.entry.jobClass ?? '(no class)'];
  if (opened?.kind === 'queue') return [opened.queue];
  if (opened?.kind === 'waiting-job') return [opened.queue, opened.job.jobClass ?? '(no class)'];
  if (opened?.kind === 'worker') return [opened.worker.process];
  if (opened?.kind === 'delayed-job') {
    const { queue, jobClass } = opened.item.kind === 'job' ? opened.item.job : opened.item.schedule;
    return [queue ?? '(no queue)', jobClass ?? '(no class)'];
  }
  if (opened?.kind !== 'job') return [];
  const job = findJob(model, opened.jobId);
  return [...(job === null ? [] : [job.queue]), `#${opened.jobId}`];
}

function jobState({ model, view }: Shown, nowMs: number): Span[] {
  if (view.opened?.kind !== 'job') return [];
  const { jobId } = view.opened;
  const running = model.jobs.find(({ id }) => id === jobId);
  if (running !== undefined) {
    return [
      span('RUNNING ', { color: 'green', bold: true }),
      ...(running.killed === null ? [] : [span(`${sentText(running.killed.signal)} `, { color: 'yellow' })]),
      span(`${elapsed(nowMs - running.startedAtMs)}  pid ${running.pid}`),
    ];
  }
  const ended = model.ended.find(({ id }) => id === jobId);
  if (ended === undefined) return [span('ended', { dim: true })];
  const color = ended.outcome === 'succeeded' ? 'green' : ended.outcome === 'failed' ? 'red' : 'yellow';
  return [
    span(`${ended.outcome.toUpperCase()} `, { color, bold: true }),
    span(`after ${elapsed(ended.durationMs)}`),
  ];
}

function health({ model, away }: Shown, shown: ReadonlySet<Detail>, nowMs: number): Span[] {
  const { engine, redis, totals, throughput } = model;
  if (engine === null) return [span('connecting…', { color: 'yellow' })];
  const { used, total } = totalSlots(model);
  const hasWords = shown.has('words');
  const blank = span(hasWords ? '  ' : ' ');
  const parts: Span[] = [];
  if (shown.has('redis')) parts.push(span(`${redisLabel(engine.redis)} `, { dim: true }));
  parts.push(redisSign(redis.state));
  if (away !== null) parts.push(span(' no runner', { color: 'red', bold: true }));
  else if (engine.isStopped) parts.push(span(' stopped', { color: 'yellow', bold: true }));
  else if (engine.stopping !== null) parts.push(span(' stopping', { color: 'yellow', bold: true }));
  else if (hasWords) parts.push(span(` up ${age(nowMs - engine.startedAtMs)}`));
  parts.push(blank, span(hasWords ? `${used}/${total} slots` : `${used}/${total}`), blank);
  if (shown.has('sparkline')) {
    parts.push(span(`${sparkline(bucketsAt(throughput, nowMs, sparkColumns))} `, { dim: true }));
  }
  parts.push(span(perSecond(ratePerSecond(throughput, nowMs))), blank);
  const isFailing = totals.failed > 0;
  const rate = isFailing && hasWords ? ` ${perSecond(failuresPerSecond(model, nowMs))}` : '';
  parts.push(span(`✗ ${grouped(totals.failed)}${rate}`, isFailing ? { color: 'red' } : { dim: true }));
  return parts;
}

/** The address without `redis://`. A long one is cut at its start, because the end differs between servers. */
function redisLabel(redis: string): string {
  return cutStart(redis.replace(/^redis:\/\//, ''), redisColumns);
}

function redisSign(state: Snapshot['redis']['state']): Span {
  if (state === 'up') return span('●', { color: 'green' });
  if (state === 'down') return span('✗ Redis down', { color: 'red', bold: true });
  return span('○ connecting', { color: 'yellow' });
}
