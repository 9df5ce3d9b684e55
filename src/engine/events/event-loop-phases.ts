/**
 * The end of a turn of the event loop, when all that was readable has been read. What moves jobs on comes first, in the
 * order in which it was asked for; then what only tells of it, while Redis and the children are busy with the former.
 *
 * With `setImmediate` itself, what is asked for meanwhile would wait for another turn, that is for another look at
 * every descriptor. One queue for the whole process, as its event loop is one.
 */
type Act = () => void;

const waiting = { moving: [] as Act[], telling: [] as Act[], isScheduled: false };

/** Acts at the end of this turn, in this one still if that is its end. */
export function atEndOfTurn(act: Act): void {
  waiting.moving.push(act);
  schedule();
}

/** Acts when all else of this turn is done. */
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
    runAll('telling');
  } finally {
    waiting.isScheduled = false;
    // After a fault of one, which is told elsewhere, the others still have their turn.
    if (waiting.moving.length + waiting.telling.length > 0) schedule();
  }
}

function runAll(kind: 'moving' | 'telling'): void {
  const acts = waiting[kind];
  let done = 0;
  try {
    // What comes meanwhile is behind.
    for (; done < acts.length; done += 1) acts[done]?.();
  } finally {
    waiting[kind] = acts.slice(done + 1);
  }
}
