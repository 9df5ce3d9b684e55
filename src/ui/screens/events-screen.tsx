/** The Events tab: what happened, in the log's own words. */
import type { ReactNode } from 'react';
import { glyphColors, type Level, wordingOf } from '../../messages/events.ts';
import { clock } from '../../messages/quantities.ts';
import type { EngineEvent } from '../../protocol/events.ts';
import { useFrame } from '../frame/use-frame.ts';
import { selected } from '../layout/framed.ts';
import { listedEvents } from '../lists/selection.ts';
import { cell, type Line, lineOf, restyled, type Style, span } from '../text/line.ts';
import { ListScreen } from './list-screen.tsx';

export function EventsScreen(): ReactNode {
  const { filter, cursor } = useFrame(({ view }) => view.events);
  const events = useFrame(listedEvents);
  return (
    <ListScreen
      title="Events"
      filter={filter}
      keys={events.map(({ seq }) => String(seq))}
      cursor={cursor}
      select={(key) => (view) => ({ events: { ...view.events, cursor: key } })}
      none="no events yet"
      heading={() => []}
      row={(index, width, isSelected) => {
        const event = events[index];
        return event === undefined ? [] : eventRow(event, width, isSelected);
      }}
    />
  );
}

const levelStyles: Readonly<Record<Level, Style>> = {
  info: {},
  warn: { color: 'yellow' },
  error: { color: 'red' },
};

/** Who did what, when: one row for each event, in the log's own words. */
function eventRow(event: EngineEvent, width: number, isSelected: boolean): Line {
  const wording = wordingOf(event, null);
  if (wording === null) return lineOf(width, []);
  const jobId = wording.jobId === null ? '' : `#${wording.jobId}`;
  // Columns leave too little room for the text in a narrow terminal.
  const line = lineOf(width, [
    span(isSelected ? '▸ ' : '  '),
    span(`${clock(event.atMs)} `, { dim: true }),
    span(`${wording.glyph} `, { color: glyphColors[wording.glyph] }),
    ...(width >= 70
      ? [cell(wording.subject, 14, { bold: true }), cell(jobId, 9, { dim: true })]
      : [
          span(`${wording.subject}  `, { bold: true }),
          ...(jobId === '' ? [] : [span(`${jobId} `, { dim: true })]),
        ]),
    span(wording.text, levelStyles[wording.level]),
  ]);
  return isSelected ? restyled(line, selected) : line;
}
