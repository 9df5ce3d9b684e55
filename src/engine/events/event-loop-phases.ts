/**
 * Two phases at the end of a turn of the event loop, after everything readable has been read. First come actions that move
 * jobs on, in the order of their requests, and what follows from the promises that they settle. Then come actions that only
 * report, while Redis and the children work.
 *
 * Plain `setImmediate` would delay actions requested during these phases by another turn, with another poll of every
 * descriptor. There is one queue for the process, as there is one event loop.
 */
type Act = () => void;

const waiting = { moving: [] as Act[], telling: [] as Act[], isScheduled: false };

/** Runs at the end of this turn, also if that has begun. */
export function atEndOfTurn(act: Act): void {
  waiting.moving.push(act);
  schedule();
}

/** Runs after everything else of this turn. */
export function afterTurn(act: Act): void {
  waiting.telling.push(act);
  schedule();
}

function schedule(): void {
  if (waiting.isScheduled) return;
  waiting.isScheduled = true;
  setImmediate(run);
}

function run(): void {
  try {
    runAll('moving');
  } finally {
    // A microtask, then a tick: code that awaits a promise settled by these actions runs before, and in the same turn.
    queueMicrotask(() => process.nextTick(finish));
  }
}

function finish(): void {
  try {
    runAll('moving');
    runAll('telling');
  } finally {
    waiting.isScheduled = false;
    // If one action threw, the others still run. The error surfaces elsewhere.
    if (waiting.moving.length + waiting.telling.length > 0) schedule();
  }
}

function runAll(kind: 'moving' | 'telling'): void {
  const acts = waiting[kind];
  let done = 0;
  try {
    // New actions are appended and run, too.
    for (; done < acts.length; done += 1) acts[done]?.();
  } finally {
    waiting[kind] = acts.slice(done + 1);
  }
}
