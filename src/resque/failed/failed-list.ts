/**
 * The `failed` list, oldest first. Other clients shift its indexes at any moment, so an index doesn't identify an entry.
 * Changes go by the entries' bytes, in one atomic step. Ruby removes an entry with `LSET i ""`, then `LREM ""`; if that is
 * interrupted, an entry is left that breaks resque-web's pages. All reject with RedisError.
 */
import { randomUUID } from 'node:crypto';
import { retryOf } from '../format/failure-record.ts';
import type { ResqueKeys } from '../format/keys.ts';
import { hint } from '../redis/list-entries.ts';
import { runScript } from '../redis/script.ts';
import type { CommandSender } from '../redis/send.ts';
import { changeScript } from './change-script.ts';
import type { FailurePage, ListedRecord } from './failed-page.ts';
import { readInParts } from './failed-page.ts';

/** The result for one entry. `unretryable`: it names no job or queue to put back, or the queue's key is not a list. */
export type ChangeResult = 'done' | 'gone' | 'unretryable';

export interface Change {
  readonly kind: 'retry' | 'remove';
  /** Indexes are hints: where the entries were last seen. */
  readonly entries: readonly ListedRecord[];
}

/** A page of a walk from newer to older entries. */
export interface WalkPage extends FailurePage {
  /** Index of the entry that was the oldest at the start. Entries that others put before it are left alone. */
  readonly floor: number;
}

/** A walk from newer to older entries, while others may change the list. */
export interface Walk {
  /** The last page; `null` at the start. */
  readonly page: WalkPage | null;
  /** Where to start: only entries at lower indexes are read. */
  readonly before: number;
  /** Size of the next page. */
  readonly size: number;
}

interface Sent {
  readonly acts: boolean;
  readonly listed: ListedRecord;
  /** `null` unless it is retried. */
  readonly retry: ReturnType<typeof retryOf>;
}

type ChangeReply = [number, number, number, number[], number, Buffer[]];

/** Entries of a page that are only searched for, to find the position again if all changed entries are gone. */
const anchorCount = 8;

export class FailedList {
  readonly #session: CommandSender;
  readonly #keys: ResqueKeys;

  constructor(session: CommandSender, keys: ResqueKeys) {
    this.#session = session;
    this.#keys = keys;
  }

  /** Up to `size` entries right before an index; `null` for the newest. */
  async page(before: number | null, size: number): Promise<FailurePage> {
    const { failed } = this.#keys;
    const { replyLimit = Number.POSITIVE_INFINITY } = this.#session;
    if (replyLimit !== Number.POSITIVE_INFINITY) {
      return await readInParts(this.#session, failed, { before, size }, Math.floor(replyLimit / 2));
    }
    const first = before === null ? -size : Math.max(0, before - size);
    const last = before === null ? -1 : before - 1;
    const replies = await this.#session.command(async (commands) => {
      const transaction = commands.multi().llen(failed);
      // Nothing precedes the oldest entry, and -1 would mean the newest.
      const isEmpty = before !== null && last < 0;
      const results = await (isEmpty ? transaction : transaction.lrangeBuffer(failed, first, last)).exec();
      const failure = results?.find(([error]) => error !== null)?.[0];
      if (failure) throw failure;
      return results;
    });
    const total = Number(replies?.[0]?.[1] ?? 0);
    const records = (replies?.[1]?.[1] ?? []) as Buffer[];
    const start = before === null ? total - records.length : first;
    return { total, entries: records.map((record, at) => ({ index: start + at, record })) };
  }

  /** Puts failed jobs back on their queues and notes that in the entries, or removes entries. */
  async change({ kind, entries }: Change): Promise<ChangeResult[]> {
    const sent = entries.map((listed) => this.#sent(kind, listed));
    const { states } = await this.#run(kind, sent, { page: null, before: 0, size: 0 });
    return states;
  }

  /**
   * Changes entries of the last page, and in the same step reads the page before it. So no entry that existed from the start
   * is skipped, and none comes up twice because others moved it.
   *
   * @returns `page`: `null` if nothing of the last page is left, so that the position is lost
   */
  async step(change: Change, walk: Walk): Promise<{ results: ChangeResult[]; page: WalkPage | null }> {
    const sent = change.entries.map((listed) => this.#sent(change.kind, listed));
    const acting = new Set(change.entries.map(({ index }) => index));
    const anchors = anchorsOf(walk.page?.entries ?? []).filter(({ index }) => !acting.has(index));
    for (const listed of anchors) sent.push({ acts: false, listed, retry: null });
    const { states, page } = await this.#run(change.kind, sent, walk);
    return { results: states.slice(0, change.entries.length), page };
  }

  #sent(kind: Change['kind'], listed: ListedRecord): Sent {
    const retry = kind === 'retry' ? retryOf(listed.record, new Date()) : null;
    return { acts: kind === 'remove' || retry !== null, listed, retry };
  }

  async #run(
    kind: Change['kind'],
    sent: readonly Sent[],
    { page, before, size }: Walk,
  ): Promise<{ states: ChangeResult[]; page: WalkPage | null }> {
    const isLimited = (this.#session.replyLimit ?? Number.POSITIVE_INFINITY) !== Number.POSITIVE_INFINITY;
    const args = [kind, `mark:${randomUUID()}`, isLimited ? 0 : size, before, page?.total ?? 0, sent.length];
    const reply = await runScript(this.#session, changeScript, 2, [
      this.#keys.failed,
      this.#keys.queues,
      ...args,
      ...sent.flatMap((entry) => argumentsOf(kind, entry)),
    ]);
    const [isFound, shift, total, states, start, records] = reply as ChangeReply;
    const floor = Math.max(0, (page?.floor ?? 0) + shift);
    const entries =
      isLimited && size > 0
        ? (await this.page(start, size)).entries
        : records.map((record, at) => ({ index: start + at, record }));
    return {
      states: sent.map(({ acts }, at) => (acts ? resultOf(states[at]) : 'unretryable')),
      page: isFound === 1 ? { total, floor, entries: entries.filter(({ index }) => index >= floor) } : null,
    };
  }
}

function argumentsOf(kind: Change['kind'], { acts, listed, retry }: Sent): (string | Buffer | number)[] {
  const place = [acts ? '1' : '0', hint(listed.index), listed.record];
  if (kind === 'remove') return place;
  if (retry === null) return [...place, '', '', ''];
  return [...place, retry.record, retry.queue, retry.payload];
}

function resultOf(state: number | undefined): ChangeResult {
  return state === 1 ? 'done' : state === 2 ? 'unretryable' : 'gone';
}

/** The oldest entry of a page, where the next page starts, and some others. */
function anchorsOf(entries: readonly ListedRecord[]): ListedRecord[] {
  const distance = Math.max(1, Math.ceil(entries.length / anchorCount));
  return entries.filter((_, at) => at % distance === 0);
}
