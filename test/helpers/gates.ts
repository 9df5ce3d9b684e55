/**
 * 300 jobs that stop twice, for tests in which Redis loses data. The first 100 run, the next ones wait for the file `go-1`,
 * and those from 200 on for `go-2`. The state at the loss is known, even on a slow machine.
 */
import { expect } from 'vitest';
import type { EndToEnd } from './end-to-end.ts';

export const jobCount = 300;
/** Slots of all runners together. */
export const slots = 8;

/** Jobs whose argument ends in 7 fail. */
export const gatedScript = `read -r job || :; echo "$job" >> "$D/ran"
case $job in *[[]2??]*) gate=go-2;; *[[]1??]*) gate=go-1;; *) gate=;; esac
[ -z "$gate" ] || while [ ! -e "$D/$gate" ]; do sleep 0.05; done
case $job in *7]*) exit 1;; esac`;

export function gatedJobs(): object[] {
  return Array.from({ length: jobCount }, (_, arg) => ({ class: 'Job', args: [arg] }));
}

/** The number of runs of each job, by its number. */
export function runs(stage: EndToEnd): Map<number, number> {
  const counts = new Map<number, number>();
  for (const line of stage.fileLines('ran')) {
    const arg = Number(/\d+/.exec(line)?.[0]);
    counts.set(arg, (counts.get(arg) ?? 0) + 1);
  }
  return counts;
}

/** Waits until these jobs are done and all slots wait. */
export async function waitForGate(stage: EndToEnd, done: number): Promise<void> {
  await stage.waitForFileLines('ran', done + slots, 30_000);
}

/**
 * Checks the end after Redis lost the time between the gates: only jobs that were taken then ran twice, and each end is
 * counted.
 */
export async function expectForgottenTwice(stage: EndToEnd): Promise<void> {
  const counts = runs(stage);
  const all = Array.from({ length: jobCount }, (_, arg) => arg);
  expect([...counts.keys()].sort((a, b) => a - b)).toEqual(all);
  const twice = all.slice(100 + slots, 200 + slots);
  expect(all.filter((arg) => counts.get(arg) !== 1)).toEqual(twice);
  expect(stage.fileLines('ran')).toHaveLength(jobCount + twice.length);
  const failed = all.concat(twice).filter((arg) => arg % 10 === 7).length;
  expect(await stage.stat('processed')).toBe(jobCount + twice.length);
  expect(await stage.stat('failed')).toBe(failed);
  expect(await stage.client.llen('resque:failed')).toBe(failed);
  expect(await stage.client.smembers('resque:workers')).toEqual([]);
}
