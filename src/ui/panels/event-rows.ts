import { glyphColors, type Level, wordingOf } from '../../messages/events.ts';
import { clock } from '../../messages/quantities.ts';
import type { EngineEvent } from '../../protocol/events.ts';
import { cell, type Line, lineOf, restyled, type Style, span } from '../text/line.ts';
import { selected } from './panel.ts';

const levelStyles: Readonly<Record<Level, Style>> = {
  info: {},
  warn: { color: 'yellow' },
  error: { color: 'red' },
};

/** Who did what, when: one row for each event, in the log's own words. */
export function eventRow(event: EngineEvent, width: number, isSelected: boolean): Line {
  const wording = wordingOf(event, null);
  if (wording === null) return lineOf(width, []);
  const line = lineOf(width, [
    span(isSelected ? '▸ ' : '  '),
    span(`${clock(event.atMs)} `, { dim: true }),
    span(`${wording.glyph} `, { color: glyphColors[wording.glyph] }),
    cell(wording.subject, 14, { bold: true }),
    cell(wording.jobId === null ? '' : `#${wording.jobId}`, 9, { dim: true }),
    span(wording.text, levelStyles[wording.level]),
  ]);
  return isSelected ? restyled(line, selected) : line;
}
