import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  failureFields,
  isEmptyFilter,
  parseFailureFilter,
  parseFilter,
  parseWords,
  textMatcher,
} from '../../src/store/filter-language.ts';

const empty = { queue: null, jobClass: null, exception: null, exit: null, text: null };

describe('a filter of failures', () => {
  test.each([
    ['', {}],
    ['   ', {}],
    ['queue:mail', { queue: 'mail' }],
    ['queue:mail_*', { queue: 'mail_*' }],
    ['class:Send', { jobClass: 'Send' }],
    ['class:Acme::Send', { jobClass: 'Acme::Send' }],
    ['exception:Timeout', { exception: 'Timeout' }],
    ['exit:137', { exit: '137' }],
    ['exit:SIGKILL', { exit: 'SIGKILL' }],
    ['older:30d', { olderThan: '30d' }],
    ['older:', {}],
    ['card declined', { text: 'card declined' }],
    ['queue:mail class:Send card', { queue: 'mail', jobClass: 'Send', text: 'card' }],
    ['card queue:mail declined', { queue: 'mail', text: 'card declined' }],
    ['queue:"two words" x', { queue: 'two words', text: 'x' }],
    ['queue:"never closed', { queue: 'never closed' }],
    ['queue:a queue:b', { queue: 'b' }],
    ['error:x', { text: 'error:x' }],
    ['http://host:80/', { text: 'http://host:80/' }],
    ['Queue:mail', { text: 'Queue:mail' }],
    ['constructor:x toString:', { text: 'constructor:x toString:' }],
    ['queue:', {}],
    ['queue: mail', { text: 'mail' }],
    [':', { text: ':' }],
    ['!spam', { without: ['spam'] }],
    ['!', {}],
    [
      'card !spam !"two words" class:Send',
      { jobClass: 'Send', text: 'card', without: ['spam', 'two words'] },
    ],
    ['!"never closed', { without: ['never closed'] }],
    ['a!b', { text: 'a!b' }],
  ])('%s', (typed, wanted) => {
    expect(parseFailureFilter(typed)).toEqual({ ...empty, ...wanted });
  });

  const pieces = fc.array(fc.constantFrom(' ', ':', '"', 'queue', 'exit', '\n', '\u0000', '\ud800', 'é'));

  test('is made of whatever was typed, and loses no word of it', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'mail*', 'é', '漢字', '137', '"', 'x:y', '-')), (words) => {
        const { text } = parseFailureFilter(words.join('  '));
        expect(text ?? '').toBe(words.join(' '));
      }),
    );
    fc.assert(
      fc.property(pieces, (typed) => {
        expect(Object.keys(parseFailureFilter(typed.join('')))).toEqual(Object.keys(empty));
      }),
    );
  });

  test('names the words that look like other fields, and the fields that are excluded', () => {
    const parsed = parseFilter('clas:Send http://x !queue:mail !time:12 queue:a', failureFields);
    expect(parsed).toMatchObject({ unknownFields: ['clas', 'http'], excludedFields: ['!queue:mail'] });
    expect(parsed.text).toBe('clas:Send http://x');
  });

  test('of a list without fields has words only', () => {
    const isMatch = textMatcher(parseFilter('queue:mail Paused !low', []));
    expect(['queue:mail paused', 'queue:mail paused, low', 'paused'].map(isMatch)).toEqual([
      true,
      false,
      false,
    ]);
  });

  test('is empty where it holds for everything', () => {
    expect(['', ' ', 'queue:'].map((typed) => isEmptyFilter(parseFailureFilter(typed)))).toEqual([
      true,
      true,
      true,
    ]);
    expect(['x', 'exit:0'].map((typed) => isEmptyFilter(parseFailureFilter(typed)))).toEqual([false, false]);
  });
});

test.each([
  ['', { text: '' }],
  ['two  words', { text: 'two  words' }],
  ['queue:mail "x"', { text: 'queue:mail "x"' }],
  ['send !bob !"card declined"', { text: 'send', without: ['bob', 'card declined'] }],
  ['!bob', { text: '', without: ['bob'] }],
  ['send !', { text: 'send' }],
])('the words "%s" of a list without fields are asked for as %j', (typed, words) => {
  expect(parseWords(typed)).toEqual(words);
});
