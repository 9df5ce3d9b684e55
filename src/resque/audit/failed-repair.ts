/**
 * Repairs entries of the list of failures that break other clients. It goes from newer to older entries, page by page, so
 * that removals by others hide none. It changes entries by value: an entry that has moved is found near its old index, or
 * left for the next round. Rejects with RedisError.
 */
import { FailedList } from '../failed/failed-list.ts';
import type { ListedRecord } from '../failed/failed-page.ts';
import type { ResqueKeys } from '../format/keys.ts';
import { claiming, listChunks } from '../redis/list-entries.ts';
import { runScript, script } from '../redis/script.ts';
import type { CommandSender } from '../redis/send.ts';
import { diagnoseFailure, type FailureProblem } from './failed-entry.ts';

/** Number of entries by their first problem. */
export type ProblemCounts = ReadonlyMap<FailureProblem, number>;

export interface RepairedFailures {
  readonly repaired: ProblemCounts;
  /** They moved too far in every round. */
  readonly left: ProblemCounts;
}

const pageSize = 100;
/** Entries around a page that are searched for moved ones. */
const reach = 400;
const rounds = 3;
/** Bytes for one script. */
const stepBytes = 8 * 1024 * 1024;

/**
 * Replaces entries of a list. If an entry is no longer at its index, an equal entry is searched for nearby, once for all.
 *
 * KEYS: failed. ARGV: how far to search, then for each entry: the index where it was seen, its bytes, the new bytes.
 * Reply: for each, 1 if it was replaced.
 */
export const replaceScript = script(`
local failed, reach = KEYS[1], tonumber(ARGV[1])
${listChunks}${claiming}
local entries, states = {}, {}
for at = 2, #ARGV, 3 do
  entries[#entries + 1] = { hint = tonumber(ARGV[at]), name = ARGV[at + 1], new = ARGV[at + 2] }
end
claim(failed, entries, { below = reach, above = reach })
for i, entry in ipairs(entries) do
  if entry.index then redis.call('LSET', failed, entry.index, entry.new) end
  states[i] = entry.index and 1 or 0
end
return states
`);

interface Repair {
  readonly problem: FailureProblem;
  readonly listed: ListedRecord;
  readonly repaired: Buffer;
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

  /** Counts problems. Writes nothing. */
  async look(): Promise<ProblemCounts> {
    const counts = new Map<FailureProblem, number>();
    await this.#walk((repairs, empty) => {
      for (const { problem } of repairs) add(counts, problem, 1);
      add(counts, 'empty', empty);
      return Promise.resolve();
    });
    return counts;
  }

  async repair(): Promise<RepairedFailures> {
    const repaired = new Map<FailureProblem, number>();
    let left = new Map<FailureProblem, number>();
    for (let round = 0; round < rounds; round += 1) {
      left = new Map();
      const missed = left;
      let empty = 0;
      await this.#walk(async (repairs, emptyCount) => {
        empty += emptyCount;
        const states = await this.#replace(repairs);
        for (const [at, { problem }] of repairs.entries())
          add(states[at] === 1 ? repaired : missed, problem, 1);
      });
      if (empty > 0) add(repaired, 'empty', await this.#removeEmpty());
      if (left.size === 0) break;
    }
    return { repaired, left };
  }

  async #walk(visit: (repairs: readonly Repair[], empty: number) => Promise<void>): Promise<void> {
    for (let before: number | null = null; before === null || before > 0; ) {
      const { entries } = await this.#list.page(before, pageSize);
      const repairs: Repair[] = [];
      let empty = 0;
      for (const listed of entries) {
        const diagnosis = diagnoseFailure(listed.record);
        if (diagnosis === null) continue;
        const { problem, repaired } = diagnosis;
        if (repaired === null) empty += 1;
        else repairs.push({ problem, listed, repaired });
      }
      await visit(repairs, empty);
      before = Math.min(entries[0]?.index ?? 0, before ?? Number.POSITIVE_INFINITY);
      if (entries.length === 0) return;
    }
  }

  async #replace(repairs: readonly Repair[]): Promise<number[]> {
    const states: number[] = [];
    for (let start = 0; start < repairs.length; start = states.length) {
      const args: (Buffer | number)[] = [];
      let room = stepBytes;
      for (const { listed, repaired } of repairs.slice(start)) {
        if (room <= 0) break;
        args.push(listed.index, listed.record, repaired);
        room -= listed.record.length + repaired.length;
      }
      const all = [this.#keys.failed, reach, ...args];
      states.push(...((await runScript(this.#sender, replaceScript, 1, all)) as number[]));
    }
    return states;
  }

  /** Removes all of them at once. A Ruby client that is about to remove one then finds none, which does no harm. */
  #removeEmpty(): Promise<number> {
    return this.#sender.command((commands) => commands.lrem(this.#keys.failed, 0, ''));
  }
}

function add(counts: Map<FailureProblem, number>, problem: FailureProblem, count: number): void {
  if (count > 0) counts.set(problem, (counts.get(problem) ?? 0) + count);
}
