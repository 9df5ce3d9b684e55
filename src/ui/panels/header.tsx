/** The first row: the current tab or item, and the state of the runner as a whole. */
import type { ReactNode } from 'react';
import { grouped } from '../../messages/quantities.ts';
import { pauseReason } from '../../messages/queues.ts';
import type { Snapshot } from '../../protocol/snapshot.ts';
import type { AppState } from '../../store/app-store.ts';
import { bucketsAt, failuresPerSecond, findJob, ratePerSecond, totalSlots } from '../../store/selectors.ts';
import { type Tab, tabs, type View } from '../../store/view.ts';
import { Canvas } from '../frame/canvas.tsx';
import { calmTime, type ScreenProps, useFrame, useScreen } from '../frame/use-frame.ts';
import { isCompact, type Size } from '../layout/layout.ts';
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
import { age, delayedCountText, perSecond, sentText, tabNames } from './words.ts';

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
/**
 * In the order in which they are dropped if there isn't enough room. Nothing is cut: the tabs lead to everything else, and the
 * message line says more about Redis.
 */
const details = [
  'sparkline',
  'redis',
  'name',
  'words',
  'tab names',
  'short tab names',
  'rate',
  'slots',
  'failed',
  'count',
  'down',
] as const;
type Detail = (typeof details)[number];

/** The part of the state that the header shows. */
type Shown = Pick<AppState, 'model' | 'view' | 'away'>;

export function Header(): ReactNode {
  const screen = useScreen();
  const { size, nowMs, ...shown } = useFrame((frame) => ({
    model: frame.model,
    view: frame.view,
    away: frame.away,
    size: frame.size,
    nowMs: frame.nowMs,
  }));
  return <Canvas width={size.columns} lines={[headerLine(shown, size, nowMs, screen)]} />;
}

function headerLine(
  state: Shown,
  size: Size,
  nowMs: number,
  { isReadOnly, runnerUser }: Pick<ScreenProps, 'isReadOnly' | 'runnerUser'>,
): Line {
  const { columns } = size;
  const compact = isCompact(size);
  const mode = isReadOnly ? [span(' read-only', { color: 'yellow' })] : [];
  const user = runnerUser === null ? [] : [span(` runner of user ${runnerUser}`, { color: 'yellow' })];
  const paused = pausedText(state.model);
  let parts: { readonly left: readonly Span[]; readonly right: readonly Span[] } = { left: [], right: [] };
  for (let leftOut = 0; leftOut <= details.length; leftOut += 1) {
    const shown = new Set<Detail>(details.slice(leftOut));
    const hasTrail = state.view.opened !== null || compact;
    const place = hasTrail ? trail(state) : tabLine(state, shown);
    const name = shown.has('name') ? span(' resque-runner  ', { bold: true }) : span(' ');
    const right =
      state.view.opened?.kind === 'job' ? jobState(state, shown, nowMs) : health(state, shown, nowMs);
    const pause = paused === null ? [] : [span(`‖ ${paused}`, { bold: true }), span('  ')];
    parts = { left: [name, ...place, ...mode, ...user], right: [...pause, ...right, span(' ')] };
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
    const hasCount = shown.has('count') && (name !== '' || tab === 'failures');
    const count = hasCount ? countOf(tab, model) : '';
    const filter = tab === 'queues' ? hiddenQueues(view) : '';
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

/** The panels don't show that a filter hides queues. */
function hiddenQueues({ queues: { filter } }: View): string {
  return filter === '' ? '' : ` /${cut(filter, 16)}`;
}

/** `Queues › transcode › #a91f` */
function trail(state: Shown): Span[] {
  const { tab, opened } = state.view;
  const filter = opened === null ? hiddenQueues(state.view) : '';
  const steps = [`${tabNames[tab]}${filter}`, ...openedNames(state.model, state.view)];
  return steps.flatMap((step, at) => [
    ...(at === 0 ? [] : [span(' › ', { dim: true })]),
    {
      ...span(step, at === steps.length - 1 ? { bold: true } : {}),
      // The first step is the tab: a click goes back to it.
      ...(at === 0 ? { target: tabTarget(tab) } : {}),
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

function jobState({ model, view }: Shown, shown: ReadonlySet<Detail>, nowMs: number): Span[] {
  if (view.opened?.kind !== 'job') return [];
  const { jobId } = view.opened;
  const running = model.jobs.find(({ id }) => id === jobId);
  if (running !== undefined) {
    return [
      span('RUNNING ', { color: 'green', bold: true }),
      ...(running.killed === null ? [] : [span(`${sentText(running.killed.signal)} `, { color: 'yellow' })]),
      span(elapsed(nowMs - running.startedAtMs)),
      span(shown.has('words') ? `  pid ${running.pid}` : ''),
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
  const parts: Span[] = [];
  const blank = span(hasWords ? '  ' : ' ');
  if (shown.has('redis')) parts.push(span(`${redisLabel(engine.redis)} `, { dim: true }));
  parts.push(redisSign(redis.state, shown.has('down')));
  if (away !== null) parts.push(span(' no runner', { color: 'red', bold: true }));
  else if (engine.isStopped) parts.push(span(' stopped', { color: 'yellow', bold: true }));
  else if (engine.stopping !== null) parts.push(span(' stopping', { color: 'yellow', bold: true }));
  else if (hasWords) parts.push(span(` up ${age(calmTime(nowMs - engine.startedAtMs))}`));
  if (shown.has('slots')) parts.push(blank, span(hasWords ? `${used}/${total} slots` : `${used}/${total}`));
  if (shown.has('rate')) {
    const columns = bucketsAt(throughput, nowMs, sparkColumns);
    parts.push(blank);
    if (shown.has('sparkline')) parts.push(span(`${sparkline(columns)} `, { dim: true }));
    parts.push(span(perSecond(ratePerSecond(throughput, nowMs))));
  }
  if (shown.has('failed')) {
    const isFailing = totals.failed > 0;
    const rate = isFailing && hasWords ? ` ${perSecond(failuresPerSecond(model, nowMs))}` : '';
    const text = `✗ ${grouped(totals.failed)}${rate}`;
    parts.push(blank, span(text, isFailing ? { color: 'red' } : { dim: true }));
  }
  return parts;
}

/** The address without `redis://`. A long one is cut at its start, because the end differs between servers. */
function redisLabel(redis: string): string {
  return cutStart(redis.replace(/^redis:\/\//, ''), redisColumns);
}

function redisSign(state: Snapshot['redis']['state'], hasWords: boolean): Span {
  if (state === 'up') return span('●', { color: 'green' });
  if (state === 'down') return span(hasWords ? '✗ Redis down' : '✗ Redis', { color: 'red', bold: true });
  return span(hasWords ? '○ connecting' : '○', { color: 'yellow' });
}
