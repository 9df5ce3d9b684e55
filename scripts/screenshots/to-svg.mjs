/**
 * What a terminal shows, as an SVG picture. Text stays text, in whatever monospaced font there is: each run of it
 * begins at its column and is given its width, so that columns line up in every viewer.
 */
import { boxPaths, isBoxCharacter } from './box-characters.mjs';
import { themes } from './themes.mjs';

const fontSize = 14;
/** As wide as a column of most monospaced fonts is at that size, and a usual distance of lines. */
const cellWidth = 8.4;
const cellHeight = 18;
const baseline = 13.5;
const padding = 12;
const fonts = "ui-monospace,SFMono-Regular,'JetBrains Mono','DejaVu Sans Mono',Menlo,Consolas,monospace";

/**
 * @typedef {object} Style
 * @property {string} fill
 * @property {string | null} background
 * @property {boolean} isBold
 * @property {boolean} isDim
 * @property {boolean} isUnderlined
 *
 * @typedef {object} Run Cells of one style beside each other: text, or box characters of which all are the same.
 * @property {string} text
 * @property {number} column
 * @property {number} columns
 * @property {Style} style
 * @property {boolean} isBox
 */

/**
 * @param {import('@xterm/headless').Terminal} terminal what its visible rows show
 * @param {{ readonly theme?: 'dark' | 'light', readonly title: string }} options the title is for those who can't
 *   see the picture
 * @returns {string} the same for the same screen
 */
export function toSvg(terminal, { theme = 'dark', title }) {
  const { background, foreground, colors } = themes[theme];
  const width = round(terminal.cols * cellWidth + 2 * padding);
  const height = terminal.rows * cellHeight + 2 * padding;
  /** @type {string[]} */
  const drawn = [];
  for (let row = 0; row < terminal.rows; row += 1) {
    const runs = runsOf(terminal, row, { background, foreground, colors });
    const y = padding + row * cellHeight;
    for (const run of joinedBackgrounds(runs)) drawn.push(backgroundOf(run, y));
    for (const run of runs) drawn.push(...(run.isBox ? boxesOf(run, y) : textsOf(run, y)));
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    '<style>',
    `text{font:${fontSize}px ${fonts};white-space:pre;fill:${foreground}}`,
    '.b{font-weight:bold}.d{opacity:.6}.u{text-decoration:underline}path{fill:none}',
    '</style>',
    `<rect width="${width}" height="${height}" rx="8" fill="${background}"/>`,
    ...drawn.map((each) => each.replaceAll(` fill="${foreground}"`, each.startsWith('<text') ? '' : ` fill="${foreground}"`)),
    '</svg>',
    '',
  ].join('\n');
}

/**
 * @param {import('@xterm/headless').Terminal} terminal
 * @param {number} row
 * @param {import('./themes.mjs').Theme} theme
 * @returns {Run[]}
 */
function runsOf(terminal, row, theme) {
  const line = terminal.buffer.active.getLine(terminal.buffer.active.viewportY + row);
  /** @type {Run[]} */
  const runs = [];
  for (let column = 0; line !== undefined && column < terminal.cols; ) {
    const cell = line.getCell(column);
    if (cell === undefined) break;
    const text = cell.getChars() || ' ';
    const columns = Math.max(1, cell.getWidth());
    const style = styleOf(cell, theme);
    const isBox = isBoxCharacter(text);
    const last = runs.at(-1);
    const joins =
      last !== undefined &&
      last.isBox === isBox &&
      isSameStyle(last.style, style) &&
      (!isBox || last.text.startsWith(text));
    if (joins) {
      last.text += text;
      last.columns += columns;
    } else {
      runs.push({ text, column, columns, style, isBox });
    }
    column += columns;
  }
  return runs;
}

/**
 * @param {import('@xterm/headless').IBufferCell} cell
 * @param {import('./themes.mjs').Theme} theme
 * @returns {Style}
 */
function styleOf(cell, { background, foreground, colors }) {
  const front = cell.isFgDefault() ? null : colorOf(cell.getFgColor(), cell.isFgRGB(), colors);
  const back = cell.isBgDefault() ? null : colorOf(cell.getBgColor(), cell.isBgRGB(), colors);
  const isInverse = cell.isInverse() !== 0;
  return {
    fill: isInverse ? (back ?? background) : (front ?? foreground),
    background: isInverse ? (front ?? foreground) : back,
    isBold: cell.isBold() !== 0,
    isDim: cell.isDim() !== 0,
    isUnderlined: cell.isUnderline() !== 0,
  };
}

/**
 * @param {number} color
 * @param {boolean} isRgb
 * @param {readonly string[]} colors
 */
function colorOf(color, isRgb, colors) {
  if (isRgb) return `#${color.toString(16).padStart(6, '0')}`;
  const named = colors[color];
  // The user interface keeps to the sixteen, which every terminal's theme defines.
  if (named === undefined) throw new Error(`color ${color} is none of the sixteen`);
  return named;
}

/** Of runs with the same background, one: no seams. @param {readonly Run[]} runs @returns {Run[]} */
function joinedBackgrounds(runs) {
  /** @type {Run[]} */
  const joined = [];
  for (const run of runs) {
    if (run.style.background === null) continue;
    const last = joined.at(-1);
    if (last?.style.background === run.style.background && last.column + last.columns === run.column) {
      last.columns += run.columns;
    } else {
      joined.push({ ...run });
    }
  }
  return joined;
}

/** @param {Run} run @param {number} y */
function backgroundOf({ column, columns, style }, y) {
  const x = round(padding + column * cellWidth);
  return `<rect x="${x}" y="${y}" width="${round(columns * cellWidth)}" height="${cellHeight}" fill="${style.background}"/>`;
}

/** @param {Run} run @param {number} y */
function boxesOf({ text, column, columns, style }, y) {
  const [character = ''] = text;
  const cell = { x: padding + column * cellWidth, y, width: cellWidth, height: cellHeight };
  const { light, heavy, filled } = boxPaths(character, cell, columns);
  const dim = style.isDim ? ' class="d"' : '';
  return [
    light === '' ? '' : `<path${dim} stroke="${style.fill}" d="${light}"/>`,
    heavy === '' ? '' : `<path${dim} stroke="${style.fill}" stroke-width="2" d="${heavy}"/>`,
    filled === '' ? '' : `<path${dim} style="fill:${style.fill}" d="${filled}"/>`,
  ].filter((path) => path !== '');
}

/** A run's words, each where it begins; single blanks within are kept. @param {Run} run @param {number} y */
function textsOf({ text, column, columns, style }, y) {
  // Without wide characters each unit is a column, and words can be placed by their index.
  const pieces = columns === text.length && !style.isUnderlined ? [...text.matchAll(/\S+(?: \S+)*/g)] : [];
  const placed =
    pieces.length > 0
      ? pieces.map(({ 0: piece, index }) => ({ piece, column: column + index, columns: piece.length }))
      : [{ piece: text, column, columns }];
  const classes = [style.isBold ? 'b' : '', style.isDim ? 'd' : '', style.isUnderlined ? 'u' : ''].filter(Boolean);
  const look = `${classes.length > 0 ? ` class="${classes.join(' ')}"` : ''}`;
  return placed
    .filter(({ piece }) => piece.trim() !== '' || style.isUnderlined)
    .map(({ piece, column: at, columns: wide }) => {
      const x = round(padding + at * cellWidth);
      // Of a single character there is nothing to stretch.
      const length = wide > 1 ? ` textLength="${round(wide * cellWidth)}"` : '';
      return `<text x="${x}" y="${y + baseline}"${length}${look} fill="${style.fill}">${escaped(piece)}</text>`;
    });
}

/** @param {Style} one @param {Style} other */
function isSameStyle(one, other) {
  return (
    one.fill === other.fill &&
    one.background === other.background &&
    one.isBold === other.isBold &&
    one.isDim === other.isDim &&
    one.isUnderlined === other.isUnderlined
  );
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 100) / 100;
}

/** @param {string} text */
function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
