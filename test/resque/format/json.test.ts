import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memberSpans } from '../../../src/resque/format/json.ts';
import { randomCases } from '../../helpers/random-cases.ts';

/** The text of each member's value. */
function valuesOf(json: string): Record<string, string> {
  const bytes = Buffer.from(json);
  return Object.fromEntries(
    [...memberSpans(bytes)].map(([key, { start, end }]) => [key, bytes.toString('utf8', start, end)]),
  );
}

describe('the span of a member holds', () => {
  test.each([
    ['a number', '{"a":12}', { a: '12' }],
    ['an integer above 2^53, digit for digit', '{"a":9007199254740993}', { a: '9007199254740993' }],
    ['a string with quotes in it', String.raw`{"a":"x\"},\"b\":1"}`, { a: String.raw`"x\"},\"b\":1"` }],
    ['a string that ends in a backslash', String.raw`{"a":"\\","b":1}`, { a: String.raw`"\\"`, b: '1' }],
    ['an object with the same name inside', '{"a":{"a":1,"b":2},"b":3}', { a: '{"a":1,"b":2}', b: '3' }],
    [
      'an array with everything in it',
      '{"a":[1,{"b":[]},"]"],"c":null}',
      { a: '[1,{"b":[]},"]"]', c: 'null' },
    ],
    ['no space around the value', ' {\n"a" :\t1 ,\r\n "b": [ 1 , 2 ] } ', { a: '1', b: '[ 1 , 2 ]' }],
    ['a value whose name is escaped', String.raw`{"\u0061\n":true}`, { 'a\n': 'true' }],
    ['a value without a name', '{"":"x"}', { '': '"x"' }],
    ['characters of several bytes', '{"ä€":"😀","b":1}', { 'ä€': '"😀"', b: '1' }],
    ['the last of two with one name', '{"a":1,"b":2,"a":[3]}', { a: '[3]', b: '2' }],
    ['elements of an array', '["a", [1,2],{"b":3} ]', { 0: '"a"', 1: '[1,2]', 2: '{"b":3}' }],
    ['empty values', '{"a":{},"b":[],"c":""}', { a: '{}', b: '[]', c: '""' }],
  ])('%s', (_, json, values) => {
    expect(valuesOf(json)).toEqual(values);
  });

  test('nothing if the object is empty', () => {
    expect(memberSpans(Buffer.from(' { } ')).size).toBe(0);
  });

  test('bytes that are not UTF-8, unchanged', () => {
    const json = Buffer.from('{"a":"\xff","b":1}', 'latin1');
    const span = memberSpans(json).get('a');
    expect(json.subarray(span?.start, span?.end).equals(Buffer.from('"\xff"', 'latin1'))).toBe(true);
  });
});

test('every member of any object is at its span', () => {
  const indent = fc.constantFrom(undefined, 1, '\t', '\n\r ');
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), indent, (object, space) => {
      const json = Buffer.from(JSON.stringify(object, null, space));
      const parsed = JSON.parse(json.toString()) as Record<string, unknown>;
      const spans = memberSpans(json);
      expect([...spans.keys()].sort()).toEqual(Object.keys(parsed).sort());
      for (const [key, { start, end }] of spans) {
        const text = json.toString('utf8', start, end);
        expect(text).toBe(text.trim());
        expect(JSON.parse(text)).toEqual(parsed[key]);
      }
    }),
    { numRuns: randomCases(150) },
  );
});
