/** When the screen is painted: Ink paints all of it at each change of its tree, so equal frames must not change that. */
import { expect, test } from 'vitest';
import { createAppStore } from '../../src/store/app-store.ts';
import { emptySnapshot } from '../../src/store/reduce.ts';
import { initialView, tabs } from '../../src/store/view.ts';
import { RenderedScreen } from './rendered-screen.tsx';
import { queueState, runnerView, runningJob } from './states.ts';

const names = ['mail', 'bill'];
const model = {
  ...emptySnapshot,
  queues: names.map(queueState),
  runners: names.map((name) => runnerView(name)),
};
const state = { ...createAppStore().getState(), model };

test.each(tabs)('the tab %s is not painted again for an equal state, also of other objects', async (tab) => {
  const screen = new RenderedScreen({ ...state, view: { ...initialView, tab } });
  const { paints } = screen;
  await screen.show({ nowMs: 1 });
  await screen.show({ model: structuredClone(model), view: { ...structuredClone(initialView), tab } });
  expect(screen.paints).toBe(paints);
});

test('several panels that change in one frame are painted once', async () => {
  const screen = new RenderedScreen(state);
  const { paints } = screen;
  const jobs = names.map((name, at) => runningJob(String(at), name));
  await screen.show({ model: { ...model, jobs }, nowMs: 5_000 });
  expect(screen.paints).toBe(paints + 1);
  const text = screen.rowTexts().join('\n');
  expect(text).toMatch(/00:05 +#0 +Job.*00:05 +#1 +Job/);
});

test('a dialog opens on top of the panels, and leaves them as they were', async () => {
  const screen = new RenderedScreen(state);
  const before = screen.rowTexts();
  await screen.show({ view: { ...initialView, dialog: { kind: 'help', top: 0 } } });
  expect(screen.rowTexts().join('\n')).toContain('Help · Queues');
  expect(screen.rowTexts()[0]).toBe(before[0]);
  await screen.show({ view: initialView });
  expect(screen.rowTexts()).toEqual(before);
});

test('a queue that goes takes its panel with it', async () => {
  const screen = new RenderedScreen(state);
  expect(screen.rowTexts()[1]).toMatch(/mail.*bill/);
  await screen.show({ model: { ...model, queues: [queueState('bill')] } });
  expect(screen.rowTexts()[1]).not.toContain('mail');
  expect(screen.rowTexts()[1]).toContain('bill');
});
