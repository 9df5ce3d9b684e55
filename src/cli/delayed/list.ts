/** `resque-runner delayed list`: the delayed jobs, the next one first. It never holds more than a page of them in memory. */
import { grouped, plural } from '../../messages/quantities.ts';
import { visible, visibleWithin } from '../../messages/visible.ts';
import {
  cursorText,
  type DelayedCursor,
  type DelayedJob,
  DelayedList,
  firstCursor,
  readCursor,
  viewDelayed,
} from '../../resque/delayed/delayed-list.ts';
import type { CommandContext } from '../command-line/command-spec.ts';
import { exitCodes, UsageError } from '../command-line/exit-codes.ts';
import type { Flags } from '../command-line/flags.ts';
import { nextCommand } from '../failed/failure-text.ts';
import { withTarget } from '../redis/target.ts';
import { Progress } from '../terminal/progress.ts';
import { listingFor } from './listing.ts';
import { filterWords, matcherOf } from './matching.ts';

const defaultLimit = 20;
const pageSize = 250;

export async function run({ invocation: { flags }, io }: CommandContext): Promise<number> {
  const from = placeOf(flags.after);
  const limit = flags.limit ?? defaultLimit;
  await withTarget(io, flags, async (sender, target) => {
    const list = new DelayedList(sender, target.keys);
    const listing = listingFor(io, flags.json, await list.nowMs());
    const search = new Search(list, flags, limit);
    const progress = new Progress(io, 'looking through the delayed jobs', null);
    let isRead = true;
    try {
      for await (const jobs of search.batches(from, (looked) => progress.update(looked))) {
        progress.end();
        isRead = await listing.add(jobs);
        if (!isRead) break;
      }
    } finally {
      progress.end();
    }
    const next = search.next === null ? null : cursorText(search.next);
    isRead &&= await listing.end(next);
    if (!isRead || flags.json) return;
    const say = (text: string) => io.stderr.write(`${visible(text)}\n`);
    if (search.found === 0) say(nothing(search, flags, `${target.keys.delayedSchedule} at ${target.shown}`));
    // A script doesn't need this text, and `| head -1` must show one line only.
    else if (io.stderr.isTTY === true) {
      say(`${plural(search.found, 'delayed job')}${next === null ? '' : '. Later ones:'}`);
      if (next === null) return;
      const words = flags.limit === null ? [] : ['--limit', String(flags.limit)];
      say(
        `  ${nextCommand(['delayed', 'list', ...filterWords(flags), ...words, '--after', next], flags, target)}`,
      );
    }
  });
  return exitCodes.clean;
}

/** Looks at jobs by time until it has found `limit` that match. */
class Search {
  found = 0;
  looked = 0;
  /** Where the next page begins; `null` if no later job matches. Set when the search ends. */
  next: DelayedCursor | null = null;
  readonly #list: DelayedList;
  readonly #matches: (job: DelayedJob) => boolean;
  readonly #limit: number;

  constructor(list: DelayedList, flags: Flags, limit: number) {
    const matches = matcherOf(flags);
    this.#list = list;
    this.#matches = (job) => matches(viewDelayed(job));
    this.#limit = limit;
  }

  async *batches(
    from: DelayedCursor,
    onLooked: (looked: number) => void,
  ): AsyncGenerator<readonly DelayedJob[]> {
    let at: DelayedCursor | null = from;
    /** The last job of the listing. */
    let last: DelayedJob | null = null;
    while (at !== null) {
      const { jobs, next } = await this.#list.page(at, pageSize);
      this.looked += jobs.length;
      onLooked(this.looked);
      const matching = jobs.filter(this.#matches);
      const some = matching.slice(0, this.#limit - this.found);
      this.found += some.length;
      last = some.at(-1) ?? last;
      if (some.length > 0) yield await this.#list.withRetries(some);
      if (matching.length > some.length) {
        this.next = last === null ? at : { score: last.score, time: last.time, index: last.index + 1 };
        return;
      }
      at = next;
    }
  }
}

function nothing({ looked }: Search, { after }: Flags, place: string): string {
  if (after !== null) return `no delayed job after ${after} matches`;
  if (looked === 0) return `no delayed jobs: ${place} is empty`;
  return `none of ${grouped(looked)} delayed ${looked === 1 ? 'job' : 'jobs'} matches`;
}

/** @throws UsageError */
function placeOf(text: string | null): DelayedCursor {
  if (text === null) return firstCursor;
  const cursor = readCursor(text);
  if (cursor === null) {
    throw new UsageError(
      `--after must be a place that resque-runner delayed list shows, such as 1795533619:20, got "${visibleWithin(text, 60)}"`,
    );
  }
  return cursor;
}
