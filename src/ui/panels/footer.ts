/** The last two rows: a message, and the most important keys, or the prompt while the user types. */

import { glyphColors, wordingOf } from '../../messages/events.ts';
import { clock } from '../../messages/quantities.ts';
import type { AppState } from '../../store/app-store.ts';
import { bindingsIn, type Context } from '../keys/keymap.ts';
import { columns } from '../text/columns.ts';
import { cutStart } from '../text/fit.ts';
import { type Line, lineOf, type Part, type Span, span } from '../text/line.ts';

/** The reply to the last command, or that Redis is down, or the latest event. */
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
      span(`${model.redis.reason ?? 'not usable'}; running jobs continue, reconnecting`),
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

export function footer(context: Context, width: number, isReadOnly: boolean): Line {
  const parts: Part[] = [span(' ')];
  // Help and quit are always shown. The other keys share the rest of the row.
  const shown = bindingsIn(context, isReadOnly).filter((binding) => binding.footer !== undefined);
  const last = shown.filter(({ action }) => action === 'help' || action === 'quit').flatMap(hint);
  let room = width - 1 - widthOf(last);
  for (const binding of shown) {
    if (binding.action === 'help' || binding.action === 'quit') continue;
    const next = hint(binding);
    if (widthOf(next) > room) break;
    room -= widthOf(next);
    parts.push(...next);
  }
  return lineOf(width, [...parts, ...last]);
}

function hint({ shown, footer: label, action }: ReturnType<typeof bindingsIn>[number]): Span[] {
  return [span(footerKeys[action] ?? shown, { bold: true }), span(` ${label}  `, { dim: true })];
}

/** Pairs of keys take one hint. */
const footerKeys: Readonly<Record<string, string>> = {
  down: '↑↓/jk',
  right: '←→/hl',
  open: '⏎',
  'slots-up': '+/-',
  'next-match': 'n/N',
};

function widthOf(spans: readonly Span[]): number {
  return spans.reduce((sum, { text }) => sum + columns(text), 0);
}

/** The line of a prompt, with its cursor. Shows the end of a text that is too long. */
export function promptLine(label: string, text: string, width: number): Line {
  const room = Math.max(1, width - columns(label) - 3);
  return lineOf(width, [
    span(` ${label}`, { bold: true, color: 'cyan' }),
    span(cutStart(text, room)),
    span(' ', { inverse: true }),
    span('  Enter to apply, Esc to cancel', { dim: true }),
  ]);
}
