/**
 * Makes foreign text harmless where lines and terminals matter. What a job or a client wrote may hold line
 * breaks, escape sequences, bidi overrides, invisible characters or half a surrogate pair; each of them is
 * shown as the escape that a programmer would write.
 */

/**
 * Control (C0, DEL, C1), format (bidi, zero-width), surrogates without their other half, line and paragraph
 * separators, and what else fonts show as nothing; variation selectors stay, since emoji are made of them.
 */
const hidden = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|(?![\uFE00-\uFE0F])\p{Default_Ignorable_Code_Point}/gu;

const shortEscapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** One line of text without any character that is hidden or acts on a terminal. */
export function visible(text: string): string {
  if (isPlain(text)) return text;
  return text.replace(hidden, (character) => shortEscapes[character] ?? unicodeEscapes(character));
}

/** The same, no longer than `limit` UTF-16 units; what was cut is marked with `…`. */
export function visibleWithin(text: string, limit: number): string {
  // An escape is never shorter than what it stands for, so that most of a huge text needn't be looked at.
  const shown = visible(text.slice(0, limit + 1));
  return shown.length <= limit ? shown : `${withoutHalf(shown.slice(0, limit - 1))}…`;
}

/** JSON on one line that is safe to print: equal to what `JSON.stringify` says, with hidden characters escaped. */
export function visibleJson(value: unknown, replacer?: (key: string, value: unknown) => unknown): string {
  const json = JSON.stringify(value, replacer);
  // Outside strings JSON has none of these characters, and inside them an escape means the same.
  return isPlain(json) ? json : json.replace(hidden, unicodeEscapes);
}

/** Printable ASCII and the signs of our own, as most lines are: the long pattern costs more than all else about a line. */
function isPlain(text: string): boolean {
  return !/[^ -~▸✓✗‖●↺…→]/.test(text);
}

/** `\u001b`; beyond the basic plane, both halves of the pair. */
function unicodeEscapes(character: string): string {
  let escapes = '';
  for (let at = 0; at < character.length; at += 1) {
    escapes += `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`;
  }
  return escapes;
}

/** Drops the first half of a pair whose second half was cut off. */
function withoutHalf(text: string): string {
  return text.replace(/[\uD800-\uDBFF]$/, '');
}
