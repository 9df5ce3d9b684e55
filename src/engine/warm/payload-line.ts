/**
 * A payload as one line: without the white space between its tokens, every other byte as it was. Parsing and
 * writing it anew would change integers beyond 2^53 and double keys.
 */
export function payloadLine(payload: Buffer): Buffer {
  const needs = needsMinifying(payload);
  const line = Buffer.allocUnsafe(payload.length + 1);
  const used = needs ? copyMinified(payload, line) : payload.copy(line);
  line[used] = newline;
  return line.subarray(0, used + 1);
}

const quote = 0x22;
const backslash = 0x5c;
const newline = 0x0a;

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === newline || byte === 0x0d || byte === 0x09;
}

/** JSON has control characters nowhere but between its tokens. */
function needsMinifying(payload: Buffer): boolean {
  return (
    payload.includes(0x20) || payload.includes(newline) || payload.includes(0x0d) || payload.includes(0x09)
  );
}

function copyMinified(payload: Buffer, line: Buffer): number {
  let used = 0;
  let isInString = false;
  for (let at = 0; at < payload.length; at += 1) {
    const byte = payload[at];
    if (byte === undefined || (!isInString && isSpace(byte))) continue;
    line[used] = byte;
    used += 1;
    if (byte === quote) isInString = !isInString;
    else if (byte === backslash && isInString) {
      at += 1;
      line[used] = payload[at] ?? 0;
      used += 1;
    }
  }
  return used;
}
