/**
 * Finds where the members of a JSON object lie in its text, so that a value can be taken out or replaced
 * byte for byte: parsing and writing it again would round integers above 2^53 and drop duplicate keys.
 */

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
 * Spans of the top level's members by name; of duplicate keys the last counts, as for JSON parsers.
 *
 * @param json bytes that `JSON.parse` takes as an object; all of JSON's structure is ASCII, so bytes will do
 */
export function memberSpans(json: Buffer): Map<string, MemberSpan> {
  const spans = new Map<string, MemberSpan>();
  let depth = 0;
  let key: string | null = null;
  let start = -1;
  let end = -1;
  const close = () => {
    if (key !== null && start !== -1) spans.set(key, { start, end });
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
    else if (depth === 1 && byte === quote && key === null) {
      key = JSON.parse(json.toString('utf8', tokenStart, at + 1)) as string;
    } else if (byte !== colon || depth > 1) {
      if (start === -1) start = tokenStart;
      end = at + 1;
    }
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
