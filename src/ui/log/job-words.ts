/** What the screen says about a running job beyond its name: its time limit, whether it looks stuck, its arguments. */
import { age, duration } from '../../messages/quantities.ts';
import type { RunningJob } from '../../protocol/snapshot.ts';
import type { StuckJob } from '../../store/selectors.ts';
import { elapsed } from '../text/figures.ts';
import { type Span, type Style, span } from '../text/line.ts';
import { wrap } from '../text/wrap.ts';

/** The part of its time limit below which a job is about to be stopped. */
const nearlyOver = 0.1;

/** `01:40`, the time until the runner stops it; `null` if it may run as long as it wants. */
export function timeLeft({ timeoutSeconds, startedAtMs }: RunningJob, nowMs: number): Span | null {
  if (timeoutSeconds === undefined) return null;
  const limitMs = timeoutSeconds * 1_000;
  const leftMs = Math.max(0, startedAtMs + limitMs - nowMs);
  const style: Style = leftMs < nearlyOver * limitMs ? { color: 'yellow' } : {};
  // Rounded up, as in any countdown: it says 00:00 when the time is over.
  return span(elapsed(Math.ceil(leftMs / 1_000) * 1_000), style);
}

export const stuckStyle: Style = { color: 'yellow' };

/** `silent for 12 min, 95 % took 40.0 s or less` */
export function stuckText({ silentMs, p95Ms }: StuckJob): string {
  return `silent for ${age(silentMs)}, 95 % took ${duration(p95Ms)} or less`;
}

/** Deep values would need more memory for their indentation than for themselves. */
const deepest = 20;

/** Arguments over several lines, each no wider than `width`. They may be cut anywhere. */
export function unfoldedArgs(args: string, width: number): string[] {
  return wrap(indented(args), width);
}

/** JSON with a line for each value. Only blanks are added, so long numbers keep their digits. */
function indented(json: string): string {
  let depth = 0;
  const newLine = () => `\n${'  '.repeat(Math.min(depth, deepest))}`;
  return json.replace(/"(?:[^"\\]|\\.)*"?|[[{]\s*[\]}]|[[\]{},:]|\s+/gs, (token) => {
    switch (token) {
      case '[':
      case '{':
        depth += 1;
        return token + newLine();
      case ']':
      case '}':
        depth = Math.max(0, depth - 1);
        return newLine() + token;
      case ',':
        return token + newLine();
      case ':':
        return ': ';
      default:
        return /^\s/.test(token) ? '' : token;
    }
  });
}
