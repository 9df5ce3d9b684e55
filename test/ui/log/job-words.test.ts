import { describe, expect, test } from 'vitest';
import type { RunningJob } from '../../../src/protocol/snapshot.ts';
import { stuckText, timeLeft, unfoldedArgs } from '../../../src/ui/log/job-words.ts';
import { job, startMs } from '../../store/sample-events.ts';

const limited: RunningJob = {
  ...job('1', { startedAtMs: startMs, timeoutSeconds: 100 }),
  lastLine: null,
  killed: null,
};

test('the time that is left counts down, in yellow for the last tenth, and never below zero', () => {
  const at = (seconds: number) => {
    const shown = timeLeft(limited, startMs + seconds * 1_000);
    return [shown?.text, shown?.style.color];
  };
  expect(at(0)).toEqual(['01:40', undefined]);
  expect(at(0.5)).toEqual(['01:40', undefined]);
  expect(at(90)).toEqual(['00:10', undefined]);
  expect(at(90.5)).toEqual(['00:10', 'yellow']);
  expect(at(99.9)).toEqual(['00:01', 'yellow']);
  expect(at(1_000)).toEqual(['00:00', 'yellow']);
  const { timeoutSeconds: _, ...unlimited } = limited;
  expect(timeLeft(unlimited, startMs)).toBeNull();
});

test('a stuck job says for how long, and what is usual', () => {
  expect(stuckText({ silentMs: 12 * 60_000, p95Ms: 40_000 })).toBe(
    'silent for 12 min, 95 % took 40.0 s or less',
  );
});

describe('unfolded arguments', () => {
  test.each([
    ['scalars', '[1,"a, b",null]', ['[', '  1,', '  "a, b",', '  null', ']']],
    [
      'objects',
      '[{"a":{"b":[]},"c": {} }]',
      ['[', '  {', '    "a": {', '      "b": []', '    },', '    "c": {}', '  }', ']'],
    ],
    ['none', '[]', ['[]']],
    ['quotes in strings', String.raw`["a\"[,\\",1]`, ['[', String.raw`  "a\"[,\\",`, '  1', ']']],
    ['long numbers', '[12345678901234567890]', ['[', '  12345678901234567890', ']']],
    ['cut in a string', '["ab","c…', ['[', '  "ab",', '  "c…']],
    ['not JSON', 'what? [', ['what?[', '  ']],
  ])('%s', (_, args, lines) => {
    expect(unfoldedArgs(args, 40)).toEqual(lines);
  });

  test('are wrapped', () => {
    expect(unfoldedArgs(`["${'x'.repeat(12)}"]`, 8)).toEqual(['[', '  "xxxxx', 'xxxxxxx"', ']']);
  });

  test('stay small for deep values', () => {
    expect(unfoldedArgs('['.repeat(2_000), 80).join('\n').length).toBeLessThan(100_000);
  });
});
