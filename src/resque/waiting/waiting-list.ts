/**
 * The jobs that wait on a queue, the one that runs next first: reading them in pages, deleting them, and moving them to either
 * end. Reading takes nothing off the queue. Others take and add jobs at any moment, so an index is only a hint: a job is found by
 * the SHA-1 of its bytes. All reject with RedisError.
 */
import { randomUUID } from 'node:crypto';
import type { WaitingJob, WaitingJobRef } from '../../protocol/waiting.ts';
import type { ResqueKeys } from '../format/keys.ts';
import { cut, readPayload } from '../format/payload.ts';
import { hint } from '../redis/list-entries.ts';
import { runScript } from '../redis/script.ts';
import type { CommandSender } from '../redis/send.ts';
import { changeWaitingScript, readWaitingScript } from './scripts.ts';

export interface WaitingPage {
  /** Length of the queue. */
  readonly total: number;
  /** Adjacent jobs. Fewer than asked for if they are large; none only after the last job. */
  readonly jobs: readonly WaitingJob[];
}

/** `gone`: no longer on the queue. `unfound`: not near its place, and the queue is too long to look through at once. */
export type WaitingResult = 'done' | 'gone' | 'unfound';

export interface WaitingChange {
  readonly kind: 'remove' | 'head' | 'tail';
  readonly jobs: readonly WaitingJobRef[];
}

export interface WaitingChanged {
  /** Length of the queue. */
  readonly total: number;
  readonly results: readonly WaitingResult[];
  /** The jobs that were removed, without large ones. */
  readonly removed: readonly Buffer[];
}

const pageBytes = 1024 * 1024;
/** Larger jobs are cut. */
const shownBytes = 16 * 1024;

export class WaitingList {
  readonly #sender: CommandSender;
  readonly #keys: ResqueKeys;

  constructor(sender: CommandSender, keys: ResqueKeys) {
    this.#sender = sender;
    this.#keys = keys;
  }

  /** @returns `null` if the queue's key is not a list */
  async page(queue: string, first: number, count: number): Promise<WaitingPage | null> {
    const room = this.#room;
    const args = [this.#keys.queue(queue), hint(first), count, room, Math.min(shownBytes, room)];
    const [total, ...fields] = (await runScript(this.#sender, readWaitingScript, 1, args)) as [
      number,
      ...(Buffer | number)[],
    ];
    if (total < 0) return null;
    const jobs: WaitingJob[] = [];
    for (let at = 0; at < fields.length; at += 3) {
      const [sha1, size, bytes] = fields.slice(at, at + 3);
      const ref = { index: first + jobs.length, sha1: String(sha1) };
      jobs.push(waitingJob(ref, Number(size), bytes as Buffer));
    }
    return { total, jobs };
  }

  /** Deletes jobs, or moves them to an end of the queue. @returns `null` if the queue's key is not a list */
  async change(queue: string, { kind, jobs }: WaitingChange): Promise<WaitingChanged | null> {
    const most = Math.floor(this.#room / Math.max(1, jobs.length));
    const about = [this.#keys.queue(queue), this.#keys.prefix, kind, `mark:${randomUUID()}`, most];
    const places = jobs.flatMap(({ index, sha1 }) => [hint(index), sha1]);
    const [total, ...fields] = (await runScript(this.#sender, changeWaitingScript, 1, [
      ...about,
      ...places,
    ])) as [number, ...(Buffer | number)[]];
    if (total < 0) return null;
    const results = jobs.map((_, at) => resultOf(Number(fields[2 * at])));
    const removed = jobs.flatMap((_, at) => {
      const bytes = fields[2 * at + 1];
      return Buffer.isBuffer(bytes) && bytes.length > 0 ? [bytes] : [];
    });
    return { total, results, removed };
  }

  /** Bytes of a reply. */
  get #room(): number {
    return Math.min(pageBytes, Math.floor((this.#sender.replyLimit ?? Number.POSITIVE_INFINITY) / 2));
  }
}

function waitingJob(ref: WaitingJobRef, size: number, bytes: Buffer): WaitingJob {
  const isWhole = bytes.length === size;
  const text = bytes.toString('utf8');
  const about = { ...ref, size, payload: text, isWhole };
  const payload = isWhole ? readPayload(bytes) : null;
  if (payload?.isObject === true) return { ...about, jobClass: payload.jobClass, args: payload.argsText };
  return { ...about, jobClass: isWhole ? null : writtenClass(text), args: '' };
}

/** The class of a job of which only the beginning is known, where clients of Resque write it. */
function writtenClass(beginning: string): string | null {
  const [, name] = /^\s*\{\s*"class"\s*:\s*"([^"\\]+)"/.exec(beginning) ?? [];
  return name === undefined ? null : cut(name, 500);
}

function resultOf(state: number): WaitingResult {
  return state === 1 ? 'done' : state === 2 ? 'unfound' : 'gone';
}
