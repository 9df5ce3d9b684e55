/** The bytes that terminals send for keys. */

const sequences: Readonly<Record<string, string>> = {
  up: '\u001B[A',
  down: '\u001B[B',
  right: '\u001B[C',
  left: '\u001B[D',
  home: '\u001B[H',
  end: '\u001B[F',
  insert: '\u001B[2~',
  delete: '\u001B[3~',
  pageup: '\u001B[5~',
  pagedown: '\u001B[6~',
  return: '\r',
  tab: '\t',
  'shift+tab': '\u001B[Z',
  backspace: '\u007F',
  escape: '\u001B',
  space: ' ',
};

/** @param key its name in the key decoder: `j`, `up`, `shift+tab`, `ctrl+d`, `alt+x` */
export function bytesOf(key: string): string {
  const sequence = sequences[key];
  if (sequence !== undefined) return sequence;
  const [, modifier, character] = /^(ctrl|alt)\+(.)$/u.exec(key) ?? [];
  if (modifier === 'alt') return `\u001B${character}`;
  // The lowest five bits of a letter or of @ [ \ ] ^ _.
  if (modifier === 'ctrl') return String.fromCharCode((character ?? '').toUpperCase().charCodeAt(0) & 0x1f);
  if (/^.$/su.test(key)) return key;
  throw new Error(`no key is named ${key}`);
}
