/** What is asked before failures are changed, and said where there is nothing to change. */
import { sayWhat } from '../../failures/change-log.ts';
import { grouped, plural } from '../../messages/quantities.ts';
import { visible, visibleWithin } from '../../messages/visible.ts';
import type { ListedRecord } from '../../resque/failed/failed-page.ts';
import { viewFailure } from '../../resque/format/failure-record.ts';
import type { Kind } from './carry-out.ts';
import { failureId } from './find-entry.ts';
import { emptyWords, matchWords } from './matching.ts';

/** Characters of what is said of one failure. */
const longestText = 200;

export interface Counted {
  readonly total: number;
  readonly matching: number;
  /** Of those, the ones that there is something to do about. */
  readonly changeable: number;
  /** Whether no filter says which are meant. */
  readonly isAll: boolean;
  /** Where the list is. */
  readonly place: string;
}

export function removalQuestion(entries: readonly ListedRecord[]): string {
  const [first] = entries;
  if (first === undefined || entries.length > 1)
    return `Take ${plural(entries.length, 'failure')} off the list?`;
  const { jobClass, queue, exception, error } = viewFailure(first.record);
  const words = [`${jobClass ?? '(no class)'} of ${queue ?? '(no queue)'}`, exception, error];
  const text = words.filter((part) => part !== null && part !== '').join(': ');
  return `Take ${failureId(first)} (${visibleWithin(text, longestText)}) off the list?`;
}

export function matchingQuestion(kind: Kind, counted: Counted): string {
  return `${visible(`${extent(counted)} (${counted.place})`)}${kind === 'remove' ? removal(counted) : retrial(counted)}`;
}

function extent({ total, matching, isAll }: Counted): string {
  if (!isAll) return matchWords(matching, total);
  return total === 1 ? 'There is 1 failure' : `There are ${plural(total, 'failure')}`;
}

function removal({ matching, isAll }: Counted): string {
  if (matching === 1) return '. Take it off the list?';
  return `. Take ${isAll ? 'all of them' : 'them'} off the list?`;
}

function retrial({ matching, changeable }: Counted): string {
  const jobs = changeable === 1 ? 'its job' : 'their jobs';
  const rest =
    changeable === matching
      ? ''
      : `; ${grouped(changeable)} of them ${changeable === 1 ? "wasn't" : "weren't"} retried yet and can be`;
  return `${rest}. Put ${jobs} back onto the ${changeable === 1 ? 'queue' : 'queues'}?`;
}

export function whyNothing({ total, matching, isAll, place }: Counted): string {
  if (total === 0) return emptyWords(place);
  if (matching === 0) return matchWords(matching, total);
  const which = isAll ? plural(total, 'failure') : matchWords(matching, total);
  const why =
    matching === 1
      ? `it was retried already, or doesn't ${sayWhat}`
      : `they were retried already, or don't ${sayWhat}`;
  return `${which}; ${why}; nothing was changed. To retry one again, name its ID`;
}
