/**
 * The `failed` list, oldest first. Other clients shift its indexes at any moment, so an index is no name for
 * an entry: whatever changes it goes by the entries' bytes, in one atomic step; and Ruby's way of removing
 * one (`LSET i ""`, then `LREM ""`), which leaves when cut short an entry that breaks every page of
 * resque-web, is none of ours. All reject with RedisError.
 */
import { randomUUID } from 'node:crypto';
import { retryOf } from '../format/failure-record.ts';
import type { ResqueKeys } from '../format/keys.ts';
import { runScript } from '../redis/script.ts';
import type { CommandSender } from '../redis/send.ts';
import { changeScript } from './change-script.ts';
import type { FailurePage, ListedRecord } from './failed-page.ts';
import { readInParts } from './failed-page.ts';

/** What became of one entry; `unretryable`: it doesn't say what to put back where, or that is no queue. */
export type ChangeResult = 'done' | 'gone' | 'unretryable';

export interface Change {
  readonly kind: 'retry' | 'remove';
  /** An index is where the entry was last seen: a hint. */
  readonly entries: readonly ListedRecord[];
}

/** A page on the way from newer to older entries. */
export interface WalkPage extends FailurePage {
  /** Where the entry lies that was the oldest at the start; what others put before it is left alone. */
  readonly floor: number;
}

/** Goes through the list from newer to older entries, whatever others do to it meanwhile. */
export interface Walk {
  /** The page that was read last; `null`: none yet. */
  readonly page: WalkPage | null;
  /** Where to begin: only entries at lower indexes are looked at. */
  readonly before: number;
  /** Entries of the next page. */
  readonly size: number;
}

interface Sent {
  readonly acts: boolean;
  readonly listed: ListedRecord;
  /** Where it is to be retried. */
  readonly retry: ReturnType<typeof retryOf>;
}

type ChangeReply = [number, number, number, number[], number, Buffer[]];

/** Entries of a page that help to find the place again where all that was acted upon is gone. */
const anchorCount = 8;
/** Redis takes no index beyond 64 bits, and Lua none beyond 53. */
const highestHint = 2 ** 31;

export class FailedList {
  readonly #session: CommandSender;
  readonly #keys: ResqueKeys;

  constructor(session: CommandSender, keys: ResqueKeys) {
    this.#session = session;
    this.#keys = keys;
  }

  /** Up to `size` entries right before an index; `null`: the newest. */
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
      // Before the oldest there is nothing, and -1 would be the newest.
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

  /** Puts failed jobs back onto their queues, noting that on the entries, or removes entries. */
  async change({ kind, entries }: Change): Promise<ChangeResult[]> {
    const sent = entries.map((listed) => this.#sent(kind, listed));
    const { states } = await this.#run(kind, sent, { page: null, before: 0, size: 0 });
    return states;
  }

  /**
   * Does that with entries of the page that was read last, and in the same step reads the page before it: no
   * entry that was there from the start is passed over, and none comes up twice because others moved it.
   *
   * @returns `page`: `null` where nothing of the last page is left, so that nobody can say where to go on
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
      ...sent.flatMap((entry) => this.#arguments(kind, entry)),
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

  #arguments(kind: Change['kind'], { acts, listed, retry }: Sent): (string | Buffer | number)[] {
    const hint = Math.min(highestHint, Math.max(0, listed.index));
    const place = [acts ? '1' : '0', hint, listed.record];
    if (kind === 'remove') return place;
    if (retry === null) return [...place, '', '', '', ''];
    return [...place, retry.record, this.#keys.queue(retry.queue), retry.queue, retry.payload];
  }
}

function resultOf(state: number | undefined): ChangeResult {
  return state === 1 ? 'done' : state === 2 ? 'unretryable' : 'gone';
}

/** The oldest of a page, below which the next one begins, and some others. */
function anchorsOf(entries: readonly ListedRecord[]): ListedRecord[] {
  const distance = Math.max(1, Math.ceil(entries.length / anchorCount));
  return entries.filter((_, at) => at % distance === 0);
}
