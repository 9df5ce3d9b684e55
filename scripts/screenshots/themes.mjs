/**
 * Dark and light terminal colors, similar to the page that shows the pictures.
 *
 * @typedef {object} Theme
 * @property {string} background
 * @property {string} foreground
 * @property {readonly string[]} colors the 16 ANSI colors
 */

/** @type {Readonly<Record<'dark' | 'light', Theme>>} */
export const themes = {
  dark: {
    background: '#0d1117',
    foreground: '#e6edf3',
    colors: [
      ...['#484f58', '#ff7b72', '#3fb950', '#d29922', '#58a6ff', '#bc8cff', '#39c5cf', '#b1bac4'],
      ...['#8b949e', '#ffa198', '#56d364', '#e3b341', '#79c0ff', '#d2a8ff', '#56d4dd', '#ffffff'],
    ],
  },
  light: {
    background: '#ffffff',
    foreground: '#1f2328',
    colors: [
      ...['#24292f', '#cf222e', '#116329', '#9a6700', '#0969da', '#8250df', '#1b7c83', '#6e7781'],
      ...['#57606a', '#a40e26', '#1a7f37', '#7d4e00', '#218bff', '#a475f9', '#3192aa', '#8c959f'],
    ],
  },
};
