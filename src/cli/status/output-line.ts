/** What STDOUT makes possible. */
import { hasColors } from '../../ui/terminal/colors.ts';
import { type Line, plainText, render } from '../../ui/text/line.ts';

/** Columns of the terminal that it is; `null` where it is none, and nothing need be cut. */
export function outputWidth(): number | null {
  const { isTTY, columns } = process.stdout;
  return isTTY === true && columns > 0 ? columns : null;
}

/** With colours and weights where a terminal shows them. */
export function paintLine(line: Line): string {
  const isPlain = process.stdout.isTTY !== true || process.env.TERM === 'dumb';
  return isPlain ? plainText(line) : render(line, hasColors(process.env));
}
