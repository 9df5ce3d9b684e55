/** The row above the footer: what has just been answered, else what is wrong, else what happened last. */
import { glyphColors, wordingOf } from '../../messages/events.ts';
import { clock } from '../../messages/quantities.ts';
import type { AppState } from '../../store/app-store.ts';
import { type Line, lineOf, span } from '../text/line.ts';

export function messageLine({ model, view }: AppState, width: number, nowMs: number): Line {
  const { toast } = view;
  if (toast !== null && toast.untilMs > nowMs) {
    return lineOf(width, [
      span(toast.isError ? ' ✗ ' : ' ✓ ', { color: toast.isError ? 'red' : 'green' }),
      span(toast.text),
    ]);
  }
  if (model.redis.state === 'down') {
    return lineOf(width, [
      span(' ✗ Redis: ', { color: 'red', bold: true }),
      span(`${model.redis.reason ?? 'not usable'}; running jobs go on, trying again`),
    ]);
  }
  for (let at = model.history.length - 1; at >= 0; at -= 1) {
    const event = model.history[at];
    const wording = event === undefined ? null : wordingOf(event, null);
    if (event === undefined || wording === null) continue;
    return lineOf(width, [
      span(` ${clock(event.atMs)} `, { dim: true }),
      span(`${wording.glyph} `, { color: glyphColors[wording.glyph] }),
      span(`${wording.subject}: ${wording.jobId === null ? '' : `#${wording.jobId} `}${wording.text}`, {
        dim: true,
      }),
    ]);
  }
  return lineOf(width, []);
}
