/** The last row: the keys that matter most here, from the keymap; or, while a line is typed, that line. */
import { bindingsIn, type Context } from '../keys/keymap.ts';
import { columns } from '../text/columns.ts';
import { cutStart } from '../text/fit.ts';
import { type Line, lineOf, type Part, type Span, span } from '../text/line.ts';

export function footer(context: Context, width: number, isReadOnly: boolean): Line {
  const parts: Part[] = [span(' ')];
  // Help and quit are always there; what comes before them has the rest of the row.
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

/** The line of a prompt, with its cursor; of a text that is too long, the end is seen. */
export function promptLine(label: string, text: string, width: number): Line {
  const room = Math.max(1, width - columns(label) - 3);
  return lineOf(width, [
    span(` ${label}`, { bold: true, color: 'cyan' }),
    span(cutStart(text, room)),
    span(' ', { inverse: true }),
    span('  Enter to apply, Esc to leave', { dim: true }),
  ]);
}
