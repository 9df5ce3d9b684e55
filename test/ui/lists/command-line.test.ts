import { describe, expect, test } from 'vitest';
import { type AppState, createAppStore } from '../../../src/store/app-store.ts';
import { commandOffers, readCommandLine } from '../../../src/ui/lists/command-line.ts';
import { queueState, runnerView } from '../states.ts';

function stateWith(): AppState {
  const state = createAppStore().getState();
  const queues = [queueState('mail'), { ...queueState('mail_low'), runner: 'mail_*' }];
  const runners = [runnerView('mail'), runnerView('mail_*')];
  return { ...state, model: { ...state.model, queues, runners } };
}

describe('a command', () => {
  test.each([
    ['pause mail', { kind: 'pause', queue: 'mail' }],
    ['  pause   mail ', { kind: 'pause', queue: 'mail' }],
    ['resume all', { kind: 'resume', queue: null }],
    ['reset mail_*', { kind: 'reset', queue: 'mail_*' }],
    ['slots mail 8', { kind: 'slots', runner: 'mail', slots: '8' }],
    ['slots mail_low 8', { kind: 'slots', runner: 'mail_*', slots: '8' }],
    ['slots mail_* 8', { kind: 'slots', runner: 'mail_*', slots: '8' }],
    ['slots mail', { kind: 'slots', runner: 'mail', slots: '' }],
    ['retry exception:Timeout !bob', { kind: 'retry', filter: 'exception:Timeout !bob' }],
    ['delete class:Send', { kind: 'delete', filter: 'class:Send' }],
    ['reload', { kind: 'reload' }],
    ['bell off', { kind: 'bell', isOn: false }],
    ['go failures', { kind: 'go', place: { tab: 'failures' } }],
    ['go Failures', { kind: 'go', place: { tab: 'failures' } }],
    ['go mail', { kind: 'go', place: { queue: 'mail' } }],
  ])('%s', (line, order) => {
    expect(readCommandLine(line, stateWith(), false)).toEqual(order);
  });

  test.each([
    ['paus mail', 'no command "paus"; did you mean pause?'],
    ['make tea', 'no command "make"'],
    ['pause', 'which queue?'],
    ['pause mial', 'no queue "mial"; did you mean mail?'],
    ['slots nothing 8', 'no queue "nothing"'],
    ['bell loud', 'bell needs on or off'],
    ['retry', 'retry needs a filter, such as exception:Timeout'],
    ['retry clas:Send', 'no field "clas"; did you mean class:?'],
    ['go failure', 'no tab or queue "failure"; did you mean failures?'],
  ])('%s is refused: %s', (line, problem) => {
    expect(readCommandLine(line, stateWith(), false)).toBe(problem);
  });

  test('that changes something is unknown to a screen that may only read', () => {
    for (const line of ['pause mail', 'slots mail 8', 'retry x', 'delete x', 'reload']) {
      expect(readCommandLine(line, stateWith(), true)).toBeTypeOf('string');
      expect(commandOffers(`${line} `, stateWith(), true)).toBeNull();
    }
    expect(readCommandLine('go mail', stateWith(), true)).toMatchObject({ kind: 'go' });
  });
});

describe('a line', () => {
  test.each([
    ['pause', null],
    ['pause ', ['pause mail', 'pause mail_low', 'pause mail_*', 'pause all']],
    ['pause mail', ['pause mail', 'pause mail_low', 'pause mail_*']],
    ['pause mail_low', ['pause mail_low']],
    ['pause x', []],
    ['slots ', ['slots mail …', 'slots mail_low …', 'slots mail_* …']],
    ['slots mail_l', ['slots mail_low …']],
    ['slots mail 8', ['slots mail 8']],
    ['retry exc', ['retry exc', 'retry exception:…']],
    ['retry exception:', []],
    ['retry card exit:', []],
    ['go e', ['go events']],
    ['reload ', ['reload']],
  ])('"%s" can become %j', (line, offers) => {
    const shown = commandOffers(line, stateWith(), false)?.map(({ text, isWhole }) =>
      isWhole ? text : `${text}…`,
    );
    expect(shown ?? null).toEqual(offers);
  });
});
