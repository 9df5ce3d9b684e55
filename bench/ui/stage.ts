/** Shared code of the parts of this bench. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../lib/bench.ts';
import { numberFlag } from '../lib/flags.ts';
import { cpuSeconds } from '../lib/process-usage.ts';
import { Screen } from '../lib/screen.ts';
import { type RunnerSpec, runnerProgram, writeConfig } from '../lib/subjects.ts';

export interface OwnScreen {
  readonly screen: Screen;
  readonly enginePid: number;
}

/** Starts the program with its own screen and engine, and waits until the screen shows its queues. */
export async function startScreen(
  bench: Bench,
  name: string,
  spec: Pick<RunnerSpec, 'redis' | 'runners' | 'script'>,
): Promise<OwnScreen> {
  const config = writeConfig(bench, name, spec);
  const screen = new Screen(bench, { command: [process.execPath, runnerProgram(), config] });
  for (const queue of Object.keys(spec.runners)) await screen.waitForText(queue);
  const enginePid = screen.enginePid();
  if (enginePid === null) throw new Error('the screen started no engine');
  return { screen, enginePid };
}

/** The CPU usage of processes during an action, in percent of a core. */
export async function cpuPercents(
  pids: readonly number[],
  during: () => Promise<unknown>,
): Promise<number[]> {
  const before = await Promise.all(pids.map(cpuSeconds));
  const startedAt = performance.now();
  await during();
  const seconds = (performance.now() - startedAt) / 1000;
  const after = await Promise.all(pids.map(cpuSeconds));
  return after.map((used, at) => (100 * (used - (before[at] ?? 0))) / seconds);
}

/**
 * Opens and closes the help repeatedly, at times that are independent of the frames.
 *
 * @returns milliseconds from each key to the end of the frame that answers it
 */
export async function pressKeys(screen: Screen): Promise<number[]> {
  const latencies: number[] = [];
  const endAt = performance.now() + (1000 * numberFlag('seconds', 30)) / 3;
  const title = 'Help · ';
  do {
    for (const isOpen of [true, false]) {
      await sleep(150 + 200 * Math.random());
      const pressedAt = screen.press('?');
      const answeredAt = await screen.waitUntil(
        `the help is ${isOpen ? 'open' : 'closed'}`,
        () => screen.shows(title) === isOpen,
      );
      latencies.push(answeredAt - pressedAt);
    }
  } while (performance.now() < endAt);
  return latencies;
}
