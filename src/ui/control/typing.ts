/** Typing a line: in prompts, and in the palette. Pure. */
import type { TypedLine } from '../../store/view.ts';
import { characters } from '../text/columns.ts';

const longestTyped = 1_000;
/** Lines that are kept for `↑`. */
const mostRemembered = 50;

/** The text after a key; `null` if the key doesn't edit text. */
export function typed(before: string, key: string, text: string): string | null {
  if (key === 'backspace') {
    return Array.from(characters(before), (character) => character.text)
      .slice(0, -1)
      .join('');
  }
  if (key === 'ctrl+u') return '';
  if (key === 'ctrl+w') return before.replace(/\S*\s*$/, '');
  return text === '' ? null : (before + text).slice(0, longestTyped);
}

/**
 * An earlier line, or a later one again. After the newest one comes what was typed before.
 *
 * @param step 1: earlier
 * @returns `null` if there is none
 */
export function recalled(line: TypedLine, history: readonly string[], step: 1 | -1): TypedLine | null {
  const { at, draft } = line.recalled ?? { at: 0, draft: line.text };
  const next = at + step;
  if (next === 0) return { text: draft };
  const text = next < 0 ? undefined : history[history.length - next];
  return text === undefined ? null : { text, recalled: { at: next, draft } };
}

/** The newest comes last, and each line once. */
export function remember(history: readonly string[], line: string): readonly string[] {
  const text = line.trim();
  if (text === '') return history;
  return [...history.filter((other) => other !== text), text].slice(-mostRemembered);
}
