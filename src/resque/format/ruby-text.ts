/**
 * What Ruby makes of a JSON value: its JSON, its `inspect` and its `join`. Ruby's plugins build keys from these texts, and
 * a key is found only if every byte is the same.
 *
 * Source: ruby 3.1, `string.c` (`rb_str_inspect`), `hash.c` (`inspect_hash`; Ruby 3.4 writes `{"a" => 1}`), and the json
 * gem's generator. Compared with Ruby 3.1.
 */

/** A JSON value. Text and keys of objects begin with `s`, numbers with `n` and their digits as they were. */
export type RubyValue = null | boolean | string | RubyValue[] | { [key: string]: RubyValue };

const stringOrNumber = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/gs;

/**
 * Reads JSON with the exact numbers. The members of an object keep their order, as in Ruby: JavaScript would put keys that
 * look like integers first.
 */
export function readRuby(json: string): RubyValue {
  const marked = json.replace(stringOrNumber, (token) =>
    token.startsWith('"') ? `"s${token.slice(1)}` : `"n${token}"`,
  );
  return JSON.parse(marked) as RubyValue;
}

/** Compact JSON as Ruby writes it after reading it: floats are spelled in its own way. */
export function rubyJson(text: string): string {
  return text.replace(stringOrNumber, (token) => (token.startsWith('"') ? token : rubyNumber(token)));
}

/** The same for a value. */
export function jsonOf(value: RubyValue): string {
  if (typeof value === 'string') {
    return value.startsWith('n') ? rubyNumber(value.slice(1)) : JSON.stringify(value.slice(1));
  }
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(',')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  return `{${Object.entries(value)
    .map(([key, item]) => `${jsonOf(key)}:${jsonOf(item)}`)
    .join()}}`;
}

export interface InspectStyle {
  /** Between a hash's key and value: ` => ` since Ruby 3.4, `=>` before. */
  readonly arrow: string;
  /** Ruby runs in a locale without UTF-8, and escapes all other characters. */
  readonly isAscii: boolean;
}

/** Ruby's `inspect`, which is also the `to_s` of arrays and hashes. */
export function inspect(value: RubyValue, style: InspectStyle): string {
  if (value === null) return 'nil';
  if (typeof value === 'string') {
    const text = value.slice(1);
    return value.startsWith('n') ? rubyNumber(text) : inspectText(text, style);
  }
  if (Array.isArray(value)) return `[${value.map((item) => inspect(item, style)).join(', ')}]`;
  if (typeof value !== 'object') return String(value);
  const members = Object.entries(value).map(
    ([key, item]) => `${inspect(key, style)}${style.arrow}${inspect(item, style)}`,
  );
  return `{${members.join(', ')}}`;
}

/** Ruby's `Array#join`. */
export function join(values: readonly RubyValue[], separator: string, style: InspectStyle): string {
  const textOf = (value: RubyValue): string => {
    if (value === null) return '';
    if (Array.isArray(value)) return join(value, separator, style);
    return typeof value === 'string' && value.startsWith('s') ? value.slice(1) : inspect(value, style);
  };
  return values.map(textOf).join(separator);
}

const escapes: Readonly<Record<string, string>> = {
  ...{ '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\f': '\\f' },
  ...{ '\v': '\\v', '\b': '\\b', '\u0007': '\\a', '\u001b': '\\e' },
};

/** Also `#` before what would be interpolated. Ruby prints U+0085 and characters for private use as they are. */
const escaped = /["\\]|#(?=[{$@])|(?!\u0085)[\p{Cc}\p{Cn}\p{Zl}\p{Zp}]/gu;
const escapedInAscii = /["\\]|#(?=[{$@])|\p{Cc}|[^\0-\x7f]/gu;

function inspectText(text: string, { isAscii }: InspectStyle): string {
  const inside = text.toWellFormed().replace(isAscii ? escapedInAscii : escaped, (character) => {
    if (character === '#') return '\\#';
    const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase();
    return escapes[character] ?? (code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`);
  });
  return `"${inside}"`;
}

function rubyNumber(token: string): string {
  if (/^-?\d+$/.test(token)) return token === '-0' ? '0' : token;
  return rubyFloat(Number(token));
}

/** Ruby's `Float#to_s`: the shortest digits; an exponent below 0.0001 and from 1e15 on. */
function rubyFloat(number: number): string {
  if (!Number.isFinite(number)) return String(number);
  if (number === 0) return Object.is(number, -0) ? '-0.0' : '0.0';
  const [digits = '', exponent = '0'] = number.toExponential().split('e');
  const power = Number(exponent);
  if (power < -4 || power >= 15) {
    const sign = power < 0 ? '-' : '+';
    const mantissa = digits.includes('.') ? digits : `${digits}.0`;
    return `${mantissa}e${sign}${String(Math.abs(power)).padStart(2, '0')}`;
  }
  const plain = String(number);
  return plain.includes('.') ? plain : `${plain}.0`;
}
