/**
 * Finds the visible rows of a log. It walks down from the position at the top, or up from the end while following, so the
 * cost depends on the rows of the screen and not on the length of the log.
 *
 * A position is a line and, if lines are wrapped, a row of it, because one line may fill several screens.
 */
import type { LogLine } from '../../store/line-ring.ts';
import type { LogView } from '../../store/view.ts';
import { wrap } from '../text/wrap.ts';

/** Numbers of lines never change; `first` rises when old lines go. */
export interface LineSource {
  readonly first: number;
  /** Number after the last line. */
  readonly end: number;
  get(number: number): LogLine | undefined;
}

export type Place = Pick<LogView, 'top' | 'topRow'>;

export type HowSeen = Pick<LogView, 'isFollowing' | 'isWrapped' | 'streams'> & Place;

export interface SeenLine {
  readonly number: number;
  readonly line: LogLine;
  /** Its visible rows: several if it is wrapped, and only some if it crosses an edge of the screen. */
  readonly rows: readonly string[];
  /** How many of its rows are above those. */
  readonly rowsAbove: number;
  /** Where the visible rows begin in its text, in UTF-16 units. */
  readonly from: number;
}

export interface LogWindow extends Place {
  readonly lines: readonly SeenLine[];
}

/** @param width columns of the text, without times and stream */
export function logWindow(source: LineSource, view: HowSeen, width: number, rows: number): LogWindow {
  const walk = new Walk(source, view, width);
  if (!view.isFollowing) {
    const lines = walk.down(walk.placeNear(view), rows);
    // There is nothing after the end, so show the last page.
    if (heightOf(lines) === rows) return seen(source, lines);
  }
  return seen(source, walk.upFromEnd(rows));
}

/** The position `steps` rows further down, or up if negative; the last or first one if there are fewer rows. */
export function placeFrom(
  source: LineSource,
  view: HowSeen,
  from: Place,
  steps: number,
  width: number,
): Place {
  return new Walk(source, view, width).move(from, steps);
}

class Walk {
  readonly #source: LineSource;
  readonly #view: HowSeen;
  readonly #width: number;

  constructor(source: LineSource, view: HowSeen, width: number) {
    this.#source = source;
    this.#view = view;
    this.#width = width;
  }

  /** The same position, or the next one if the line is gone, hidden, or has fewer rows now. */
  placeNear({ top, topRow }: Place): Place {
    const line = this.#shown(Math.max(this.#source.first, top), 1);
    if (line !== top) return { top: line ?? this.#source.end, topRow: 0 };
    return { top, topRow: Math.min(topRow, this.#rowsOf(top).length - 1) };
  }

  move(from: Place, steps: number): Place {
    let { top, topRow } = this.placeNear(from);
    const direction = steps < 0 ? -1 : 1;
    for (let left = Math.abs(steps); left > 0; ) {
      const within = direction === -1 ? topRow : Math.max(0, this.#rowsOf(top).length - 1 - topRow);
      const step = Math.min(left, within);
      topRow += direction * step;
      left -= step;
      if (left === 0) break;
      const next = this.#shown(top + direction, direction);
      if (next === null) break;
      top = next;
      topRow = direction === -1 ? this.#rowsOf(next).length - 1 : 0;
      left -= 1;
    }
    return { top, topRow };
  }

  down({ top, topRow }: Place, rows: number): SeenLine[] {
    const lines: SeenLine[] = [];
    let rowsAbove = topRow;
    let used = 0;
    for (let at = this.#shown(top, 1); at !== null && used < rows; at = this.#shown(at + 1, 1)) {
      const shown = this.#seen(at, this.#rowsOf(at), rowsAbove, rows - used);
      used += shown.rows.length;
      lines.push(shown);
      rowsAbove = 0;
    }
    return lines;
  }

  upFromEnd(rows: number): SeenLine[] {
    const lines: SeenLine[] = [];
    let used = 0;
    for (
      let at = this.#shown(this.#source.end - 1, -1);
      at !== null && used < rows;
      at = this.#shown(at - 1, -1)
    ) {
      const all = this.#rowsOf(at);
      const rowsAbove = Math.max(0, all.length - (rows - used));
      used += all.length - rowsAbove;
      lines.push(this.#seen(at, all, rowsAbove));
    }
    return lines.reverse();
  }

  #seen(number: number, all: readonly string[], rowsAbove: number, most = all.length): SeenLine {
    const line = this.#source.get(number);
    if (line === undefined) throw new Error(`line ${number} is not there`);
    const from = all.slice(0, rowsAbove).reduce((sum, row) => sum + row.length, 0);
    return { number, line, rows: all.slice(rowsAbove, rowsAbove + most), rowsAbove, from };
  }

  /** At least one. */
  #rowsOf(number: number): readonly string[] {
    const text = this.#source.get(number)?.text ?? '';
    return this.#view.isWrapped ? wrap(text, this.#width) : [text];
  }

  /** The nearest line from this one on that is shown. */
  #shown(from: number, direction: 1 | -1): number | null {
    for (let at = from; at >= this.#source.first && at < this.#source.end; at += direction) {
      const line = this.#source.get(at);
      if (line !== undefined && isShown(line, this.#view.streams)) return at;
    }
    return null;
  }
}

function seen(source: LineSource, lines: readonly SeenLine[]): LogWindow {
  const [first] = lines;
  return { top: first?.number ?? source.first, topRow: first?.rowsAbove ?? 0, lines };
}

function heightOf(lines: readonly SeenLine[]): number {
  return lines.reduce((sum, { rows }) => sum + rows.length, 0);
}

/** Lines without a stream are always shown. */
function isShown({ stream, kind }: LogLine, streams: LogView['streams']): boolean {
  return streams === 'both' || kind !== 'output' || stream === streams;
}
