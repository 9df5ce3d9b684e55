/**
 * How Ruby writes a value as YAML: what resque-web shows for an argument. Taken from what Psych 4 was seen to write,
 * for all that JSON can hold; only what it would fold at 80 columns stays in one line here.
 */

type Json = string | readonly Json[] | { readonly [name: string]: Json } | boolean | null;

/** @param json a valid JSON text; numbers keep their digits, however many @returns lines, as `to_yaml` ends them */
export function rubyYaml(json: string): string {
  const value = parse(json);
  if (isScalar(value)) return value === null ? '---\n' : `--- ${scalar(value, '  ')}\n`;
  return isEmpty(value) ? `--- ${emptyText(value)}\n` : `---\n${lines(value, '').join('\n')}\n`;
}

/**
 * resque-web's `show_args`.
 *
 * @param json JSON text of a payload's `args`; '' where there are none
 */
export function shownArguments(json: string): string {
  if (json === '') return '';
  const args: unknown = JSON.parse(json);
  if (args === null) return '';
  // Ruby's `Array()` makes a list of pairs of an object, and one of one element of everything else.
  const isObject = typeof args === 'object' && !Array.isArray(args);
  const elements = Array.isArray(args) ? elementsOf(json) : isObject ? membersOf(json) : [json];
  return elements.map(rubyYaml).join('\n');
}

function elementsOf(json: string): string[] {
  const value = parse(json);
  return Array.isArray(value) ? value.map(unparse) : [];
}

function membersOf(json: string): string[] {
  const value = parse(json);
  return isScalar(value) || Array.isArray(value)
    ? []
    : Object.entries(value).map(([name, member]) => `[${unparse(name)},${unparse(member)}]`);
}

const stringMark = '"';
const token = /"(?:[^"\\]+|\\.)*"|-?\d[-+.\deE]*/g;

/**
 * Numbers stay text, digit for digit: in front of strings stands a mark that numbers don't have. It is on names, too,
 * which so stay in their order: JavaScript puts those that are numbers first.
 */
function parse(json: string): Json {
  const marked = json.replace(token, (found) =>
    found.startsWith('"') ? `"\\${stringMark}${found.slice(1)}` : `"${found}"`,
  );
  return JSON.parse(marked) as Json;
}

function unparse(value: Json): string {
  if (typeof value === 'string') return value.startsWith(stringMark) ? JSON.stringify(value.slice(1)) : value;
  if (isScalar(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(unparse).join(',')}]`;
  return `{${Object.entries(value)
    .map(([name, member]) => `${unparse(name)}:${unparse(member)}`)
    .join(',')}}`;
}

type Scalar = string | boolean | null;
type Collection = Exclude<Json, Scalar>;

function isScalar(value: Json): value is Scalar {
  return value === null || typeof value !== 'object';
}

function isEmpty(value: Collection): boolean {
  return Object.keys(value).length === 0;
}

function emptyText(value: Collection): string {
  return Array.isArray(value) ? '[]' : '{}';
}

function lines(value: Collection, indent: string): string[] {
  if (Array.isArray(value)) return value.flatMap((element: Json) => elementLines(element, indent));
  return Object.entries(value).flatMap(([name, member]) => memberLines(name, member, indent));
}

function elementLines(element: Json, indent: string): string[] {
  if (isScalar(element)) return [`${indent}- ${scalar(element, `${indent}  `)}`.trimEnd()];
  if (isEmpty(element)) return [`${indent}- ${emptyText(element)}`];
  const [first = '', ...rest] = lines(element, `${indent}  `);
  return [`${indent}- ${first.slice(indent.length + 2)}`, ...rest];
}

function memberLines(name: string, member: Json, indent: string): string[] {
  const head = `${indent}${scalar(name, '')}:`;
  if (isScalar(member)) return [`${head} ${scalar(member, `${indent}  `)}`.trimEnd()];
  if (isEmpty(member)) return [`${head} ${emptyText(member)}`];
  // A list lies as far to the left as the name that it belongs to.
  return [head, ...lines(member, Array.isArray(member) ? indent : `${indent}  `)];
}

function scalar(value: Scalar, indent: string): string {
  if (value === null) return '';
  if (typeof value === 'boolean') return String(value);
  return value.startsWith(stringMark) ? text(value.slice(1), indent) : numberText(value);
}

function numberText(digits: string): string {
  if (!/[.eE]/.test(digits)) return digits === '-0' ? '0' : digits;
  const value = Number(digits);
  if (!Number.isFinite(value)) return value > 0 ? '.inf' : '-.inf';
  const shown = Math.abs(value) >= 1e16 ? value.toExponential() : String(value);
  if (!shown.includes('e')) return shown.includes('.') ? shown : `${shown}.0`;
  return shown.replace(/^(-?\d+)e/, '$1.0e').replace(/e([-+])(\d)$/, 'e$10$2');
}

/** What YAML would take for something else than a string. */
const otherThanString =
  /^(?:null|true|false|yes|no|on|off|[-+]?\d[\d_,]*|0[xob][\da-f_]+|[-+]?\d[\d_,]*\.[\d_]*(?:e[-+]?\d+)?|\d{4}-\d\d?-\d\d?(?:[Tt ].*)?|[-+]?\d+(?::[0-5]?\d)+)$/i;

function text(value: string, indent: string): string {
  if (value === '') return "''";
  if (/[^\n\P{Cc}]|[^\0-\uffff]/u.test(value)) return doubleQuoted(value);
  if (/\n(?!$)/.test(value) && indent !== '') return literal(value, indent);
  if (value.includes('\n') || /^[yn]$/.test(value)) return doubleQuoted(value);
  if (/^[^\p{L}\p{N}_][^"]*$/u.test(value)) return doubleQuoted(value);
  const isPlain = !otherThanString.test(value) && !/^["']|: |:$| #|^ | $/.test(value);
  return isPlain ? value : `'${value.replaceAll("'", "''")}'`;
}

function literal(value: string, indent: string): string {
  const chomping = value.endsWith('\n\n') ? '+' : value.endsWith('\n') ? '' : '-';
  const body = value.replace(/\n$/, '').split('\n');
  return [`|${chomping}`, ...body.map((line) => (line === '' ? '' : `${indent}${line}`))].join('\n');
}

function doubleQuoted(value: string): string {
  return JSON.stringify(value)
    .replace(/\\u00([0-9a-f]{2})/g, (_, hex: string) => `\\x${hex.toUpperCase()}`)
    .replace(/[^\0-\uffff]/gu, (character) => `\\U${hexOf(character).padStart(8, '0')}`);
}

function hexOf(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase();
}
