import { expect, test } from 'vitest';
import { type AppState, createAppStore } from '../../../src/store/app-store.ts';
import { completedFilter, filterProblem } from '../../../src/ui/lists/completions.ts';
import { failureEntry, queueState } from '../states.ts';

function stateWith(): AppState {
  const state = createAppStore().getState();
  const entries = [
    { ...failureEntry(0, 'a'), queue: 'bills', jobClass: 'Acme::Send', exception: 'Timeout' },
    { ...failureEntry(1, 'b'), queue: 'mail', jobClass: 'two words', exception: 'Timeout' },
  ];
  return {
    ...state,
    model: { ...state.model, queues: [queueState('mail'), queueState('mail_low')] },
    failurePages: { ...state.failurePages, entries },
  };
}

test.each([
  ['', '', ['queue:', 'class:', 'exception:', 'exit:', 'older:']],
  ['q', 'queue:', []],
  ['ex', 'ex', ['exception:', 'exit:']],
  ['card cl', 'card class:', []],
  ['queue:', 'queue:', ['queue:bills', 'queue:mail', 'queue:mail_low']],
  ['queue:M', 'queue:mail', ['queue:mail', 'queue:mail_low']],
  ['queue:b', 'queue:bills ', []],
  ['class:t', 'class:"two words" ', []],
  ['exception:t', 'exception:Timeout ', []],
  ['older:3', 'older:30d ', []],
  ['queue:mail nothing', 'queue:mail nothing', []],
])('Tab after "%s" makes it "%s"', (line, text, choices) => {
  expect(completedFilter(line, 'failures', stateWith())).toEqual({ text, choices });
});

test('jobs have fields of their own, and other lists none', () => {
  expect(completedFilter('outcome:f', 'jobs', stateWith())).toEqual({ text: 'outcome:failed ', choices: [] });
  expect(completedFilter('outcome:r', 'jobs', stateWith()).choices).toEqual([
    'outcome:running',
    'outcome:requeued',
    'outcome:retried',
  ]);
  expect(completedFilter('', 'events', stateWith())).toEqual({ text: '', choices: [] });
});

test.each([
  ['clas:Send', 'failures', 'no field "clas"; did you mean class:?'],
  ['Queue:mail', 'failures', 'no field "Queue"; did you mean queue:?'],
  ['outcom:failed', 'jobs', 'no field "outcom"; did you mean outcome:?'],
  ['http://host/', 'failures', null],
  ['clas:Send', 'events', null],
  ['!queue:mail', 'failures', '"!" excludes words, not fields such as "queue:mail"'],
  ['!mail queue:x', 'failures', null],
] as const)('the filter "%s" of %s has the problem %s', (filter, tab, problem) => {
  expect(filterProblem(filter, tab)).toBe(problem);
});
