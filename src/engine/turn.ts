/**
 * Acts at the end of this turn of the event loop, when all that was readable has been read: in the order in which it
 * was asked for, and what is asked for meanwhile behind it. With `setImmediate` itself, the latter would wait for
 * another turn, that is for another look at every descriptor.
 */
let waiting: (() => void)[] = [];

export function atEndOfTurn(act: () => void): void {
  waiting.push(act);
  if (waiting.length === 1) setImmediate(run);
}

function run(): void {
  const acts = waiting;
  let done = 0;
  try {
    for (; done < acts.length; done += 1) acts[done]?.();
  } finally {
    waiting = [];
    // After a fault of one, which is told elsewhere, the others still have their turn.
    for (const act of acts.slice(done + 1)) atEndOfTurn(act);
  }
}
