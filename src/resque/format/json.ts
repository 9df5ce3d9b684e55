/**
 * JSON as text: values keep their bytes. Parsing and writing them again would round integers above 2^53 and drop duplicate
 * keys.
 */

export type Members = Readonly<Record<string, unknown>>;

/** Any client may have written anything. @returns `undefined` if it is not JSON */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** @returns `null` for an array, too */
export function asObject(value: unknown): Members | null {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as Members) : null;
}

export function asText(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

export interface MemberSpan {
  /** Offset of the first byte of the value. */
  readonly start: number;
  /** Offset behind its last byte. */
  readonly end: number;
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;

/**
 * Spans of the top level's values: of an object's members by name, of an array's elements by index. The last of duplicate
 * keys counts, as for JSON parsers.
 *
 * @param json bytes that `JSON.parse` takes as an object or an array; all of JSON's structure is ASCII, so bytes will do
 */
export function memberSpans(json: Buffer): Map<string, MemberSpan> {
  const spans = new Map<string, MemberSpan>();
  let depth = 0;
  let isArray = false;
  let key: string | null = null;
  let start = -1;
  let end = -1;
  const close = () => {
    const name = isArray ? String(spans.size) : key;
    if (name !== null && start !== -1) spans.set(name, { start, end });
    key = null;
    start = -1;
  };
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at];
    if (byte === undefined || isSpace(byte)) continue;
    const tokenStart = at;
    const isOpening = byte === 0x7b || byte === 0x5b;
    const isClosing = byte === 0x7d || byte === 0x5d;
    if (byte === quote) at = endOfString(json, at);
    if (isClosing) depth -= 1;
    if (depth === 0) {
      if (isClosing) close();
    } else if (depth === 1 && byte === comma) close();
    else if (depth === 1 && byte === quote && key === null && !isArray) {
      key = JSON.parse(json.toString('utf8', tokenStart, at + 1)) as string;
    } else if (byte !== colon || depth > 1) {
      if (start === -1) start = tokenStart;
      end = at + 1;
    }
    if (isOpening && depth === 0) isArray = byte === 0x5b;
    if (isOpening) depth += 1;
  }
  return spans;
}

function endOfString(json: Buffer, open: number): number {
  let at = open + 1;
  while (at < json.length && json[at] !== quote) at += json[at] === backslash ? 2 : 1;
  return at;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/**
 * JSON text of a value that came out of `JSON.parse`, for people. `JSON.stringify` overflows the stack on
 * some thousand levels of nesting, for which a note is returned.
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

/** Counts brackets first: few large payloads have enough of them to need a closer look. */
export function isDeeperThan(text: string, limit: number): boolean {
  let brackets = 0;
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at !== -1 && brackets <= limit; at = text.indexOf(bracket, at + 1))
      brackets += 1;
  }
  return brackets > limit && depthOf(text) > limit;
}

/** Levels of nesting of a valid JSON text. */
export function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === 0x5c) at += 1;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (code === 0x7d || code === 0x5d) depth -= 1;
  }
  return deepest;
}

/** Replaces escapes such as `\ud800` that are not half of a pair, because Ruby refuses the whole text. */
export function withoutLoneSurrogates(text: string): string {
  if (!/\\u[dD][89a-fA-F]/.test(text)) return text;
  // Escapes are matched one after the other, so that `\\ud800` (a backslash, then text) is left alone.
  return text.replace(
    /\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)/gs,
    (found) => (found.length === 6 && /^\\u[dD][89a-fA-F]/.test(found) ? '\\ufffd' : found),
  );
}
