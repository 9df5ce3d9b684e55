/**
 * Draws lines, corners, blocks and bars as shapes. Fonts leave gaps between rows or lack these characters. Shapes connect
 * in every viewer, and a long line is one stroke.
 */

/**
 * The arms of a character, 1 light and 2 heavy, in the order left, right, up, down.
 *
 * @type {Readonly<Record<string, readonly [number, number, number, number]>>}
 */
const arms = {
  '─': [1, 1, 0, 0],
  '━': [2, 2, 0, 0],
  '│': [0, 0, 1, 1],
  '┃': [0, 0, 2, 2],
  '┌': [0, 1, 0, 1],
  '┐': [1, 0, 0, 1],
  '└': [0, 1, 1, 0],
  '┘': [1, 0, 1, 0],
  '┏': [0, 2, 0, 2],
  '┓': [2, 0, 0, 2],
  '┗': [0, 2, 2, 0],
  '┛': [2, 0, 2, 0],
  '├': [0, 1, 1, 1],
  '┤': [1, 0, 1, 1],
  '┬': [1, 1, 0, 1],
  '┴': [1, 1, 1, 0],
  '┼': [1, 1, 1, 1],
  '┣': [0, 2, 2, 2],
  '┫': [2, 0, 2, 2],
  '┳': [2, 2, 0, 2],
  '┻': [2, 2, 2, 0],
  '╋': [2, 2, 2, 2],
};

/**
 * Round corners: the neighbors that they connect, as signs of the directions across and down.
 *
 * @type {Readonly<Record<string, readonly [number, number]>>}
 */
const corners = { '╭': [1, 1], '╮': [-1, 1], '╰': [1, -1], '╯': [-1, -1] };

/**
 * The part of its cell that a block fills: left, top, width and height, as fractions.
 *
 * @type {Readonly<Record<string, readonly [number, number, number, number]>>}
 */
const blocks = {
  ...Object.fromEntries(
    Array.from('▁▂▃▄▅▆▇█', (block, at) => [block, [0, 1 - (at + 1) / 8, 1, (at + 1) / 8]]),
  ),
  '▀': [0, 0, 1, 0.5],
  '▌': [0, 0, 0.5, 1],
  '▐': [0.5, 0, 0.5, 1],
  '■': [0.1, 0.28, 0.8, 0.44],
};

/**
 * @typedef {object} Cell
 * @property {number} x of its left edge
 * @property {number} y of its upper edge
 * @property {number} width
 * @property {number} height
 */

/** @param {string} character */
export function isBoxCharacter(character) {
  return character in arms || character in corners || character in blocks || character === '□';
}

/**
 * @param {string} character
 * @param {Cell} cell
 * @param {number} count number of equal characters in a row
 * @returns {{ light: string, heavy: string, filled: string }} path data: strokes of two widths, and areas
 */
export function boxPaths(character, { x, y, width, height }, count) {
  const paths = { light: '', heavy: '', filled: '' };
  const at = (/** @type {number} */ index) => x + index * width;
  const middle = y + height / 2;
  const arm = arms[character];
  const corner = corners[character];
  const block = blocks[character];
  if (arm !== undefined) {
    const [left, right, up, down] = arm;
    const weight = Math.max(...arm) === 2 ? 'heavy' : 'light';
    if (left > 0 && right > 0) paths[weight] += `M${n(x)} ${n(middle)}H${n(at(count))}`;
    for (let index = 0; index < count; index += 1) {
      const center = at(index) + width / 2;
      if (left + right > 0 && left * right === 0) {
        paths[weight] += `M${n(center)} ${n(middle)}H${n(left > 0 ? at(index) : at(index + 1))}`;
      }
      // From edge to edge or from the middle; slightly longer if a heavy corner must be square.
      const reach = weight === 'heavy' ? 1 : 0;
      if (up + down > 0) {
        paths[weight] +=
          `M${n(center)} ${n(up > 0 ? y : middle - reach)}V${n(down > 0 ? y + height : middle + reach)}`;
      }
    }
  }
  if (corner !== undefined) {
    const [across, along] = corner;
    const radius = width / 2;
    for (let index = 0; index < count; index += 1) {
      const center = at(index) + width / 2;
      const end = middle + (along * height) / 2;
      const sweep = across * along > 0 ? 0 : 1;
      paths.light +=
        `M${n(center + across * radius)} ${n(middle)}` +
        `A${n(radius)} ${n(radius)} 0 0 ${sweep} ${n(center)} ${n(middle + along * radius)}V${n(end)}`;
    }
  }
  if (block !== undefined) {
    const [left, top, wide, high] = block;
    // Adjacent full blocks become one area; other blocks keep their gaps.
    const isJoined = left === 0 && wide === 1;
    for (let index = 0; index < (isJoined ? 1 : count); index += 1) {
      const span = isJoined ? count * width : wide * width;
      paths.filled += `M${n(at(index) + left * width)} ${n(y + top * height)}h${n(span)}v${n(high * height)}h${n(-span)}z`;
    }
  }
  if (character === '□') {
    for (let index = 0; index < count; index += 1) {
      const inset = width * 0.1 + 0.5;
      const side = width - 2 * inset;
      const high = height * 0.44 - 1;
      paths.light += `M${n(at(index) + inset)} ${n(y + height * 0.28 + 0.5)}h${n(side)}v${n(high)}h${n(-side)}z`;
    }
  }
  return paths;
}

/** @param {number} value */
function n(value) {
  return String(Math.round(value * 100) / 100);
}
