/** The terminal's bell and title. */
import { printable } from '../text/printable.ts';

export const bell = '\u0007';

/** Keeps the title, so that the user gets it back. Terminals that can't do that ignore it. */
export const keepTitle = '\u001B[22;0t';
export const restoreTitle = '\u001B[23;0t';

/** Sets the title. It ends with ST and not with BEL, which an older terminal may ring. */
export function titleSequence(text: string): string {
  return `\u001B]0;${printable(text)}\u001B\\`;
}

/** Whether the terminal has a title, and doesn't show the sequence as text. */
export function hasTitle(env: Readonly<Record<string, string | undefined>>): boolean {
  return !['', 'dumb', 'linux'].includes(env.TERM ?? '');
}
