/** A whole log as text, for a file or a pager: what is kept at this moment, of the streams that are shown. */
import { plural } from '../../messages/quantities.ts';
import type { LogLine } from '../../store/line-ring.ts';
import type { LogBuffer } from '../../store/log-buffer.ts';
import type { LogView } from '../../store/view.ts';
import { withCodes } from '../text/styled-text.ts';

export interface LogText {
  /** UTF-8, each line with a line feed. */
  readonly chunks: readonly Buffer[];
  /** Lines of output. */
  readonly lines: number;
}

/** How a line of output looks in the text. */
export type Look = (line: LogLine) => string;

/** Fewer, larger buffers: a log has 200,000 lines. */
const chunkUnits = 64 * 1024;

export function plainLook({ text }: LogLine): string {
  return text;
}

/** As on the screen: with codes of ours, and no other. */
export function styledLook(hasColors: boolean): Look {
  return ({ text, styles }) => withCodes(text, styles, hasColors);
}

/** Notes where lines are missing. Leaves out marks, which the reader has set. */
export function logText(buffer: LogBuffer, streams: LogView['streams'], look: Look): LogText {
  const chunks: Buffer[] = [];
  let text = '';
  let lines = 0;
  for (let number = buffer.first; number < buffer.end; number += 1) {
    const line = buffer.get(number);
    if (line === undefined || line.kind === 'mark') continue;
    if (line.kind === 'output') {
      if (streams !== 'both' && streams !== line.stream) continue;
      text += `${look(line)}\n`;
      lines += 1;
    } else {
      text += `── ${plural(line.skippedLines, 'line')} skipped ──\n`;
    }
    if (text.length < chunkUnits) continue;
    chunks.push(Buffer.from(text));
    text = '';
  }
  if (text !== '') chunks.push(Buffer.from(text));
  return { chunks, lines };
}
