/** JSON text made from a value or from another text. */

/**
 * JSON text of a value that came out of `JSON.parse`, for people. `JSON.stringify` overflows the stack on
 * what is nested some thousand levels deep; that is shown as such.
 */
export function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value).toWellFormed();
  } catch (error) {
    if (error instanceof RangeError) return tooDeep;
    throw error;
  }
}

export const tooDeep = '(nested too deeply to be shown)';

/**
 * JSON as JavaScript clients write it. node-resque finds an entry of a list by `JSON.stringify(JSON.parse(entry))`, so it
 * can't remove an entry that holds `\/`, `1.0` or blanks.
 *
 * @param text JSON, no more than some hundred levels deep
 * @returns the same text if JavaScript can't hold a number in it: a client's retry must not run a job with another id
 */
export function canonicalJson(text: string): string {
  const canonical = JSON.stringify(JSON.parse(text));
  return canonical === text || !losesNumber(text) ? canonical : text;
}

/** Whether JavaScript reads an integer above 2^53 as another, or a number as infinite. */
function losesNumber(text: string): boolean {
  if (!/\d{16}|[eE]\+?\d{3}/.test(text)) return false;
  const outside = text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"/gs, '');
  return (outside.match(/-?\d[\d.eE+-]*/g) ?? []).some((token) => {
    const number = Number(token);
    return /^-?\d+$/.test(token) ? !Number.isSafeInteger(number) : !Number.isFinite(number);
  });
}
