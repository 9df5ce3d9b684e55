/** Drops the rest of a character whose first bytes are missing, so that it doesn't show as U+FFFD. */
export function withoutPartStart(bytes: Buffer): Buffer {
  let start = 0;
  while (start < 3 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return bytes.subarray(start);
}

/** Drops the first bytes of a character that the cut went through. */
export function withoutPartEnd(bytes: Buffer): Buffer {
  for (let back = 1; back <= 3 && back <= bytes.length; back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    if (length > back) return bytes.subarray(0, bytes.length - back);
    if ((byte & 0xc0) !== 0x80) return bytes;
  }
  return bytes;
}
