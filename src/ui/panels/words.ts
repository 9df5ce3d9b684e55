/** Words and glyphs that several panels share. */

import { clock, grouped } from '../../messages/quantities.ts';
import { limitsText, pauseReason, throttledReason } from '../../messages/queues.ts';
import type { FailureGroupNames } from '../../protocol/commands.ts';
import type { FailureSummary, PauseReason, PoolView, QueueView } from '../../protocol/events.ts';
import type { QueueState, Snapshot } from '../../protocol/snapshot.ts';
import type { QueueStatus } from '../../store/selectors.ts';
import type { QueueSort, Tab } from '../../store/view.ts';
import { mostShare } from '../lists/queue-order.ts';
import type { Style } from '../text/line.ts';

export const tabNames: Readonly<Record<Tab, string>> = {
  queues: 'Queues',
  failures: 'Failures',
  jobs: 'Jobs',
  events: 'Events',
  workers: 'Workers',
  delayed: 'Delayed',
};

/** `4.2/s`, `120/s` */
export function perSecond(rate: number): string {
  return `${rate < 9.95 ? rate.toFixed(1) : Math.round(rate)}/s`;
}

/**
 * Time since then: `42s`, `12m`, `3h`, `2d`. After the first minute only in minutes, because an unchanged screen costs nothing.
 */
export function age(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return `${Math.max(0, Math.floor(ms / 1_000))}s`;
  if (minutes < 60) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h` : `${Math.floor(hours / 24)}d`;
}

/** `12`, `1,204`, or `1,204+` if not all were counted. */
export function delayedCountText({ jobs, isComplete }: NonNullable<Snapshot['delayed']>): string {
  return `${grouped(jobs)}${isComplete ? '' : '+'}`;
}

const dayMs = 86_400_000;

/** Time of day, or the date if it is a day away or more. */
export function timeCell(atMs: number, nowMs: number): string {
  if (Math.abs(nowMs - atMs) < dayMs) return clock(atMs);
  const date = new Date(atMs);
  return `${String(date.getMonth() + 1).padStart(2, '0')}-${String(date.getDate()).padStart(2, '0')}`;
}

/** `sent TERM`: the job may ignore it, and has not ended yet. */
export function sentText(signal: string): string {
  return `sent ${signal.replace(/^SIG/, '')}`;
}

/** `exit 2`, `SIGKILL`, `never ran` */
export function howItEnded({ exitCode, signal }: Pick<FailureSummary, 'exitCode' | 'signal'>): string {
  if (signal !== null) return signal;
  return exitCode === null ? '' : `exit ${exitCode}`;
}

/** The same in a column headed EXIT. */
export function exitCell({ exitCode, signal }: Pick<FailureSummary, 'exitCode' | 'signal'>): string {
  return signal?.replace(/^SIG/, '') ?? (exitCode === null ? '-' : String(exitCode));
}

/** `Timeout, Send`; `Timeout, Send, queue mail` */
export function groupWords({ exception, jobClass, queue }: FailureGroupNames): string {
  const names = `${exception ?? '(no exception)'}, ${jobClass ?? '(no class)'}`;
  return queue === undefined ? names : `${names}, ${queue === null ? 'no queue' : `queue ${queue}`}`;
}

export const statusStyles: Readonly<Record<QueueStatus, Style>> = {
  running: { color: 'green' },
  idle: { dim: true },
  paused: { color: 'yellow' },
  draining: { color: 'yellow' },
  unstartable: { color: 'red', bold: true },
  unreadable: { color: 'red', bold: true },
};

const statusWords: Readonly<Record<QueueStatus, string>> = {
  running: 'running',
  idle: 'idle',
  paused: '‖ PAUSED',
  draining: '‖ draining',
  unstartable: "! can't start",
  unreadable: '! unreadable',
};

/**
 * `‖ PAUSED, draining` if it is paused and jobs still run; a stopping runner drains without a pause. A queue that can't start
 * may be paused, too: then it won't start as soon as it can.
 */
export function statusText(status: QueueStatus, { pauses }: Pick<QueueView, 'pauses'>): string {
  const isPaused = pauses.some(({ kind }) => kind === 'operator' || kind === 'all' || kind === 'cluster');
  if (status === 'unstartable' || status === 'unreadable')
    return `${statusWords[status]}${isPaused ? ', PAUSED' : ''}`;
  return status === 'draining' && pauses.length > 0 ? '‖ PAUSED, draining' : statusWords[status];
}

/** The most informative reason of a pause. */
export function pauseDetail(pauses: readonly PauseReason[]): PauseReason | null {
  return pauses.find(({ kind }) => kind === 'unstartable' || kind === 'unreadable') ?? pauses[0] ?? null;
}

/** More than there is room for. */
const longestReason = 1_000;

/** The state says already that it can't start, and its detail says why. */
function shortReason(pause: PauseReason): string {
  return pause.kind === 'unstartable' && pause.detail !== ''
    ? pause.detail.slice(0, longestReason)
    : pauseReason(pause);
}

/** The color of a row whose jobs fail. */
export function failingStyle(share: number): Style {
  if (share >= mostShare) return { color: 'red' };
  return share > 0 ? { color: 'yellow' } : {};
}

export interface Remark {
  /** '' if the panel's title shows none. */
  readonly state: string;
  readonly style: Style;
  /** `null` if the state is enough. */
  readonly reason: string | null;
  readonly reasonStyle: Style;
}

const throttledStyle: Style = { color: 'yellow' };

/** The most important remark comes first. Jobs of a throttled queue still run, unless another remark says otherwise. */
export function remarksOn(queue: QueueState, runner: PoolView | null, status: QueueStatus): Remark[] {
  const remarks: Remark[] = [];
  if (status !== 'running' && status !== 'idle') {
    const pause = pauseDetail(queue.pauses);
    const isTrouble = pause?.kind === 'unstartable' || pause?.kind === 'unreadable';
    remarks.push({
      state: statusText(status, queue),
      style: statusStyles[status],
      reason: pause === null ? null : shortReason(pause),
      reasonStyle: { color: isTrouble ? 'red' : 'yellow' },
    });
  }
  const limits = limitsText(runner?.limits?.limit ?? null, runner?.limits?.rate ?? null);
  if (limits !== '') {
    const isAt = (queue.limitedBy ?? null) !== null && (queue.backlog ?? 0) > 0;
    remarks.push({
      ...{
        state: !isAt ? '' : queue.limitedBy === 'rate' ? 'rate-limited' : 'at its limit',
        style: { color: 'yellow' },
      },
      ...{ reason: `${limits} over all runners`, reasonStyle: isAt ? { color: 'yellow' } : { dim: true } },
    });
  }
  // The row of the entry says it for all its queues.
  const throttled = runner?.key === queue.name ? runner.throttled : null;
  if (throttled !== null) {
    remarks.push({
      ...{ state: '! throttled', style: throttledStyle },
      ...{ reason: throttledReason(throttled), reasonStyle: throttledStyle },
    });
  }
  return remarks;
}

/** What the queues are sorted by. */
export const sortNames: Readonly<Record<QueueSort, string>> = {
  attention: 'urgency',
  name: 'name',
  slots: 'running jobs',
  waiting: 'waiting jobs',
  rate: 'jobs per second',
  failed: 'failures',
  config: 'config order',
};
