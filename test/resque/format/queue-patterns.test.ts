import { describe, expect, test } from 'vitest';
import { queueList } from '../../../src/resque/format/queue-patterns.ts';

/** What a list comes to, without the names that stand for queues called like the pattern itself. */
function expand(text: string, known: readonly string[]): readonly string[] {
  return queueList(text)
    .expand(known)
    .filter((name) => known.includes(name) || !/[*?[]/.test(name));
}

describe('a list without patterns', () => {
  test('means its names in order, whether they exist or not', () => {
    expect(expand('low,high', ['high', 'other'])).toEqual(['low', 'high']);
    expect(queueList('low,high').isDynamic).toBe(false);
  });

  test('loses white space around its names, empty ones and duplicates', () => {
    expect(expand(' a , b,,a', [])).toEqual(['a', 'b']);
  });

  test('takes a single name literally', () => {
    expect(expand(' a b ', [])).toEqual([' a b ']);
  });

  test.each(['{a,b}', '{a}', 'mail:eu/1', 'a.b', '.a', 'ä😀', 'a\\b', '(x|y)', 'a+', '^a$'])(
    'may name %s',
    (name) => {
      if (!name.includes(',')) expect(queueList(name).expand(['a', 'b'])).toEqual([name]);
      else expect(queueList(name).expand(['a', 'b'])).not.toContain('a');
    },
  );
});

describe('a pattern', () => {
  test('expands in place to the sorted matching names, each once', () => {
    expect(expand('high,*,low', ['mid', 'low', 'high', 'alpha'])).toEqual(['high', 'alpha', 'low', 'mid']);
    expect(expand('high,*,low', ['high', 'low', 'mid'])).toEqual(['high', 'low', 'mid']);
    expect(expand('z*,a*', ['ab', 'aa', 'zz'])).toEqual(['zz', 'aa', 'ab']);
  });

  test.each<[string, readonly string[], readonly string[]]>([
    ['*', ['a', '.a', 'a/b', 'a:b', 'ä', 'a\nb'], ['a', 'a/b', 'a:b', 'ä', 'a\nb']],
    ['mail_*', ['mail_', 'mail_a', 'mail_.a', 'mail', 'xmail_a', 'Mail_a'], ['mail_', 'mail_a', 'mail_.a']],
    ['*_eu', ['a_eu', '.a_eu', '_eu', 'a_EU', 'a_eu2'], ['_eu', 'a_eu']],
    ['a*b*c', ['abc', 'aXbYc', 'acb', 'ab/c'], ['aXbYc', 'ab/c', 'abc']],
    ['.*', ['.a', 'a', '..'], ['.a', '..']],
    ['?', ['a', '.', 'ab', 'ä'], ['a', 'ä']],
    ['?', ['😀', 'ab'], ['😀']],
    ['a?', ['ab', 'a.', 'a', 'abc'], ['ab', 'a.']],
    ['[ab]x', ['ax', 'bx', 'cx', 'x'], ['ax', 'bx']],
    ['[a-c]1', ['a1', 'c1', 'd1', '-1'], ['a1', 'c1']],
    ['[^a]x', ['ax', 'bx'], ['bx']],
    ['[!a]x', ['ax', 'bx'], ['bx']],
    ['{a}*', ['a', 'ab', '{a}1'], ['{a}1']],
    ['a.b*', ['a.b1', 'axb1'], ['a.b1']],
    ['a+(b)*', ['a+(b)c', 'aab'], ['a+(b)c']],
    ['\\*a*', ['*ab', 'xab'], ['*ab']],
  ])('%s matches as fnmatch does, among %j', (pattern, known, matching) => {
    expect([...expand(pattern, known)].sort()).toEqual([...matching].sort());
  });

  // In fnmatch a leading dot is matched by a literal dot alone.
  test.each(['[.]a', '[^x]a', '[!x]a', '?a', '*a'])(
    '%s does not match a name that starts with a dot',
    (pattern) => {
      expect(expand(pattern, ['.a'])).toEqual([]);
    },
  );

  test.each(['[z-a]', '[', 'a[', '[]', '[!]', '[^', '[\\', '***', '[a-]', '\\'])(
    '%s never throws',
    (pattern) => {
      expect(() => queueList(`${pattern},!${pattern}`).expand(['a', 'b', pattern])).not.toThrow();
    },
  );

  test('also means the queue with exactly that name, even if it is unknown', () => {
    expect(queueList('mail_*').expand([])).toEqual(['mail_*']);
    expect(queueList('a,mail_*').expand(['mail_b', 'mail_*'])).toEqual(['a', 'mail_*', 'mail_b']);
  });

  test('depends on the existing queues', () => {
    const list = queueList('*');
    expect(list.isDynamic).toBe(true);
    expect(list.expand(['a'])).toEqual(['a']);
    expect(list.expand(['b', 'a'])).toEqual(['a', 'b']);
    expect(list.expand([])).toEqual([]);
  });
});

describe('a negation', () => {
  test('removes names, at any position', () => {
    expect(expand('*,!low', ['low', 'mid'])).toEqual(['mid']);
    expect(expand('!low,*', ['low', 'mid'])).toEqual(['mid']);
  });

  test('may be a pattern', () => {
    expect(expand('*,!test_*', ['test_a', 'test_b', 'a_test_'])).toEqual(['a_test_']);
  });

  test('adds nothing', () => {
    expect(expand('a,!b', ['b', 'c'])).toEqual(['a']);
  });
});
