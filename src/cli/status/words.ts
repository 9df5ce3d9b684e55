/** How `status` writes numbers. Pure. */
import { grouped } from '../../messages/quantities.ts';

/** `0`, `0.4`, `12`, `1,204`; `-` where nobody can tell. */
export function rateText(rate: number | null): string {
  if (rate === null) return '-';
  if (rate === 0) return '0';
  if (rate < 0.05) return '<0.1';
  return rate < 9.95 ? rate.toFixed(1) : grouped(Math.round(rate));
}

/** Whole ones; a clock that runs ahead of Redis' makes none less than 0. */
export function seconds(ms: number | null): number | null {
  return ms === null ? null : Math.max(0, Math.floor(ms / 1_000));
}
