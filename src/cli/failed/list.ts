/** `resque-runner failed list`: the failures, newest first. It never holds more than a batch of them in memory. */
import { findFailures } from '../../failures/search.ts';
import { grouped, plural } from '../../messages/quantities.ts';
import { visible } from '../../messages/visible.ts';
import type { FailureEntry, FailureFilter } from '../../protocol/commands.ts';
import { FailedList } from '../../resque/failed/failed-list.ts';
import { isEmptyFilter } from '../../store/filter-language.ts';
import type { CommandContext } from '../command-line/command-spec.ts';
import { exitCodes } from '../command-line/exit-codes.ts';
import type { Flags } from '../command-line/flags.ts';
import type { Io } from '../command-line/io.ts';
import { type RedisTarget, withTarget } from '../redis/target.ts';
import { Progress } from '../terminal/progress.ts';
import { nextCommand } from './failure-text.ts';
import { countWithBar, emptyWords, filterOf, filterWords, matchWords } from './matching.ts';
import { jsonListing, type Listing, plainListing } from './plain-listing.ts';
import { tableListing } from './table-listing.ts';

const defaultLimit = 20;
/** Entries in memory at the same time. */
const batchSize = 250;
const noneUntimed = { matching: 0, untimed: 0 } as const;

export async function run({ invocation: { flags }, io }: CommandContext): Promise<number> {
  const filter = filterOf(flags);
  await withTarget(io, flags, async (sender, target) => {
    const failed = new FailedList(sender, target.keys);
    const search = new Search(io, failed, filter, flags.before, flags.limit ?? defaultLimit);
    const listing = listingFor(io, flags);
    let isRead = true;
    for await (const entries of search.batches()) {
      isRead = await listing.add(entries, search.total);
      if (!isRead) break;
    }
    isRead &&= await listing.end(search.total, search.next);
    if (isRead && !flags.json) await remark(io, search, failed, flags, target);
  });
  return exitCodes.clean;
}

function listingFor(io: Io, { json }: Flags): Listing {
  if (json) return jsonListing(io);
  return io.stdout.isTTY === true ? tableListing(io) : plainListing(io);
}

/** Searches the list from the newest entry until it has found `limit` entries. */
class Search {
  /** Length of the list. */
  total = 0;
  found = 0;
  /** Where the next page begins; `null` if no older entry matches. Set when the search ends. */
  next: number | null = null;
  readonly filter: FailureFilter;
  readonly #io: Io;
  readonly #failed: FailedList;
  readonly #before: number | null;
  readonly #limit: number;

  constructor(io: Io, failed: FailedList, filter: FailureFilter, before: number | null, limit: number) {
    this.#io = io;
    this.#failed = failed;
    this.filter = filter;
    this.#before = before;
    this.#limit = limit;
  }

  async *batches(): AsyncGenerator<readonly FailureEntry[]> {
    const progress = new Progress(this.#io, 'looking through the failures', null);
    try {
      let at = this.#before;
      let last = 0;
      do {
        const left = this.#limit - this.found;
        // One extra entry shows whether there are more.
        const page = await findFailures(this.#failed, this.filter, at, Math.min(left + 1, batchSize));
        this.total = page.total;
        progress.update((this.#before ?? page.total) - (page.next ?? 0), this.#before ?? page.total);
        const entries = page.entries.slice(0, left);
        this.found += entries.length;
        last = entries.at(-1)?.index ?? last;
        if (entries.length > 0) {
          progress.end();
          yield entries;
        }
        if (page.entries.length > entries.length) {
          this.next = last;
          return;
        }
        at = page.next;
      } while (at !== null);
    } finally {
      progress.end();
    }
  }
}

/** Comments about the list go to STDERR: STDOUT has only failures. */
async function remark(
  io: Io,
  search: Search,
  failed: FailedList,
  flags: Flags,
  target: RedisTarget,
): Promise<void> {
  const say = (text: string) => io.stderr.write(`${visible(text)}\n`);
  const { total, found, filter, next } = search;
  const isTimed = flags.olderThan !== null;
  if (found === 0) {
    const { untimed } = isTimed ? await countWithBar(io, failed, filter) : noneUntimed;
    say(withUntimed(nothing(search, flags, target), untimed));
    return;
  }
  // A script doesn't need this text, and `| head -1` must show one line only.
  if (io.stderr.isTTY !== true) return;
  const isWhole = flags.before === null && next === null;
  const isCounted = (isWhole && !isTimed) || isEmptyFilter(filter);
  const counted = isCounted ? noneUntimed : await countWithBar(io, failed, filter);
  const matching = isWhole || isCounted ? found : counted.matching;
  const words = withUntimed(extent(found, matching, total, filter), counted.untimed);
  say(`${words}${next === null ? '' : '. Older ones:'}`);
  if (next === null) return;
  const limit = flags.limit === null ? [] : ['--limit', String(flags.limit)];
  const rest = ['failed', 'list', ...filterWords(flags), ...limit, '--before', String(next)];
  say(`  ${nextCommand(rest, flags, target)}`);
}

function withUntimed(words: string, untimed: number): string {
  if (untimed === 0) return words;
  return `${words}; ${untimed === 1 ? '1 has' : `${grouped(untimed)} have`} no readable time`;
}

function nothing({ total }: Search, { before, ...flags }: Flags, { keys, shown }: RedisTarget): string {
  if (total === 0) return emptyWords(`${keys.failed} at ${shown}`);
  const isFiltered = filterWords({ before, ...flags }).length > 0;
  if (before !== null) return `no failure with an index below ${before}${isFiltered ? ' matches' : ''}`;
  return matchWords(0, total);
}

function extent(found: number, matching: number, total: number, filter: FailureFilter): string {
  if (isEmptyFilter(filter)) {
    return found === total ? plural(total, 'failure') : `${grouped(found)} of ${plural(total, 'failure')}`;
  }
  if (found === matching) return matchWords(matching, total);
  return `${grouped(found)} of ${grouped(matching)} that match, ${plural(total, 'failure')} in all`;
}
