import { expect, test } from 'vitest';
import { configOf, fileWith, problemsOf } from './helpers.ts';

test.each([
  ['', 'cfg.json: the file is empty; write one with: resque-runner init --force'],
  [' \n', 'cfg.json: the file is empty; write one with: resque-runner init --force'],
  ['\uFEFF', 'cfg.json: the file is empty; write one with: resque-runner init --force'],
  ['[]', 'cfg.json: the top level must be an object such as { "runners": { … } }, got an array'],
  ['null', 'cfg.json: the top level must be an object such as { "runners": { … } }, got null'],
  ['5', 'cfg.json: the top level must be an object such as { "runners": { … } }, got a number'],
  ['{\n\n  "runners": 1 "script": 2 }', 'cfg.json:3:16: expected a comma or closing brace'],
  ['{"a":1\r\n"b":2}', 'cfg.json:2:1: expected a comma or closing brace'],
  ['{"a":[1 2]}', 'cfg.json:1:9: expected a comma or closing bracket'],
  ['{"a":1]', 'cfg.json:1:7: expected a comma or closing brace'],
  ['{"a":1', 'cfg.json:1:7: unexpected end of the text; expected a comma or closing brace'],
  ['{"a":[1', 'cfg.json:1:8: unexpected end of the text; expected a comma or closing bracket'],
  ['{"a":', 'cfg.json:1:6: unexpected end of the text; expected a value'],
  ['{"a"', 'cfg.json:1:5: unexpected end of the text; expected a colon after the key'],
  ['{', 'cfg.json:1:2: unexpected end of the text; expected a key in double quotes or closing brace'],
  ['{"a":[', 'cfg.json:1:7: unexpected end of the text; expected a value or closing bracket'],
  ['{"a" 1}', 'cfg.json:1:6: expected a colon after the key'],
  ['{"a":}', 'cfg.json:1:6: expected a value'],
  ['{,}', 'cfg.json:1:2: expected a key in double quotes'],
  ['{"a":1,,}', 'cfg.json:1:8: expected a key in double quotes'],
  ['{"a":[,]}', 'cfg.json:1:7: expected a value'],
  ['{"a":,}', 'cfg.json:1:6: expected a value'],
  ['{"a":1,,"b":2}', 'cfg.json:1:8: expected a key in double quotes'],
  ['[1,,2]', 'cfg.json:1:4: expected a value'],
  ['// hi', 'cfg.json: the file is empty; write one with: resque-runner init --force'],
  ['{ /* a\n b */ "a" 1 }', 'cfg.json:2:11: expected a colon after the key'],
  ['{"a":1, // hi\r\n /* */ ] }', 'cfg.json:2:8: expected a comma or closing brace'],
  ['{"a":1/**/2}', 'cfg.json:1:11: expected a comma or closing brace'],
  ['{}\n/* hi', 'cfg.json:2:1: a comment has no end; close it with "*/"'],
  ['{} /* hi /', 'cfg.json:1:4: a comment has no end; close it with "*/"'],
  ['{"a":1 / 2}', 'cfg.json:1:8: an unexpected character'],
  ['{"a":1 # hi\n}', 'cfg.json:1:8: an unexpected character'],
  ["{'a':1}", 'cfg.json:1:2: strings need double quotes, not single quotes'],
  ['{a:1}', 'cfg.json:1:2: an unquoted word; only true, false and null have no quotes'],
  ['{"a":True}', 'cfg.json:1:6: an unquoted word; only true, false and null have no quotes'],
  ['{"a":NaN}', 'cfg.json:1:6: an unquoted word; only true, false and null have no quotes'],
  ['{"a":.5}', 'cfg.json:1:6: this is not a valid JSON number'],
  ['{"a":+5}', 'cfg.json:1:6: this is not a valid JSON number'],
  ['{"a":5.}', 'cfg.json:1:6: a number is incomplete'],
  ['{"a":05}', 'cfg.json:1:7: a number has a leading zero'],
  ['{"a":1;"b":2}', 'cfg.json:1:7: an unexpected character'],
  ['{"a":"x\n"}', 'cfg.json:1:6: a string has no closing double quote on its line'],
  [
    '{"a":"\t"}',
    'cfg.json:1:6: a string has a control character; write it as an escape such as "\\n" or "\\t"',
  ],
  ['{"a":"\\x"}', 'cfg.json:1:6: a string has an unknown escape; write a backslash as "\\\\"'],
  ['{"a":"\\u12"}', 'cfg.json:1:6: a string has a "\\u" without four hex digits'],
  ['{} {}', 'cfg.json:1:4: expected nothing after the end of the object'],
  ['\uFEFF{"a" 1}', 'cfg.json:1:6: expected a colon after the key'],
])('%j gives: %s', (text, problem) => {
  expect(problemsOf(text)).toEqual([problem]);
});

test.each([
  '// first\n{"runners":{"mail":1},"script":"/bin/job"}// last',
  '\uFEFF/**/{/**/"runners"/* : */:/**/{"mail":1/*,*/}//,\n,"script":"/bin/job"}\r\n/***/',
  '{"runners":{"mail":1,},"script":"/bin/job", // the last one\n /* of all */\t}',
])('comments and trailing commas can be anywhere between values: %j', (text) => {
  expect(configOf(text)).toEqual(configOf(fileWith()));
});

test('what looks like a comment or a trailing comma in a string stays', () => {
  const words = ['//a', '/*', '*/', ',]', 'http://x/*,}', '\\"//', "'/*"];
  const text = fileWith({ args: words }).replace('{', '{ // "\n /* " */');
  expect(configOf(text).runners[0]?.args).toEqual(words);
});

test('a key given twice is reported with both places, at any depth', () => {
  const text = fileWith().replace('{', '{\n"redis": {"db": 1,\n  "db": 2},');
  expect(problemsOf(text)).toEqual(['redis.db: given twice, at 2:11 and at 3:3']);
});

test.each(['[', '{"a":'])('brackets %j nested without end are refused', (opening) => {
  expect(problemsOf(opening.repeat(200_000))).toEqual([
    expect.stringMatching(/^cfg\.json:1:\d+: brackets are nested more than 100 levels deep$/),
  ]);
});
