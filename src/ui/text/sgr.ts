/**
 * The styles that a job gives its output, as one number each: weights, underline, inversion and two of the sixteen colors.
 * Parameters of SGR sequences change such a number. Other parameters (italics, blinking, hidden text) have no effect.
 *
 * The sixteen colors follow the user's theme. The other 240 and true color become the one of the sixteen with the nearest
 * hue, because an exact color may be unreadable on the theme's background.
 */
import { colorAt, type Style } from './line.ts';

export const plainStyle = 0;

const bold = 1;
const dim = 2;
const underline = 4;
const inverse = 8;
/** Five bits each: 0 is the default color, others are one more than the number of the color. */
const colorBits = 4;
const backgroundBits = 9;
const oneColor = 0b11111;

const added = new Map([
  [1, bold],
  [2, dim],
  [4, underline],
  [7, inverse],
  // Underlined twice.
  [21, underline],
]);
const removed = new Map([
  [22, bold | dim],
  [24, underline],
  [27, inverse],
]);

/** @param parameters between `ESC [` and `m` */
export function styleAfter(style: number, parameters: string): number {
  const all = parameters.split(';');
  let next = style;
  for (let at = 0; at < all.length; at += 1) {
    const [first = '', ...details] = (all[at] ?? '').split(':');
    const code = Number(first);
    if (code === 38 || code === 48 || code === 58) {
      const isInOne = details.length > 0;
      const rest = isInOne ? details : all.slice(at + 1);
      if (!isInOne) at += lengthOf(rest);
      // 58 is the color of underlines.
      const color = extendedColor(rest, isInOne);
      if (code !== 58 && color !== null)
        next = withColor(next, code === 38 ? colorBits : backgroundBits, color);
    } else {
      next = simple(next, code === 4 && details[0] === '0' ? 24 : code);
    }
  }
  return next;
}

/** The style for spans. */
export function styleOf(style: number): Style {
  const color = colorAt(((style >> colorBits) & oneColor) - 1);
  const background = colorAt(((style >> backgroundBits) & oneColor) - 1);
  return {
    bold: (style & bold) !== 0,
    dim: (style & dim) !== 0,
    underline: (style & underline) !== 0,
    inverse: (style & inverse) !== 0,
    color,
    // Nothing hides a text.
    background: background === color ? undefined : background,
  };
}

function simple(style: number, code: number): number {
  if (code === 0) return plainStyle;
  if (added.has(code)) return style | (added.get(code) ?? 0);
  if (removed.has(code)) return style & ~(removed.get(code) ?? 0);
  if (code === 39) return withColor(style, colorBits, -1);
  if (code === 49) return withColor(style, backgroundBits, -1);
  if (code >= 30 && code <= 37) return withColor(style, colorBits, code - 30);
  if (code >= 40 && code <= 47) return withColor(style, backgroundBits, code - 40);
  if (code >= 90 && code <= 97) return withColor(style, colorBits, code - 90 + 8);
  if (code >= 100 && code <= 107) return withColor(style, backgroundBits, code - 100 + 8);
  return style;
}

/** @param color its number among the sixteen; -1: the default */
function withColor(style: number, bits: number, color: number): number {
  return (style & ~(oneColor << bits)) | ((color + 1) << bits);
}

/** How many parameters belong to a color: `5;N` or `2;R;G;B`. */
function lengthOf([kind]: readonly string[]): number {
  if (kind === '5') return 2;
  return kind === '2' ? 4 : 0;
}

/** @param isInOne with colons, where the number of a color space may precede red */
function extendedColor([kind, ...values]: readonly string[], isInOne: boolean): number | null {
  if (kind === '5') return indexedColor(Number(values[0]));
  if (kind !== '2') return null;
  const [red = '', green = '', blue = ''] = isInOne && values.length > 3 ? values.slice(1) : values;
  return nearest(Number(red), Number(green), Number(blue));
}

/** Levels of red, green and blue in the 6×6×6 colors. */
const levels = [0, 95, 135, 175, 215, 255];

function indexedColor(index: number): number | null {
  if (!(index >= 0 && index <= 255)) return null;
  if (index < 16) return index;
  if (index >= 232) {
    const gray = 8 + 10 * (index - 232);
    return nearest(gray, gray, gray);
  }
  const cube = index - 16;
  const level = (each: number) => levels[Math.floor(cube / each) % 6] ?? 0;
  return nearest(level(36), level(6), level(1));
}

/** Black, bright black, white and bright white, each up to this level. */
const grays = [
  [48, 0],
  [144, 8],
  [212, 7],
] as const;
const brightWhite = 15;
/** Spread of red, green and blue, as a part of the greatest, below which a color looks gray. */
const leastSpread = 0.2;
const bright = 8;
const leastBright = 215;

function nearest(red: number, green: number, blue: number): number | null {
  const values = [red, green, blue];
  if (!values.every((value) => value >= 0 && value <= 255)) return null;
  const most = Math.max(...values);
  const least = Math.min(...values);
  if (most - least <= leastSpread * most) return grays.find(([upTo]) => most < upTo)?.[1] ?? brightWhite;
  const middle = (most + least) / 2;
  const hue = values.reduce((sum, value, at) => sum + (value > middle ? 1 << at : 0), 0);
  return hue + (most >= leastBright ? bright : 0);
}
