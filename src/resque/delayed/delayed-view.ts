/** Describes a delayed job for people and for filters, and a place among them as text. Accepts any bytes. */
import type { DelayedView } from '../../protocol/delayed.ts';
import { readPayload } from '../format/payload.ts';
import type { DelayedCursor, DelayedJob } from './delayed-list.ts';

/** Hex digits of the SHA-1. */
const checkDigits = 8;
const latestMs = 8.64e15;

export function viewDelayed({ time, dueAt, sha1, item }: DelayedJob): DelayedView {
  const payload = readPayload(item);
  const dueAtMs = dueAt * 1_000;
  return {
    id: `${time}@${sha1.slice(0, checkDigits)}`,
    dueAtMs: Math.abs(dueAtMs) <= latestMs ? dueAtMs : null,
    queue: payload.isObject ? queueOf(item) : null,
    jobClass: payload.isObject ? payload.jobClass : null,
    args: payload.isObject ? payload.argsText : '',
    isReadable: payload.isObject,
  };
}

function queueOf(item: Buffer): string | null {
  const { queue } = JSON.parse(item.toString('utf8')) as { queue?: unknown };
  return typeof queue === 'string' && queue !== '' ? queue : null;
}

/** `1795533619:20`, with the time at its end if that is not the number. */
export function cursorText({ score, time, index }: DelayedCursor): string {
  return `${score}:${index}${time === score ? '' : `:${time}`}`;
}

/** @returns `null` if it is not the text of a cursor */
export function readCursor(text: string): DelayedCursor | null {
  const [, score, index, time] = /^([-+\w.]{1,40}):(\d{1,9})(?::(.*))?$/s.exec(text) ?? [];
  if (score === undefined || index === undefined) return null;
  return { score, time: time ?? score, index: Number(index) };
}
