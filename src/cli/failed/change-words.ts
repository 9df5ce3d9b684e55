/** The questions before failures are changed, and the message if there is nothing to change. */
import { grouped, plural } from '../../messages/quantities.ts';
import { visible, visibleWithin } from '../../messages/visible.ts';
import type { ListedRecord } from '../../resque/failed/failed-page.ts';
import { viewFailure } from '../../resque/format/failure-record.ts';
import type { Kind } from './carry-out.ts';
import { failureId } from './find-entry.ts';
import { emptyWords, matchWords, untimedWords } from './matching.ts';

/** Characters of the text about one failure. */
const longestText = 200;

export interface Counted {
  readonly total: number;
  readonly matching: number;
  /** How many of those can be changed. */
  readonly changeable: number;
  /** Failures that stay because `--older-than` can't judge them. */
  readonly untimed: number;
  /** Whether there is no filter. */
  readonly isAll: boolean;
  /** The list's key and the address of its Redis. */
  readonly place: string;
}

export function removalQuestion(entries: readonly ListedRecord[]): string {
  const [first] = entries;
  if (first === undefined || entries.length > 1)
    return `Delete ${plural(entries.length, 'failure')} and their jobs?`;
  const { jobClass, queue, exception, error } = viewFailure(first.record);
  const words = [`${jobClass ?? '(no class)'} of ${queue ?? '(no queue)'}`, exception, error];
  const text = words.filter((part) => part !== null && part !== '').join(': ');
  return `Delete failure ${failureId(first)} (${visibleWithin(text, longestText)}) and its job?`;
}

export function matchingQuestion(kind: Kind, counted: Counted): string {
  return `${visible(`${extent(counted)} (${counted.place})`)}${kind === 'remove' ? removal(counted) : retrial(counted)}`;
}

function extent({ total, matching, isAll, untimed }: Counted): string {
  if (!isAll) return withUntimed(matchWords(matching, total), untimed);
  return total === 1 ? 'There is 1 failure' : `There are ${plural(total, 'failure')}`;
}

function withUntimed(words: string, untimed: number): string {
  return untimed === 0 ? words : `${words}; ${untimedWords(untimed)}`;
}

function removal({ matching, isAll }: Counted): string {
  if (matching === 1) return '. Delete it and its job?';
  return `. Delete ${isAll ? 'all of them' : 'them'} and their jobs?`;
}

function retrial({ matching, changeable }: Counted): string {
  const rest = changeable === matching ? '' : `; ${grouped(changeable)} of them can still be retried`;
  return `${rest}. Put ${changeable === 1 ? 'its job back on its queue' : 'their jobs back on their queues'}?`;
}

export function whyNothing({ total, matching, isAll, place, untimed }: Counted): string {
  if (total === 0) return emptyWords(place);
  if (matching === 0) return withUntimed(matchWords(matching, total), untimed);
  const which = isAll ? plural(total, 'failure') : matchWords(matching, total);
  const why =
    matching === 1
      ? 'it was already retried, or it has no job or no queue'
      : 'they were already retried, or they have no job or no queue';
  return `${which}; ${why}; nothing was changed. To retry a failure again, name its ID`;
}
