/** What STDOUT makes possible. */
import { hasColors } from '../../ui/terminal/colors.ts';
import { type Line, plainText, render } from '../../ui/text/line.ts';
import type { Io } from '../command-line/io.ts';

/** Columns of the terminal that it is; `null` where it is none, and nothing need be cut. */
export function outputWidth({ stdout }: Io): number | null {
  const { isTTY, columns } = stdout;
  return isTTY === true && columns !== undefined && columns > 0 ? columns : null;
}

/** @returns turns a line into text, with colors and weights if a terminal shows them */
export function linePainter({ stdout, env }: Io): (line: Line) => string {
  const isPlain = stdout.isTTY !== true || env.TERM === 'dumb';
  return (line) => (isPlain ? plainText(line) : render(line, hasColors(env)));
}
