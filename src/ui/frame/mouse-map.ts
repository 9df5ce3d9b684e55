/**
 * Finds what is under the mouse. Each canvas registers the lines that it paints, and the spans of a line know what a click on
 * them does. So a click acts on what the user sees, even if the list has moved since.
 */
import type { DOMElement } from 'ink';
import type { ClickTarget, Line, ViewChange } from '../text/line.ts';

export interface MouseArea {
  readonly lines: readonly Line[];
  /** Gives the keys to the list that the wheel moves; `null` if there is nothing to move. */
  readonly wheel: ViewChange | null;
}

/** What is at a cell of the screen. */
export interface MouseHit {
  readonly target: ClickTarget | null;
  readonly wheel: ViewChange | null;
  /** It is in a dialog, over the panels. */
  readonly isOnTop: boolean;
}

export class MouseMap {
  readonly #areas = new Map<DOMElement, () => MouseArea>();

  /** @param area what the element shows now. @returns removes it */
  add(element: DOMElement, area: () => MouseArea): () => void {
    this.#areas.set(element, area);
    return () => this.#areas.delete(element);
  }

  at(row: number, column: number): MouseHit | null {
    let found: MouseHit | null = null;
    for (const [element, area] of this.#areas) {
      const { lines, wheel } = area();
      const { top, left, isOnTop } = placeOf(element);
      const line = lines[row - top];
      if (line === undefined || column < left) continue;
      const at = spanAt(line, column - left);
      if (at === undefined || (found?.isOnTop === true && !isOnTop)) continue;
      found = { target: at.target ?? null, wheel, isOnTop };
    }
    return found;
  }
}

/** Where Ink has put it. */
function placeOf(element: DOMElement): { top: number; left: number; isOnTop: boolean } {
  const place = { top: 0, left: 0, isOnTop: false };
  for (let at: DOMElement | undefined = element; at !== undefined; at = at.parentNode) {
    place.top += at.yogaNode?.getComputedTop() ?? 0;
    place.left += at.yogaNode?.getComputedLeft() ?? 0;
    // Only dialogs are.
    if (at.style.position === 'absolute') place.isOnTop = true;
  }
  return place;
}

function spanAt(line: Line, column: number): Line[number] | undefined {
  let end = 0;
  return line.find(({ width }) => {
    end += width;
    return column < end;
  });
}
