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
