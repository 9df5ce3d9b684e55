/**
 * Copies through the terminal (OSC 52). That works over ssh, too. The terminal doesn't say whether it copied.
 */

/** Terminals accept sequences of 100,000 bytes. This many bytes fill one, as base64 and with the codes around it. */
export const clipboardLimitBytes = 74_994;

/** GNU screen drops control strings that are longer than 768 bytes. */
const screenPieceLength = 256;

export interface ClipboardWrite {
  /** The sequence for the terminal. The text is base64, so it can't control the terminal. */
  readonly sequence: string;
  /** Whether only the beginning of the text fits. */
  readonly isCut: boolean;
  /** What else it needs, which nothing here can check; `null` if nothing is known. */
  readonly caveat: string | null;
}

/** @param env shows whether tmux or screen runs in between: they need the sequence wrapped */
export function clipboardWrite(
  text: string,
  env: Readonly<Record<string, string | undefined>>,
): ClipboardWrite {
  const all = Buffer.from(text, 'utf8');
  const taken = startOf(all, clipboardLimitBytes);
  const sequence = `\u001B]52;c;${taken.toString('base64')}\u0007`;
  const caveat = isSet(env.TMUX) ? 'tmux needs set-clipboard on' : null;
  return { sequence: wrapped(sequence, env), isCut: taken.length < all.length, caveat };
}

/** The longest start within the limit that ends with a whole character. */
function startOf(bytes: Buffer, limit: number): Buffer {
  if (bytes.length <= limit) return bytes;
  let end = limit;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end);
}

function wrapped(sequence: string, env: Readonly<Record<string, string | undefined>>): string {
  if (isSet(env.TMUX)) {
    // tmux copies the plain sequence if `set-clipboard` is on, and passes on the wrapped one if `allow-passthrough` is on.
    return `${sequence}\u001BPtmux;${sequence.replaceAll('\u001B', '\u001B\u001B')}\u001B\\`;
  }
  if (isSet(env.STY)) {
    let pieces = '';
    for (let at = 0; at < sequence.length; at += screenPieceLength) {
      pieces += `\u001BP${sequence.slice(at, at + screenPieceLength)}\u001B\\`;
    }
    return pieces;
  }
  return sequence;
}

function isSet(value: string | undefined): boolean {
  return (value ?? '') !== '';
}
