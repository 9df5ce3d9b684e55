/**
 * Draws a terminal's screen as an SVG picture. Text stays text, in any available monospaced font. Each run of text has a
 * fixed start and width, so columns line up in every viewer.
 */
import { boxPaths, isBoxCharacter } from './box-characters.mjs';
import { themes } from './themes.mjs';

const fontSize = 14;
/** The width of most monospaced fonts at that size, and a usual line height. */
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
 * @typedef {object} Run Adjacent cells of one style: text, or equal box characters.
 * @property {string} text
 * @property {number} column
 * @property {number} columns
 * @property {Style} style
 * @property {boolean} isBox
 * @property {boolean} isWide
 */

/**
 * @param {import('@xterm/headless').Terminal} terminal whose visible rows are drawn
 * @param {{ readonly theme?: 'dark' | 'light', readonly title: string }} options the title is for screen readers
 * @returns {string} always the same for the same screen
 */
export function toSvg(terminal, { theme = 'dark', title }) {
  const rows = Array.from({ length: terminal.rows }, (_, row) => row);
  return picture(terminal, terminal.rows, {
    theme,
    title,
    style: '',
    content: drawnRows(terminal, rows, themes[theme]),
  });
}

/**
 * A moment of a recording: what the screen showed, for how long, and what was done.
 *
 * @typedef {object} Moment
 * @property {readonly string[]} rows as SVG
 * @property {number} seconds
 * @property {string} caption below the screen
 */

/** @param {import('@xterm/headless').Terminal} terminal @param {number} seconds @param {string} caption @returns {Moment} */
export function momentOf(terminal, seconds, caption) {
  const rows = Array.from({ length: terminal.rows }, (_, row) =>
    drawnRows(terminal, [row], themes.dark).join(''),
  );
  return { rows, seconds, caption };
}

/**
 * An endless loop of moments. What a row shows is in the file once, however often it comes back. If the reader prefers less
 * motion, it stays at the first moment.
 *
 * @param {import('@xterm/headless').Terminal} terminal for its size
 * @param {readonly Moment[]} moments
 * @param {{ readonly title: string }} options
 */
export function toAnimatedSvg(terminal, moments, { title }) {
  const total = moments.reduce((sum, { seconds }) => sum + seconds, 0);
  /** The moments of each content of a row. @type {Map<string, number[]>} */
  const shown = new Map();
  for (const [at, { rows, caption }] of moments.entries()) {
    for (const content of [...rows, captionOf(caption, terminal.rows)]) {
      if (content !== '') shown.set(content, [...(shown.get(content) ?? []), at]);
    }
  }
  /** One animation for all contents that are shown at the same moments. @type {Map<string, string[]>} */
  const groups = new Map();
  for (const [content, at] of shown) {
    const times = at.join();
    groups.set(times, [...(groups.get(times) ?? []), content]);
  }
  /** @type {string[]} */
  const rules = [];
  /** @type {string[]} */
  const moving = [];
  const content = Array.from(groups, ([times, contents], index) => {
    const at = times.split(',').map(Number);
    if (at.length === moments.length) return contents.join('');
    rules.push(
      `@keyframes m${index}{${keyframes(at, moments, total)}}`,
      `.m${index}{visibility:${at[0] === 0 ? 'visible' : 'hidden'}}`,
    );
    moving.push(`.m${index}{animation:m${index} ${total}s step-end infinite}`);
    return `<g class="m${index}">${contents.join('')}</g>`;
  });
  const style = `${rules.join('')}@media (prefers-reduced-motion:no-preference){${moving.join('')}}`;
  return picture(terminal, terminal.rows + 1, { theme: 'dark', title, style, content });
}

/**
 * @param {readonly number[]} shownAt
 * @param {readonly Moment[]} moments
 * @param {number} total seconds
 */
function keyframes(shownAt, moments, total) {
  let seconds = 0;
  let wasShown = null;
  let text = '';
  for (const [at, moment] of moments.entries()) {
    const isShown = shownAt.includes(at);
    if (isShown !== wasShown)
      text += `${round((100 * seconds) / total)}%{visibility:${isShown ? 'visible' : 'hidden'}}`;
    wasShown = isShown;
    seconds += moment.seconds;
  }
  return text;
}

/** @param {string} caption @param {number} row */
function captionOf(caption, row) {
  const y = padding + row * cellHeight + baseline;
  return `<text x="${padding + cellWidth}" y="${y}" class="b" fill="${themes.dark.colors[3]}">${escaped(caption)}</text>`;
}

/**
 * @param {import('@xterm/headless').Terminal} terminal
 * @param {number} rows
 * @param {{ theme: 'dark' | 'light', title: string, style: string, content: readonly string[] }} options
 */
function picture(terminal, rows, { theme, title, style, content }) {
  const { background, foreground } = themes[theme];
  const width = round(terminal.cols * cellWidth + 2 * padding);
  const height = rows * cellHeight + 2 * padding;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" fill="${foreground}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>text{font:${fontSize}px ${fonts};white-space:pre}.b{font-weight:bold}.d{opacity:.6}.u{text-decoration:underline}${style}</style>`,
    `<rect width="${width}" height="${height}" rx="8" fill="${background}"/>`,
    ...content,
    '</svg>',
    '',
  ].join('\n');
}

/**
 * @param {import('@xterm/headless').Terminal} terminal
 * @param {readonly number[]} rows
 * @param {import('./themes.mjs').Theme} theme
 * @returns {string[]} backgrounds first
 */
function drawnRows(terminal, rows, theme) {
  /** @type {string[]} */
  const backgrounds = [];
  /** @type {string[]} */
  const texts = [];
  const shapes = new Shapes();
  for (const row of rows) {
    const runs = runsOf(terminal, row, theme);
    const y = padding + row * cellHeight;
    for (const run of joinedBackgrounds(runs)) backgrounds.push(backgroundOf(run, y));
    for (const run of runs) {
      if (run.isBox) shapes.add(run, y);
      else texts.push(...textsOf(run, y, theme.foreground));
    }
  }
  return [...backgrounds, ...shapes.drawn(), ...texts];
}

/** Box characters: one path for all that look the same. */
class Shapes {
  /** @type {Map<string, string>} path data by the attributes of their path */
  #data = new Map();

  /** @param {Run} run @param {number} y */
  add({ text, column, columns, style }, y) {
    const [character = ''] = text;
    const cell = { x: padding + column * cellWidth, y, width: cellWidth, height: cellHeight };
    const { light, heavy, filled } = boxPaths(character, cell, columns);
    const dim = style.isDim ? ' class="d"' : '';
    this.#append(`fill="none" stroke="${style.fill}"${dim}`, light);
    this.#append(`fill="none" stroke="${style.fill}" stroke-width="2"${dim}`, heavy);
    this.#append(`fill="${style.fill}"${dim}`, filled);
  }

  /** @param {string} attributes @param {string} data */
  #append(attributes, data) {
    if (data !== '') this.#data.set(attributes, (this.#data.get(attributes) ?? '') + data);
  }

  drawn() {
    return Array.from(this.#data, ([attributes, data]) => `<path ${attributes} d="${data}"/>`);
  }
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
    const isWide = columns > 1;
    const last = runs.at(-1);
    const joins =
      last !== undefined &&
      last.isBox === isBox &&
      // Wide characters get their own runs: all characters of a run must have the same width.
      last.isWide === isWide &&
      isSameStyle(last.style, style) &&
      (!isBox || last.text.startsWith(text));
    if (joins) {
      last.text += text;
      last.columns += columns;
    } else {
      runs.push({ text, column, columns, style, isBox, isWide });
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
  // The screen uses only the 16 ANSI colors, which every terminal theme defines.
  if (named === undefined) throw new Error(`color ${color} is not one of the 16 ANSI colors`);
  return named;
}

/** Merges runs with the same background, which avoids seams. @param {readonly Run[]} runs @returns {Run[]} */
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

/**
 * The words of a run, each at its own column. Single spaces between words are kept.
 *
 * @param {Run} run
 * @param {number} y
 * @param {string} foreground of the whole picture, which a run doesn't repeat
 */
function textsOf({ text, column, columns, style }, y, foreground) {
  // Without wide characters, each UTF-16 unit is a column, and an index is a position.
  const pieces = columns === text.length && !style.isUnderlined ? [...text.matchAll(/\S+(?: \S+)*/g)] : [];
  const placed =
    pieces.length > 0
      ? pieces.map(({ 0: piece, index }) => ({ piece, column: column + index, columns: piece.length }))
      : [{ piece: text, column, columns }];
  const classes = [style.isBold ? 'b' : '', style.isDim ? 'd' : '', style.isUnderlined ? 'u' : ''].filter(
    Boolean,
  );
  const look = classes.length > 0 ? ` class="${classes.join(' ')}"` : '';
  const fill = style.fill === foreground ? '' : ` fill="${style.fill}"`;
  return placed
    .filter(({ piece }) => piece.trim() !== '' || style.isUnderlined)
    .map(({ piece, column: at, columns: wide }) => {
      const x = round(padding + at * cellWidth);
      // Of a single character there is nothing to stretch.
      const length = wide > 1 ? ` textLength="${round(wide * cellWidth)}"` : '';
      return `<text x="${x}" y="${y + baseline}"${length}${look}${fill}>${escaped(piece)}</text>`;
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
