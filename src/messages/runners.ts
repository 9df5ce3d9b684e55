/** How people tell one runner from another. */
import type { ServerHello } from '../protocol/frames.ts';
import { visible } from './visible.ts';

/** `process 4431 (/srv/app/cfg.json)` */
export function runnerName({ pid, configFile }: Pick<ServerHello, 'pid' | 'configFile'>): string {
  return `process ${pid} (${configFile === null ? 'no config file' : visible(configFile)})`;
}

/** What a screen says when its runner has gone. @param next what it waits for: a config or a socket */
export function awayText(
  { pid }: Pick<ServerHello, 'pid'>,
  hasStopped: boolean,
  next: string,
  trouble: string | null,
): string {
  const what = `the runner (process ${pid}) ${hasStopped ? 'has stopped' : 'is gone'}`;
  const why = trouble === null ? '' : `; the next one can't be shown: ${visible(trouble)}`;
  return `${what}${why}; waiting for the next one ${visible(next)} · Esc leaves`;
}

/** The same with its queues and its start, as one line of a list. */
export function runnerSummary(hello: ServerHello): string {
  // Swedish dates look like 2026-11-24 22:43:21, which is clear to everyone.
  const since = new Date(hello.startedAtMs).toLocaleString('sv-SE');
  return `${runnerName(hello)}  ${visible(hello.runners.join(', '))}  since ${since}`;
}
