/**
 * Values and paths for messages: short, on one line, without control characters and without credentials.
 */

/** Longer strings are cut: a message should not repeat the file. */
const LONGEST_SHOWN = 60;

/** A value from the file, for a message. For arrays and objects only their kind, because they may contain secrets. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  return typeof value === 'object' && value !== null ? kindOf(value) : String(value);
}

/** The kind of a value, for fields whose value is a secret. */
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
 * The path of a field: `redis.port`, `script[0]`, `runners["a b"].timeout`. Keys that aren't identifiers are quoted
 * completely, so that no two fields look the same.
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

/** JSON doesn't escape DEL, C1 controls and line separators, and some terminals act on them. */
function escaped(text: string): string {
  return JSON.stringify(text).replace(
    /[\x7f-\x9f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * Everything up to the last `@` counts as credentials, because a malformed URL has no better boundary. So does the value of
 * `password=` in a query.
 */
function withoutCredentials(text: string): string {
  return text.replace(/^([a-z+]+:\/\/)?.*@/is, '$1***@').replace(/(password=)[^&]*/gi, '$1***');
}
