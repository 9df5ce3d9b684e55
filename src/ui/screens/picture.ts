/** The contents of the screen, as strings. React renders a picture if it differs from the previous one. */
import type { Panel } from '../panels/panel.ts';
import { render } from '../text/line.ts';

export interface PicturePanel {
  readonly key: string;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** With our color codes, each exactly `width` columns. */
  readonly lines: readonly string[];
}

export interface Picture {
  readonly columns: number;
  readonly rows: number;
  readonly panels: readonly PicturePanel[];
}

export const noPicture: Picture = { columns: 0, rows: 0, panels: [] };

export function pictureOf(
  panels: readonly Panel[],
  columns: number,
  rows: number,
  hasColors: boolean,
): Picture {
  return {
    columns,
    rows,
    panels: panels.map((panel) => ({ ...panel, lines: panel.lines.map((line) => render(line, hasColors)) })),
  };
}

/** `next`, but with the objects of `before` for panels that look the same; `before` itself if all panels do. */
export function reuse(before: Picture, next: Picture): Picture {
  if (before.columns !== next.columns || before.rows !== next.rows) return next;
  const known = new Map(before.panels.map((panel) => [panel.key, panel]));
  const panels = next.panels.map((panel) => {
    const old = known.get(panel.key);
    return old !== undefined && looksLike(old, panel) ? old : panel;
  });
  const isSame =
    panels.length === before.panels.length && panels.every((panel, at) => panel === before.panels[at]);
  return isSame ? before : { ...next, panels };
}

function looksLike(a: PicturePanel, b: PicturePanel): boolean {
  return (
    a.left === b.left &&
    a.top === b.top &&
    a.width === b.width &&
    a.height === b.height &&
    a.lines.length === b.lines.length &&
    a.lines.every((line, at) => line === b.lines[at])
  );
}
