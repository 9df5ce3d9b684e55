/**
 * The delayed jobs, by the time when they are due: reading them in pages, and moving them to their queues early or deleting
 * them. Others move, delay and delete jobs at any moment, so an index is only a hint: a job is found by the SHA-1 of its
 * bytes. Equal jobs that are due in the same second can't be told apart. All reject with RedisError.
 */
import { randomUUID } from 'node:crypto';
import type { DelayedRef, DelayedView, WaitingRetry } from '../../protocol/redis-views.ts';
import { asObject, asText, parsedJson } from '../format/json.ts';
import type { ResqueKeys } from '../format/keys.ts';
import { readPayload } from '../format/payload.ts';
import { runScript } from '../redis/script.ts';
import type { CommandSender } from '../redis/send.ts';
import {
  changeDelayedScript,
  findDelayedScript,
  readDelayedScript,
  waitingRetriesScript,
} from './list-scripts.ts';

/** One waiting job. */
export interface DelayedJob extends DelayedRef {
  /** When it is due, in seconds since the epoch, as Redis writes it. */
  readonly score: string;
  readonly dueAt: number;
  /** Its bytes. If Redis can't send them whole, JSON with its class and queue. */
  readonly item: Buffer;
  readonly isWhole: boolean;
  /** Set by `withRetries`; `null` if it is not a retry of a runner. */
  readonly retry?: WaitingRetry | null;
}

/** Where a page begins: at this job or after it. */
export interface DelayedCursor {
  /** As Redis writes the score. */
  readonly score: string;
  readonly time: string;
  readonly index: number;
}

export interface DelayedPage {
  /** By time, then by their order in the list. */
  readonly jobs: readonly DelayedJob[];
  /** `null`: no job follows. */
  readonly next: DelayedCursor | null;
}

/** `gone`: it is no longer there. `undeliverable`: it names no queue, or its queue's key is not a list. */
export type DelayedResult = 'done' | 'gone' | 'undeliverable';

export interface DelayedChange {
  readonly kind: 'run' | 'remove';
  readonly jobs: readonly DelayedRef[];
}

export interface FoundJob {
  readonly job: DelayedJob;
  /** How many equal jobs are due at the same time, including this one. */
  readonly copies: number;
}

/** Before every job. */
export const firstCursor: DelayedCursor = { score: '-inf', time: '', index: 0 };
const pageBytes = 1024 * 1024;

export class DelayedList {
  readonly #sender: CommandSender;
  readonly #keys: ResqueKeys;

  constructor(sender: CommandSender, keys: ResqueKeys) {
    this.#sender = sender;
    this.#keys = keys;
  }

  /** Redis' clock, in milliseconds since the epoch. */
  async nowMs(): Promise<number> {
    const [seconds, micros] = await this.#sender.command((commands) => commands.time());
    return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
  }

  /** Up to `size` jobs from a cursor on. */
  async page(from: DelayedCursor, size: number): Promise<DelayedPage> {
    const { score, time, index } = from;
    const args = [this.#keys.prefix, score, time, index, size, this.#room];
    const [hasMore, ...fields] = (await runScript(this.#sender, readDelayedScript, 0, args)) as [
      number,
      ...Buffer[],
    ];
    const jobs: DelayedJob[] = [];
    let next: DelayedCursor | null = null;
    for (let at = 0; at < fields.length; at += 6) {
      const [itsScore = '', ...rest] = fields.slice(at, at + 6);
      const job = jobOf(itsScore.toString(), rest);
      jobs.push(job);
      next = { score: itsScore.toString(), time: job.time, index: job.index + 1 };
    }
    return { jobs, next: hasMore === 1 ? next : null };
  }

  /** @param digits the beginning of its SHA-1. @returns `null` if there is none */
  async find(time: string, digits: string): Promise<FoundJob | null> {
    const reply = await runScript(this.#sender, findDelayedScript, 0, [
      this.#keys.prefix,
      time,
      digits,
      this.#room,
    ]);
    if (!Array.isArray(reply) || reply.length === 0) return null;
    const [copies, score, ...rest] = reply as [number, Buffer, ...Buffer[]];
    return { job: jobOf(score.toString(), rest), copies };
  }

  /** The same jobs, and which of them are retries. */
  async withRetries(jobs: readonly DelayedJob[]): Promise<DelayedJob[]> {
    const args = [this.#keys.prefix, ...jobs.flatMap(({ sha1, time }) => [sha1, time])];
    const heads = (await runScript(this.#sender, waitingRetriesScript, 0, args)) as Buffer[];
    return jobs.map((job, at) => ({ ...job, retry: waitingRetry(String(heads[at] ?? '')) }));
  }

  /** Moves jobs to the ends of their queues, or deletes them. @returns the result for each */
  async change({ kind, jobs }: DelayedChange): Promise<DelayedResult[]> {
    const entries = jobs.flatMap(({ time, index, sha1 }) => [time, index, sha1]);
    const args = [this.#keys.prefix, kind, `mark:${randomUUID()}`, ...entries];
    const states = (await runScript(this.#sender, changeDelayedScript, 0, args)) as number[];
    return jobs.map((_, at) => (states[at] === 1 ? 'done' : states[at] === 2 ? 'undeliverable' : 'gone'));
  }

  /** Bytes of a reply. */
  get #room(): number {
    return Math.min(pageBytes, Math.floor((this.#sender.replyLimit ?? Number.POSITIVE_INFINITY) / 2));
  }
}

function waitingRetry(head: string): WaitingRetry | null {
  if (head === '') return null;
  const { attempt, first_failed_at: first, error } = JSON.parse(head) as Record<string, unknown>;
  return { attempt: Number(attempt), firstFailedAt: asText(first), lastError: asText(error) };
}

function jobOf(score: string, fields: readonly Buffer[]): DelayedJob {
  const [time = '', index = '', sha1 = '', isWhole = '', item = Buffer.alloc(0)] = fields;
  return {
    time: String(time),
    score,
    dueAt: Number(score.replace('inf', 'Infinity')),
    index: Number(String(index)),
    sha1: String(sha1),
    isWhole: String(isWhole) === '1',
    item: Buffer.from(item),
  };
}

/** Hex digits of the SHA-1. */
const checkDigits = 8;
const latestMs = 8.64e15;

/** A delayed job for people and for filters. Accepts any bytes. */
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
  return asText(asObject(parsedJson(item.toString('utf8')))?.queue) || null;
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
