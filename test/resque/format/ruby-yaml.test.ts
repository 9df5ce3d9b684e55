/** Expected is what Ruby's Psych 4.0.3 was seen to write. */
import { describe, expect, test } from 'vitest';
import { rubyYaml, shownArguments } from '../../../src/resque/format/ruby-yaml.ts';

describe('a value as Ruby writes it', () => {
  test.each([
    ['"bob"', '--- bob\n'],
    ['""', "--- ''\n"],
    ['null', '---\n'],
    ['true', '--- true\n'],
    ['[]', '--- []\n'],
    ['{}', '--- {}\n'],
    ['12345678901234567890123', '--- 12345678901234567890123\n'],
    ['-0', '--- 0\n'],
    ['1.50', '--- 1.5\n'],
    ['1e3', '--- 1000.0\n'],
    ['1e20', '--- 1.0e+20\n'],
    ['1E-7', '--- 1.0e-07\n'],
    ['1e400', '--- .inf\n'],
    ['{"id":7,"a":[1,{"b":"x"}],"e":{},"f":[]}', '---\nid: 7\na:\n- 1\n- b: x\ne: {}\nf: []\n'],
    ['[[3],[[4]],null]', '---\n- - 3\n- - - 4\n-\n'],
    ['{"b":{"c":[{"d":"e\\nf"}]}}', '---\nb:\n  c:\n  - d: |-\n      e\n      f\n'],
    ['{"2":"y","1":{"x":null},"":4}', `---\n'2': "y"\n'1':\n  x:\n'': 4\n`],
  ])('%s', (json, yaml) => {
    expect(rubyYaml(json)).toBe(yaml);
  });

  test.each([
    ['true', "'true'"],
    ['007', "'007'"],
    ['1.5', "'1.5'"],
    ['2020-01-01', "'2020-01-01'"],
    ['12:30', "'12:30'"],
    ['yes', "'yes'"],
    ['n', '"n"'],
    ['~', '"~"'],
    ['- a', '"- a"'],
    [':sym', '":sym"'],
    [' x', '" x"'],
    ['x ', "'x '"],
    ['a: b', "'a: b'"],
    ['x #y', "'x #y'"],
    ['"q"', `'"q"'`],
    ["it's", "it's"],
    ['C::D', 'C::D'],
    ['user@x.org', 'user@x.org'],
    ['é', 'é'],
    ['a\tb', '"a\\tb"'],
    ['\u0001', '"\\x01"'],
    ['go 🚀', '"go \\U0001F680"'],
    ['two\nlines', '|-\n  two\n  lines'],
    ['two\nlines\n', '|\n  two\n  lines'],
  ])('the string %j', (value, yaml) => {
    expect(rubyYaml(JSON.stringify(value))).toBe(`--- ${yaml}\n`);
  });
});

describe('arguments', () => {
  test.each([
    ['["bob",3]', '--- bob\n\n--- 3\n'],
    ['{"a":1,"b":[2]}', '---\n- a\n- 1\n\n---\n- b\n- - 2\n'],
    ['"x"', '--- x\n'],
    ['null', ''],
    ['[]', ''],
    ['', ''],
    ['[ "1", 1 ]', "--- '1'\n\n--- 1\n"],
  ])('%s', (json, shown) => {
    expect(shownArguments(json)).toBe(shown);
  });

  test('may hold megabytes', () => {
    const text = 'x'.repeat(5_000_000);
    expect(shownArguments(JSON.stringify([text, `\\"${text}`]))).toHaveLength(2 * text.length + 13);
  });
});
