import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { argsTextLimit, type JobPayload, readPayload } from '../../../src/resque/format/payload.ts';
import { randomCases } from '../../helpers/random-cases.ts';
import { anyBytes, jsonObjects, nested, wrapper } from '../payloads.ts';
import { depthOf, loneSurrogatesOf } from './strict-json.ts';

function read(text: string): JobPayload {
  const payload = readPayload(Buffer.from(text));
  if (!payload.isObject) throw new Error(`${text.slice(0, 100)}: ${payload.reason}`);
  return payload;
}

describe('what is not a JSON object is described:', () => {
  test.each([
    ['nothing', '', 'empty'],
    ['text', 'hello', 'not JSON'],
    ['JSON that is cut off', '{"class":"A"', 'not JSON'],
    ['two objects', '{} {}', 'not JSON'],
    ['NaN', '{"a":NaN}', 'not JSON'],
    ['single quotes', "{'class':'A'}", 'not JSON'],
    ['a byte order mark', '\ufeff{}', 'not JSON'],
    ['an array', '[{"class":"A"}]', 'an array'],
    ['null', 'null', 'null'],
    ['a number', '42', 'a number'],
    ['a string', '"x"', 'a string'],
    ['a boolean', 'true', 'a boolean'],
  ])('%s', (_, text, reason) => {
    const bytes = Buffer.from(text);
    expect(readPayload(bytes)).toEqual({ isObject: false, bytes, original: bytes, statusName: '', reason });
  });
});

describe('class and args for people:', () => {
  test.each([
    ['as they are', '{"class":"Mail","args":[1,"a"]}', 'Mail', '[1,"a"]'],
    ['without any', '{}', null, ''],
    ['a class that is no string', '{"class":7,"args":null}', null, 'null'],
    ['args that are no array', '{"class":"A","args":{"a":1}}', 'A', '{"a":1}'],
    ['integers above 2^53', '{"class":"A","args":[9007199254740993]}', 'A', '[9007199254740993]'],
    ['the last of two', '{"class":"A","class":"B","args":[1],"args":[2]}', 'B', '[2]'],
    ['a lone surrogate', String.raw`{"class":"A\ud800","args":[]}`, 'A\ufffd', '[]'],
  ])('%s', (_, text, jobClass, argsText) => {
    expect(read(text)).toMatchObject({ jobClass, argsText });
  });

  test('long args are cut between characters', () => {
    const { argsText } = read(JSON.stringify({ class: 'A', args: ['😀'.repeat(argsTextLimit)] }));
    expect(argsText.length).toBeLessThanOrEqual(argsTextLimit);
    expect(argsText.endsWith('…')).toBe(true);
    expect(argsText.isWellFormed()).toBe(true);
  });
});

describe('the embedded text of a payload', () => {
  test.each([
    ['a plain job', '{"class":"A","args":[1,"ä€😀"]}'],
    ['white space', '{\n\t"class" : "A" }'],
    ['big integers', '{"class":"A","args":[9007199254740993,1e999]}'],
    ['duplicate members', '{"class":"A","class":"B"}'],
    ['a surrogate pair', String.raw`{"args":["\ud83d\ude00\uD83D\uDE00"]}`],
    ['a backslash before what looks like a surrogate', String.raw`{"args":["\\ud800"]}`],
    ['90 levels', nested(90)],
    ['brackets in strings', `{"args":["${'['.repeat(200)}"]}`],
    ['a wrapped job', `{"class":"${wrapper}","args":[{"job_class":"A"}]}`],
  ])('is its own text: %s', (_, text) => {
    expect(read(text)).toMatchObject({ embedded: text, isVerbatim: true });
  });

  test.each([
    ['one alone', String.raw`["\ud800"]`, String.raw`["\ufffd"]`],
    ['a low one', String.raw`["\uDFFF"]`, String.raw`["\ufffd"]`],
    ['two in the wrong order', String.raw`["\udc00\ud800"]`, String.raw`["\ufffd\ufffd"]`],
    ['one before a pair', String.raw`["\ud800\ud83d\ude00"]`, String.raw`["\ufffd\ud83d\ude00"]`],
    ['one behind an escaped backslash', String.raw`["\\\ud800"]`, String.raw`["\\\ufffd"]`],
    ['one next to text like one', String.raw`["\\ud800\ud800"]`, String.raw`["\\ud800\ufffd"]`],
    ['one in a name', String.raw`{"\ud800":1}`, String.raw`{"\ufffd":1}`],
  ])('has lone surrogates replaced: %s', (_, args, safe) => {
    const payload = read(`{"args":${args}}`);
    expect(payload).toMatchObject({ embedded: `{"args":${safe}}`, isVerbatim: false });
  });

  test('has bytes that are not UTF-8 replaced', () => {
    const payload = readPayload(Buffer.from('{"args":["\xe9"]}', 'latin1'));
    expect(payload).toMatchObject({ embedded: '{"args":["\ufffd"]}', isVerbatim: false });
  });

  test('keeps the class of a payload that is nested too deeply', () => {
    const payload = read(nested(91));
    expect(payload.isVerbatim).toBe(false);
    expect(JSON.parse(payload.embedded)).toMatchObject({ class: 'Deep', args: [expect.any(String)] });
  });

  test.each(['', ',"args":[]', ',"args":[1]', ',"args":[null]', ',"args":[[1]]', ',"args":{"0":{}}'])(
    'is no ActiveJob wrapper without a job: %s',
    (args) => {
      const payload = read(`{"class":"${wrapper}"${args}}`);
      expect(payload.isVerbatim).toBe(false);
      expect((JSON.parse(payload.embedded) as { class: string }).class).not.toBe(wrapper);
    },
  );

  // A payload of a few kilobytes once overflowed the stack where its args were written out again.
  test.each([1_000, 10_000, 200_000])('can be told of a payload %i levels deep', (depth) => {
    const { embedded, argsText } = read(nested(depth));
    expect(depthOf(embedded)).toBeLessThanOrEqual(90);
    expect(argsText.length).toBeLessThanOrEqual(argsTextLimit);
  });

  test('is the harmless JSON of an object, whatever the payload', () => {
    fc.assert(
      fc.property(fc.oneof(jsonObjects, anyBytes), (bytes) => {
        const payload = readPayload(bytes);
        expect(payload.bytes).toBe(bytes);
        if (!payload.isObject) return;
        const value: unknown = JSON.parse(payload.embedded);
        expect(typeof value === 'object' && value !== null && !Array.isArray(value)).toBe(true);
        expect(loneSurrogatesOf(payload.embedded)).toEqual([]);
        expect(depthOf(payload.embedded)).toBeLessThanOrEqual(90);
        if (payload.isVerbatim) expect(Buffer.from(payload.embedded).equals(bytes)).toBe(true);
      }),
      { numRuns: randomCases(2_000) },
    );
  });

  test('is the payload as JavaScript reads it, if that is harmless', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 6 })), (object) => {
        const text = JSON.stringify(object);
        expect(read(text)).toMatchObject({ embedded: text, isVerbatim: true });
      }),
    );
  });
});
