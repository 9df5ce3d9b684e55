/**
 * Values and paths as they appear in messages: short, on one line, with nothing that could drive a terminal,
 * and without credentials.
 */

/** Longer strings are cut: a message names a value, it doesn't reprint the file. */
const LONGEST_SHOWN = 60;

/** A value from the file, for a message. Arrays and objects are only named: they may hold secrets. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  return typeof value === 'object' && value !== null ? kindOf(value) : String(value);
}

/** What a value is, without the value itself: for fields whose value is a secret. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  return `a ${typeof value}`;
}

/** A string in double quotes, shortened, with any credentials of a URL in it replaced by `***`. */
export function quoted(text: string): string {
  const masked = withoutCredentials(text);
  const short = masked.length > LONGEST_SHOWN ? `${masked.slice(0, LONGEST_SHOWN)}…` : masked;
  return escaped(short);
}

/**
 * Where a field is: `redis.port`, `script[0]`, `runners["a b"].timeout`. Keys that aren't identifiers are
 * quoted in full, so that no two fields look the same.
 */
export function pathText(path: readonly unknown[]): string {
  let text = '';
  for (const segment of path) {
    if (typeof segment === 'number') text += `[${segment}]`;
    else if (!/^[A-Za-z_$][\w$]*$/.test(String(segment))) text += `[${escaped(String(segment))}]`;
    else text += text === '' ? String(segment) : `.${String(segment)}`;
  }
  return text;
}

/** JSON's own escaping leaves DEL, the C1 controls and the line separators as they are; a terminal acts on some. */
function escaped(text: string): string {
  return JSON.stringify(text).replace(
    /[\x7f-\x9f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * Everything up to the last `@` is taken for credentials, since a malformed URL has no better border; and so
 * is a `password=` of a query.
 */
function withoutCredentials(text: string): string {
  return text.replace(/^([a-z+]+:\/\/)?.*@/is, '$1***@').replace(/(password=)[^&]*/gi, '$1***');
}
