/**
 * Keys of plugins, byte for byte. The expected ones came from the plugins themselves, or from their expressions in Ruby
 * 3.1: `Digest::MD5.hexdigest(JSON.generate(…))`, `args.to_s`, `args.join('-')`.
 */
import { describe, expect, test } from 'vitest';
import {
  keyPrefixesOf,
  keysToDelete,
  type Moment,
  type Plugin,
  queueLockOf,
} from '../../../src/resque/format/plugin-keys.ts';

const all: Moment[] = ['taken', 'ended', 'over'];

function keys(plugin: Plugin, payload: string, moments = all): string[] {
  return keysToDelete(Buffer.from(payload), 'mail', [plugin], moments)
    .split('\0')
    .filter((key) => key !== '');
}

describe('resque-loner', () => {
  test.each([
    ['{"class":"UJob","args":[1,"é"]}', 'e3c460160d6e5d5e3245a5ba15bf8298'],
    ['{ "args": [1, "\\u00e9"], "class": "UJob", "id": 7 }', 'e3c460160d6e5d5e3245a5ba15bf8298'],
    [
      '{"class":"C","args":[{"b":1.0,"a":{"z":1,"y":[null]},"é":2},"x\\/y"]}',
      '0fa198d296178a6629ea615f2b5265a7',
    ],
    ['{"class":"A B","args":[]}', '30df35783133238fa8cf93034613b985'],
    ['{"class":"C","args":[[1,["a",[]]],null,""]}', 'ce85219714a912923c1fa632ea2f9ab1'],
  ])('%s', (payload, md5) => {
    expect(keys('loner', payload)).toEqual([`loners:queue:mail:job:${md5}`]);
  });
});

describe('resque-lock', () => {
  test.each([
    ['[1, "x"]', ['[1, "x"]']],
    ['[]', ['[]']],
    ['[[1,["a",[]]],null,true,""]', ['[[1, ["a", []]], nil, true, ""]']],
    [
      '[1.0,1e3,-0,-0.0,1e-5,1e15,12345678901234567890]',
      ['[1.0, 1000.0, 0, -0.0, 1.0e-05, 1.0e+15, 12345678901234567890]'],
    ],
    [
      '["a\\nb\\t\\u0007\\u001b\\u0000\\"\\\\\\/#{x}#$y#@z#a"]',
      ['["a\\nb\\t\\a\\e\\u0000\\"\\\\/\\#{x}\\#$y\\#@z#a"]'],
    ],
    ['["é😀\\u2028"]', ['["é😀\\u2028"]', '["\\u00E9\\u{1F600}\\u2028"]']],
    [
      '[{"b":1,"10":{},"9":null,"b":2}]',
      ['[{"b"=>2, "10"=>{}, "9"=>nil}]', '[{"b" => 2, "10" => {}, "9" => nil}]'],
    ],
  ])('%s', (args, texts) => {
    expect(keys('resque-lock', `{"class":"C","args":${args}}`)).toEqual(
      texts.map((text) => `lock:C-${text}`),
    );
  });
});

describe("node-resque's QueueLock", () => {
  test.each([
    ['[1, "x"]', '[1,"x"]'],
    ['[1.0,1e3,"\\u00e9\\/"]', '[1,1000,"é/"]'],
    ['[{"b":1,"a":2}]', '[{"b":1,"a":2}]'],
  ])('%s', (args, text) => {
    const payload = `{"class":"C","queue":"mail","args":${args}}`;
    expect(keys('node', payload)).toEqual([`lock:C:mail:${text}`]);
    expect(queueLockOf(Buffer.from(payload), 'mail')).toBe(`lock:C:mail:${text}`);
  });

  test('an integer that JavaScript rounds has its own lock, and both may exist', () => {
    const payload = '{"class":"C","args":[9007199254740993]}';
    expect(queueLockOf(Buffer.from(payload), 'mail')).toBe('lock:C:mail:[9007199254740993]');
    expect(keys('node', payload)).toEqual([
      'lock:C:mail:[9007199254740993]',
      'lock:C:mail:[9007199254740992]',
    ]);
  });
});

describe('resque-retry', () => {
  test.each([
    ['{"class":"UJob","args":[1,"é"]}', ['UJob:7f8aae1dfd09310ed57c7d244b935b0a7726bd44']],
    ['{"class":"A B","args":[]}', ['AB']],
    ['{"class":"C","args":[null]}', ['C']],
    ['{"class":"C","args":[[1,["a",[]]],null,""]}', ['C:bc1f24188c064c829325b589cf9c8a56edbdec9d']],
    [
      '{"class":"X","args":["a b",{"k":1}]}',
      ['X:6e032d2660fbadb74f101e25e0d03f69d5164976', expect.any(String)],
    ],
  ])('%s', (payload, names) => {
    const found = keys('resque-retry', payload);
    const counters = found.filter((key) => !key.startsWith('failure-'));
    expect(counters.map((key) => key.replace('resque-retry:', ''))).toEqual(names);
    expect(found).toEqual(counters.flatMap((key) => [key, `failure-${key}`]));
  });
});

test.each([
  ['no class', '{"args":[1]}'],
  ['args that are not an array', '{"class":"C","args":{"a":1}}'],
  ['too deep args', `{"class":"C","args":${'['.repeat(5_000)}${']'.repeat(5_000)}}`],
])('a payload with %s has no keys', (_, payload) => {
  for (const plugin of ['loner', 'resque-lock', 'node', 'resque-retry'] as const)
    expect(keys(plugin, payload)).toEqual([]);
});

test('each plugin deletes its keys at its moment', () => {
  const payload = '{"class":"C","args":[]}';
  const at = (moment: Moment) =>
    (['loner', 'node', 'resque-lock', 'resque-retry'] as const).filter(
      (plugin) => keys(plugin, payload, [moment]).length > 0,
    );
  expect(all.map(at)).toEqual([['loner', 'node'], ['resque-lock'], ['resque-retry']]);
});

test('a class with a NUL has no key: the scripts could not tell it from two', () => {
  expect(keys('resque-lock', '{"class":"a\\u0000b","args":[]}')).toEqual([]);
});

test('the prefixes of all keys are known', () => {
  expect(keyPrefixesOf(['loner', 'node', 'resque-lock'])).toEqual(['loners:queue:', 'lock:']);
});
