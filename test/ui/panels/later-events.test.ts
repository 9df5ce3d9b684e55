/** A runner of a later release publishes events that this screen has no words for. */
import { expect, test } from 'vitest';
import type { EngineEvent } from '../../../src/protocol/events.ts';
import { type AppState, createAppStore } from '../../../src/store/app-store.ts';
import { emptySnapshot } from '../../../src/store/reduce.ts';
import { initialView } from '../../../src/store/view.ts';
import { listedEvents } from '../../../src/ui/lists/selection.ts';
import { RenderedScreen } from '../rendered-screen.tsx';

const known: EngineEvent = { type: 'redis.up', serverVersion: '7.0', awayMs: 2_000, seq: 1, atMs: 0 };
const later = { type: 'moon.risen', phase: 'full', seq: 2, atMs: 1_000 } as unknown as EngineEvent;

function stateWith(history: readonly EngineEvent[], tab: 'queues' | 'events' = 'queues'): AppState {
  return {
    ...createAppStore().getState(),
    ...{ model: { ...emptySnapshot, history }, view: { ...initialView, tab } },
  };
}

test('the line of messages shows the latest event that it knows', () => {
  const rows = (history: readonly EngineEvent[]) => new RenderedScreen(stateWith(history)).rowTexts();
  expect(rows([known, later]).at(-2)).toContain('redis back after 2.0 s, version 7.0');
  expect(rows([later]).at(-2)?.trim()).toBe('');
});

test('the Events tab leaves them out, with and without a filter', () => {
  const state = stateWith([known, later], 'events');
  expect(listedEvents(state)).toEqual([known]);
  const view = { ...state.view, events: { ...state.view.events, filter: 'moon' } };
  expect(listedEvents({ ...state, view })).toEqual([]);
  const text = new RenderedScreen(state).rowTexts().join('\n');
  expect(text).toContain('back after 2.0 s');
  expect(text).not.toContain('undefined');
});
