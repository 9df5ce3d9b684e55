import { describe, expect, test } from 'vitest';
import { delayedItem } from '../../../src/resque/delayed/delayed-item.ts';

const item = (payload: string, queue = 'q') => delayedItem(queue, Buffer.from(payload))?.toString() ?? null;

describe('a delayed job has the bytes that resque-scheduler writes', () => {
  test.each([
    ['its own', '{"class":"C","args":[1,"é",1.0]}', '{"class":"C","args":[1,"é",1.0],"queue":"q"}'],
    [
      "php-resque's, with escapes",
      '{"class":"C","args":[{"a\\/b":"\\u00e9\\t"}]}',
      '{"class":"C","args":[{"a/b":"é\\t"}],"queue":"q"}',
    ],
    [
      "pyres', with blanks",
      '{"class": "m.C", "args": [1, " a  b "], "queue": "other"}',
      '{"class":"m.C","args":[1," a  b "],"queue":"q"}',
    ],
    [
      'another order, and members that no scheduler keeps',
      '{"args":[[],{}],"id":"x","class":"C","retry":1}',
      '{"class":"C","args":[[],{}],"queue":"q"}',
    ],
    [
      'numbers that JavaScript rounds',
      '{"class":"C","args":[9007199254740993,1e400,-0.0]}',
      '{"class":"C","args":[9007199254740993,1e400,-0.0],"queue":"q"}',
    ],
  ])('from %s', (_, payload, expected) => {
    expect(item(payload)).toBe(expected);
  });

  test('with a queue that needs escapes', () => {
    expect(item('{"class":"C","args":[]}', 'a "b"\\ é')).toBe(
      '{"class":"C","args":[],"queue":"a \\"b\\"\\\\ é"}',
    );
  });
});

test.each([
  ['not JSON', 'no'],
  ['an array', '[]'],
  ['without a class', '{"args":[]}'],
  ['with an empty class', '{"class":"","args":[]}'],
  ['with a class that is not a string', '{"class":1,"args":[]}'],
  ['without args', '{"class":"C"}'],
  ['with args that are an object', '{"class":"C","args":{}}'],
])("a payload that is %s can't wait as a delayed job", (_, payload) => {
  expect(item(payload)).toBeNull();
});
