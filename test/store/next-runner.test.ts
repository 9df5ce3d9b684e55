/** What stays of a runner that has gone, when the screen goes on with another one. */
import { expect, test } from 'vitest';
import { applyEvents, changeView, createAppStore, replaceModel } from '../../src/store/app-store.ts';
import { continueWith, loseRunner, switchTo } from '../../src/store/next-runner.ts';
import { initialView } from '../../src/store/view.ts';
import { listedEvents } from '../../src/ui/lists/selection.ts';
import { engineStarted, queueAdded, snapshotOf } from './sample-events.ts';

const first = snapshotOf(engineStarted, queueAdded('mail'), {
  type: 'redis.up',
  serverVersion: '7',
  awayMs: null,
});
const second = snapshotOf({ ...engineStarted, pid: 8 });

/** A store whose runner has gone. */
function lostStore() {
  const store = createAppStore();
  replaceModel(store, first);
  changeView(store, { tab: 'events', opened: { kind: 'job', jobId: '1' } });
  store.setState({ openLog: { jobId: '1', version: 3, state: 'live' } });
  loseRunner(store, 'gone');
  return store;
}

test('all of it stays while no runner answers, and its open log has ended', () => {
  const { model, away, openLog, view } = lostStore().getState();
  expect(model).toBe(first);
  expect(away).toBe('gone');
  expect(openLog).toEqual({ jobId: '1', version: 3, state: 'ended' });
  expect(view.opened).toEqual({ kind: 'job', jobId: '1' });
});

test('the next runner replaces the model, though it counts from 1 again, and its events count', () => {
  const store = lostStore();
  continueWith(store, second);
  expect(store.getState()).toMatchObject({ model: second, away: null });
  expect(second.seq).toBeLessThan(first.seq);
  applyEvents(store, [{ type: 'redis.down', reason: 'x', seq: 2, atMs: 5 }]);
  expect(store.getState().model.redis.state).toBe('down');
});

test('the history of earlier runners stays below that of the present one, with numbers of its own', () => {
  const store = lostStore();
  changeView(store, { events: { filter: '', cursor: '3' } });
  continueWith(store, second);
  const pidOf = (event: object) => ('pid' in event ? event.pid : null);
  expect(listedEvents(store.getState()).map((event) => [event.type, event.seq, pidOf(event)])).toEqual([
    ['engine.started', 1, 8],
    ['redis.up', -1, null],
    ['engine.started', -2, 7],
  ]);
  // The cursor stays on its event.
  expect(store.getState().view.events.cursor).toBe('-1');
  continueWith(store, snapshotOf({ ...engineStarted, pid: 9 }));
  expect(listedEvents(store.getState()).map(({ seq }) => seq)).toEqual([1, -1, -2, -3]);
});

test('a job of the former runner is not taken for one with the same number, and its question is closed', () => {
  const store = lostStore();
  changeView(store, {
    jobs: { filter: 'x', cursor: '1' },
    dialog: {
      ...{ kind: 'question', title: '', lines: [], choices: [], focus: 0 },
      question: { kind: 'kill-job', jobId: '1', signal: 'SIGKILL' },
    },
  });
  continueWith(store, second);
  const { view } = store.getState();
  expect(view.opened).toEqual({ kind: 'job', jobId: '1@7' });
  expect(view.dialog).toBe(null);
  expect(view.jobs).toEqual({ filter: 'x', cursor: null });
  continueWith(store, snapshotOf({ ...engineStarted, pid: 9 }));
  expect(store.getState().view.opened).toEqual({ kind: 'job', jobId: '1@7' });
});

test('if only the link broke, nothing gets another name', () => {
  const store = lostStore();
  continueWith(store, { ...first, seq: 9 });
  expect(store.getState()).toMatchObject({ away: null, former: [], model: { seq: 9 } });
  expect(store.getState().view.opened).toEqual({ kind: 'job', jobId: '1' });
});

test('a runner that the user switches to brings along nothing but settings', () => {
  const store = lostStore();
  changeView(store, { isBellOn: false });
  continueWith(store, second);
  switchTo(store, first);
  expect(store.getState()).toMatchObject({ away: null, former: [], model: first });
  expect(store.getState().view).toEqual({ ...initialView, isBellOn: false });
});
