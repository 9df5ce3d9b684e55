import type { Io } from '../command-line/io.ts';

/** Ctrl-C and its like end a watch, which is no failure: whoever watches has seen enough. */
const endSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface End {
  /** By a signal, or by `end`. */
  readonly ended: Promise<void>;
  readonly end: () => void;
}

export function onSignalToEnd({ process }: Pick<Io, 'process'>): End {
  let end: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  for (const signal of endSignals) process.on(signal, end);
  return { ended, end };
}
