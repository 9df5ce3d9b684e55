/**
 * An attached screen outlives its runner: what it shows stays while it waits for the next one. That one starts to count its
 * jobs and events from 1 again, so what was shown of the former one gets other names.
 */
import type { EngineEvent } from '../protocol/events.ts';
import { historyLimit, type Snapshot } from '../protocol/snapshot.ts';
import { type AppStore, createAppStore } from './app-store.ts';
import type { Opened, View } from './view.ts';

/** @param away what the screen says while no runner answers */
export function loseRunner(store: AppStore, away: string): void {
  store.setState(({ openLog }) => {
    if (openLog === null) return { away };
    const state = openLog.state === 'live' ? 'ended' : openLog.state === 'waiting' ? 'gone' : openLog.state;
    return { away, openLog: { ...openLog, state } };
  });
}

/** The next runner of the same config has answered, or the same one again if only the link broke. */
export function continueWith(store: AppStore, snapshot: Snapshot): void {
  store.setState(({ model, view, former }) => {
    const { engine } = snapshot;
    const isSame = engine?.pid === model.engine?.pid && engine?.startedAtMs === model.engine?.startedAtMs;
    if (isSame) return { model: snapshot, away: null };
    const events = [...former, ...model.history].slice(-historyLimit);
    return {
      model: snapshot,
      away: null,
      former: events.map((event, at) => ({ ...event, seq: formerSeq(at, events) })),
      view: ofFormer(view, model, events),
    };
  });
}

/** The user has chosen another runner, which may use another Redis: only settings stay. */
export function switchTo(store: AppStore, snapshot: Snapshot): void {
  const start = createAppStore().getState();
  store.setState(({ view: { typed, isBellOn, log } }) => ({
    ...start,
    model: snapshot,
    view: { ...start.view, typed, isBellOn, log },
  }));
}

/** Below 0, so that it differs from all numbers of the present runner. */
function formerSeq(at: number, { length }: readonly EngineEvent[]): number {
  return at - length;
}

function ofFormer(view: View, { engine }: Snapshot, events: readonly EngineEvent[]): View {
  const at = events.findIndex(({ seq }) => String(seq) === view.events.cursor);
  return {
    ...view,
    // Its question was about the former runner.
    dialog: view.dialog?.kind === 'question' ? null : view.dialog,
    opened: view.opened === null ? null : openedOfFormer(view.opened, engine?.pid ?? 0),
    jobs: { ...view.jobs, cursor: null },
    queues: { ...view.queues, jobId: null },
    events: { ...view.events, cursor: at === -1 ? null : String(formerSeq(at, events)) },
  };
}

/** `#12@4431` is job 12 of process 4431. */
function openedOfFormer(opened: Opened, pid: number): Opened {
  const over = opened.over === undefined ? {} : { over: openedOfFormer(opened.over, pid) };
  if (opened.kind === 'queue') return { ...opened, ...over, jobId: null };
  if (opened.kind !== 'job' || opened.jobId.includes('@')) return { ...opened, ...over };
  return { ...opened, ...over, jobId: `${opened.jobId}@${pid}` };
}
