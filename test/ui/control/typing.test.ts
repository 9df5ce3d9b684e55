import { expect, test } from 'vitest';
import type { TypedLine } from '../../../src/store/view.ts';
import { recalled, remember } from '../../../src/ui/control/typing.ts';

test('earlier lines come back, the newest first, and then what was typed', () => {
  const history = ['one', 'two'];
  let line: TypedLine = { text: 'thr' };
  const walk = (step: 1 | -1) => {
    line = recalled(line, history, step) ?? line;
    return line.text;
  };
  expect([walk(1), walk(1), walk(1)]).toEqual(['two', 'one', 'one']);
  expect([walk(-1), walk(-1), walk(-1)]).toEqual(['two', 'thr', 'thr']);
});

test('each line is kept once, fifty of them, and no empty one', () => {
  expect(remember(['a', 'b'], ' a ')).toEqual(['b', 'a']);
  expect(remember(['a'], '  ')).toEqual(['a']);
  let lines: readonly string[] = [];
  for (let at = 0; at < 60; at += 1) lines = remember(lines, String(at));
  expect(lines).toHaveLength(50);
  expect(lines.at(-1)).toBe('59');
});
