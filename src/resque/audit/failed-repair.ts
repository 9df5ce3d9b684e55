/**
 * Goes through the list of failures for entries that break other clients, and mends them: from newer to older ones,
 * a page at a time, so that what others remove meanwhile hides none. By value: an entry that moved is found near
 * where it was or left for the next round. Rejects with RedisError.
 */
import { FailedList } from '../failed/failed-list.ts';
import type { ListedRecord } from '../failed/failed-page.ts';
import type { ResqueKeys } from '../format/keys.ts';
import { runScript } from '../redis/script.ts';
import type { CommandSender } from '../redis/send.ts';
import { diagnoseFailure, type FailedAilment } from './failed-entry.ts';
import { replaceScript } from './repair-scripts.ts';

/** How many entries have that as the first of their ailments. */
export type AilmentCounts = ReadonlyMap<FailedAilment, number>;

export interface MendedFailures {
  readonly mended: AilmentCounts;
  /** Moved too far in every round. */
  readonly left: AilmentCounts;
}

const pageSize = 100;
/** Entries around a page that are looked through for those that moved. */
const reach = 400;
const rounds = 3;
/** Bytes that go into one script. */
const batchBytes = 8 * 1024 * 1024;

interface Mend {
  readonly ailment: FailedAilment;
  readonly listed: ListedRecord;
  readonly mended: Buffer;
}

export class FailedRepair {
  readonly #sender: CommandSender;
  readonly #keys: ResqueKeys;
  readonly #list: FailedList;

  constructor(sender: CommandSender, keys: ResqueKeys) {
    this.#sender = sender;
    this.#keys = keys;
    this.#list = new FailedList(sender, keys);
  }

  /** What is wrong with how many. Writes nothing. */
  async look(): Promise<AilmentCounts> {
    const counts = new Map<FailedAilment, number>();
    await this.#walk((mends, empty) => {
      for (const { ailment } of mends) add(counts, ailment, 1);
      add(counts, 'empty', empty);
      return Promise.resolve();
    });
    return counts;
  }

  async mend(): Promise<MendedFailures> {
    const mended = new Map<FailedAilment, number>();
    let left = new Map<FailedAilment, number>();
    for (let round = 0; round < rounds; round += 1) {
      left = new Map();
      const missed = left;
      let empty = 0;
      await this.#walk(async (mends, emptyCount) => {
        empty += emptyCount;
        const states = await this.#replace(mends);
        for (const [at, { ailment }] of mends.entries()) add(states[at] === 1 ? mended : missed, ailment, 1);
      });
      if (empty > 0) add(mended, 'empty', await this.#removeEmpty());
      if (left.size === 0) break;
    }
    return { mended, left };
  }

  async #walk(visit: (mends: readonly Mend[], empty: number) => Promise<void>): Promise<void> {
    for (let before: number | null = null; before === null || before > 0; ) {
      const { entries } = await this.#list.page(before, pageSize);
      const mends: Mend[] = [];
      let empty = 0;
      for (const listed of entries) {
        const diagnosis = diagnoseFailure(listed.record);
        const ailment = diagnosis?.ailments[0];
        if (diagnosis === null || ailment === undefined) continue;
        if (diagnosis.mended === null) empty += 1;
        else mends.push({ ailment, listed, mended: diagnosis.mended });
      }
      await visit(mends, empty);
      before = Math.min(entries[0]?.index ?? 0, before ?? Number.POSITIVE_INFINITY);
      if (entries.length === 0) return;
    }
  }

  async #replace(mends: readonly Mend[]): Promise<number[]> {
    const states: number[] = [];
    for (let start = 0; start < mends.length; start = states.length) {
      const args: (Buffer | number)[] = [];
      let room = batchBytes;
      for (const { listed, mended } of mends.slice(start)) {
        if (room <= 0) break;
        args.push(listed.index, listed.record, mended);
        room -= listed.record.length + mended.length;
      }
      const all = [this.#keys.failed, reach, ...args];
      states.push(...((await runScript(this.#sender, replaceScript, 1, all)) as number[]));
    }
    return states;
  }

  /** All in one go; that of a Ruby client about to remove one itself finds none then, which hurts nobody. */
  #removeEmpty(): Promise<number> {
    return this.#sender.command((commands) => commands.lrem(this.#keys.failed, 0, ''));
  }
}

function add(counts: Map<FailedAilment, number>, ailment: FailedAilment, count: number): void {
  if (count > 0) counts.set(ailment, (counts.get(ailment) ?? 0) + count);
}
