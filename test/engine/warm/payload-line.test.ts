/** Payloads as lines: only the white space between their tokens may change. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { payloadLine } from '../../../src/engine/warm/stdin-delivery.ts';
import { randomCases } from '../../helpers/random-cases.ts';

const lineOf = (text: string | Buffer) => payloadLine(Buffer.from(text));
const textOf = (text: string) => lineOf(text).toString('utf8');

/** White space as JSON has it. */
const space = fc.string({ unit: fc.constantFrom(' ', '\n', '\r', '\t'), maxLength: 4 });
/** The content of a JSON string: escapes, and characters that need none. */
const inString = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\\"',
        '\\\\',
        '\\/',
        '\\b',
        '\\n',
        '\\r',
        '\\t',
        '\\ud83d\\ude80',
        '\\ud800',
        '\\u0000',
      ),
      fc.constantFrom(' ', '  ', '{', '}', ',', ':', '[1, 2]', '\u2028', '\u2029', '\u0085', 'ä', '🚀'),
      fc.string({ unit: 'grapheme-ascii', maxLength: 8 }).map((text) => text.replace(/["\\]/g, '')),
    ),
    { maxLength: 8 },
  )
  .map((parts) => `"${parts.join('')}"`);
const number = fc.constantFrom(
  '0',
  '-0',
  '1.0',
  '1e3',
  '-1E-7',
  '9007199254740993',
  '12345678901234567890123',
);

/** The tokens of a JSON text, in order. */
const tokens: fc.Arbitrary<string[]> = fc.letrec<{ value: string[] }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(inString, number, fc.constantFrom('true', 'false', 'null')).map((token) => [token]),
    fc.array(tie('value'), { maxLength: 4 }).map((items) => ['[', ...separated(items), ']']),
    fc
      .array(fc.tuple(inString, tie('value')), { maxLength: 4 })
      .map((members) => ['{', ...separated(members.map(([key, value]) => [key, ':', ...value])), '}']),
  ),
})).value;

function separated(items: readonly string[][]): string[] {
  return items.flatMap((item, at) => (at === 0 ? item : [',', ...item]));
}

test('a payload of any tokens and white space becomes a line of the same tokens', () => {
  const text = tokens.chain((list) =>
    fc
      .array(space, { minLength: list.length + 1, maxLength: list.length + 1 })
      .map((spaces) => [list, spaces.map((gap, at) => gap + (list[at] ?? '')).join('')] as const),
  );
  fc.assert(
    fc.property(text, ([list, spaced]) => {
      const line = textOf(spaced);
      expect(line).toBe(`${list.join('')}\n`);
      expect(JSON.parse(line)).toEqual(JSON.parse(spaced));
    }),
    { numRuns: randomCases(1_000) },
  );
});

test('any JSON value is read back from its line, however it was indented', () => {
  const unit = fc.constantFrom('grapheme', 'binary') as fc.Arbitrary<'grapheme' | 'binary'>;
  const value = unit.chain((stringUnit) => fc.dictionary(fc.string(), fc.jsonValue({ stringUnit })));
  fc.assert(
    fc.property(value, fc.constantFrom(undefined, 0, 1, 2, '\t', ' \n\r\t'), (payload, indent) => {
      const line = textOf(JSON.stringify(payload, null, indent));
      expect(line.indexOf('\n')).toBe(line.length - 1);
      expect(line.trimEnd()).toBe(JSON.stringify(payload));
    }),
    { numRuns: randomCases(500) },
  );
});

test('bytes in strings that are not UTF-8 stay unchanged', () => {
  const bytes = fc
    .uint8Array()
    .map((array) => Buffer.from(array).filter((byte) => byte > 0x22 && byte !== 0x5c));
  fc.assert(
    fc.property(bytes, space, (inside, gap) => {
      const content = Buffer.from(inside);
      const payload = Buffer.concat([Buffer.from(`{${gap}"a":${gap}"`), content, Buffer.from(`"${gap}}`)]);
      expect(lineOf(payload)).toEqual(Buffer.concat([Buffer.from('{"a":"'), content, Buffer.from('"}\n')]));
    }),
  );
});

test.each([
  ['{"class":"A","args":[1]}', '{"class":"A","args":[1]}'],
  [' {\n\t"class" : "A" ,\r\n "args":[ 1,2 ] }\n', '{"class":"A","args":[1,2]}'],
  ['{"a b":"c  d"}', '{"a b":"c  d"}'],
  ['{ "quoted": "say \\" { } \\\\" , "next": " x " }', '{"quoted":"say \\" { } \\\\","next":" x "}'],
  ['{ "n": 9007199254740993 }', '{"n":9007199254740993}'],
  ['{ "twice": 1, "twice": 2 }', '{"twice":1,"twice":2}'],
  ['{"lines":"\\n\\r\\u2028"}', '{"lines":"\\n\\r\\u2028"}'],
])('%j becomes %j', (text, line) => {
  expect(textOf(text)).toBe(`${line}\n`);
});

test('the payload itself stays unchanged, and shares no memory with the line', () => {
  for (const text of ['{"a":1}', '{ "a": 1 }']) {
    const payload = Buffer.from(text);
    payloadLine(payload).fill(0);
    expect(payload.toString()).toBe(text);
  }
});
