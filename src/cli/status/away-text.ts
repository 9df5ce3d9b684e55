import { age, clock } from '../../messages/quantities.ts';
import { visible } from '../../messages/visible.ts';
import type { AwayDocument } from './document.ts';

/** That Redis can't be looked at, since when, and why. */
export function awayText({ at, awaySince, reason }: AwayDocument): string {
  const sinceMs = Date.parse(awaySince);
  const since = `${clock(sinceMs)} (${age(Date.parse(at) - sinceMs)})`;
  return `Redis is away since ${since}: ${visible(reason)}; trying again`;
}
