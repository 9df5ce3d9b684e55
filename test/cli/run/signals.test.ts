/** When a runner ends a pause: CONT waits for the signals that may come with it. */
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ProcessEvents } from '../../../src/cli/command-line/io.ts';
import { handleSignals } from '../../../src/cli/run/headless.ts';
import type { Engine } from '../../../src/engine/engine.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function commandsAfter(...signals: NodeJS.Signals[]): string[] {
  const commands: string[] = [];
  const engine = {
    execute: ({ type }: { type: string }) => commands.push(type),
    stop: (mode: string) => commands.push(mode),
  } as unknown as Engine;
  const process = new EventEmitter();
  const release = handleSignals({ process: process as unknown as ProcessEvents }, engine);
  for (const signal of signals) process.emit(signal);
  vi.advanceTimersByTime(1_000);
  release();
  return commands;
}

test.each([
  [
    ['SIGUSR2', 'SIGCONT'],
    ['pause-all', 'resume-all'],
  ],
  [['SIGCONT', 'SIGCONT'], ['resume-all']],
  [['SIGCONT', 'SIGUSR2'], ['pause-all']],
  [['SIGCONT', 'SIGTERM'], ['terminate']],
  [['SIGTERM', 'SIGCONT'], ['terminate']],
  [['SIGCONT', 'SIGQUIT'], ['quit']],
] as const)('%j: %j', (signals, commands) => {
  expect(commandsAfter(...signals)).toEqual(commands);
});
