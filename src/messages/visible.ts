/**
 * Makes untrusted text safe for a line of a terminal or a log. A job or a client may write line breaks, escape sequences,
 * bidi overrides, invisible characters or half a surrogate pair. Each appears as the escape that a programmer would write.
 */

/**
 * Control characters (C0, DEL, C1), format characters (bidi, zero-width), half surrogate pairs, line and paragraph
 * separators, and everything else that fonts don't show. Variation selectors stay, because emoji contain them.
 */
const hidden = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|(?![\uFE00-\uFE0F])\p{Default_Ignorable_Code_Point}/gu;

const shortEscapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** One line of text without characters that are hidden or control a terminal. */
export function visible(text: string): string {
  if (isPlain(text)) return text;
  return text.replace(hidden, (character) => shortEscapes[character] ?? unicodeEscapes(character));
}

/** The same, no longer than `limit` UTF-16 units; a cut text ends with `…`. */
export function visibleWithin(text: string, limit: number): string {
  // An escape is never shorter than its character, so the rest of a huge text can't matter.
  const shown = visible(text.slice(0, limit + 1));
  return shown.length <= limit ? shown : `${withoutHalf(shown.slice(0, limit - 1))}…`;
}

/** JSON on one line that is safe to print: the same as `JSON.stringify`, with hidden characters escaped. */
export function visibleJson(value: unknown, replacer?: (key: string, value: unknown) => unknown): string {
  const json = JSON.stringify(value, replacer);
  // JSON has these characters only inside strings, where an escape means the same.
  return isPlain(json) ? json : json.replace(hidden, unicodeEscapes);
}

/** The args of a job as JSON, or as a string if the text is too long or too deeply nested to be complete. */
export function visibleArgs(args: string): string {
  if (args === '') return 'null';
  try {
    JSON.parse(args);
    return visible(args);
  } catch (error) {
    if (error instanceof SyntaxError) return visibleJson(args);
    throw error;
  }
}

/** Printable ASCII and our own glyphs. Most lines are plain, and the long pattern is the most expensive part of a line. */
function isPlain(text: string): boolean {
  return !/[^ -~▸✓✗‖●↺·…→]/.test(text);
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
