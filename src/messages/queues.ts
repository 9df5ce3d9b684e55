/** What log, screen and commands say about queues and pools: slots, pauses, throttling. */
import type { PauseReason, PoolView, Throttled } from '../protocol/events.ts';
import { grouped, plural } from './quantities.ts';
import { visibleWithin } from './visible.ts';

const textLimit = 200;
const lastWordsLimit = 120;

/** Pauses of an entry, for a text that names it already. */
export function ofEntry(pauses: readonly PauseReason[]): readonly PauseReason[] {
  return pauses.map(({ kind, detail, sinceMs }) => ({ kind, detail, sinceMs }));
}

/** @param limit characters of its detail */
export function pauseReason(reason: PauseReason, limit = textLimit): string {
  const who = reason.detail === '' ? 'hand' : visibleWithin(reason.detail, limit);
  const detail = reason.detail === '' ? '' : ` (${visibleWithin(reason.detail, limit)})`;
  switch (reason.kind) {
    case 'operator':
      return reason.entry === undefined
        ? `by ${who}`
        : `${visibleWithin(reason.entry, textLimit)}, by ${who}`;
    case 'all':
      return `all queues, by ${who}`;
    case 'cluster':
      return `pause-all-workers is set in Redis${detail}`;
    case 'unstartable':
      return `its script can't be started${detail}`;
    case 'unreadable':
      return `its key in Redis can't be read as a list${detail}`;
  }
}

/** `limit 10, rate 100/m burst 20`; '' without either. */
export function limitsText(limit: number | null, rate: string | null): string {
  const texts = [
    ...(limit === null ? [] : [`limit ${grouped(limit)}`]),
    ...(rate === null ? [] : [`rate ${visibleWithin(rate, textLimit)}`]),
  ];
  return texts.join(', ');
}

/** Why an entry is throttled, in a few words. */
export function throttledReason(throttled: Throttled, limit = lastWordsLimit): string {
  return throttled.shortage === null
    ? `waiting children end (${endOf(throttled, limit)})`
    : visibleWithin(throttled.shortage, Math.max(limit, textLimit));
}

/** `exit code 1: no such table` */
export function endOf({ exitCode, signal, lastWords }: Throttled, limit = lastWordsLimit): string {
  const end = signal === null ? `exit code ${exitCode}` : visibleWithin(signal, textLimit);
  return lastWords === '' ? end : `${end}: ${visibleWithin(lastWords, limit)}`;
}

/** Not paused by a person: something needs attention. */
export function isTrouble(reason: PauseReason): boolean {
  return reason.kind === 'unstartable' || reason.kind === 'unreadable';
}

/** `mail: 3 slots (1 in the config)` */
export function slotsMessages({ key, concurrency: now, configuredConcurrency }: PoolView): string {
  const config = now === configuredConcurrency ? '' : ` (${configuredConcurrency} in the config)`;
  return `${visibleWithin(key, textLimit)}: ${plural(now, 'slot')}${config}`;
}

/** `mail is paused: by ann`, `mail is not paused` */
export function pausesMessages(queue: string, pauses: readonly PauseReason[]): string {
  const name = visibleWithin(queue, textLimit);
  return pauses.length === 0
    ? `${name} is not paused`
    : `${name} is paused: ${pauses.map((pause) => pauseReason(pause)).join('; ')}`;
}

/** `3 (1 in the config)` */
export function slotsNow({ concurrency: now, configuredConcurrency }: PoolView): string {
  return now === configuredConcurrency ? `${now}` : `${now} (${configuredConcurrency} in the config)`;
}
