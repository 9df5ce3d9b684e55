import { closeSync, openSync } from 'node:fs';

/** The output that is kept for screens never uses the last of these: jobs, Redis and screens need them. */
export const spareDescriptors = 8;

/** How many descriptors of a limit jobs leave for Redis and screens. If there are few, jobs come first. */
export function reservedOf(limit: number): number {
  return Math.min(spareDescriptors, limit >> 4);
}

/** @throws the system's error if fewer descriptors than this are free */
export function assertDescriptors(count: number): void {
  const opened: number[] = [];
  try {
    // The root can be opened everywhere, even where there is no /dev.
    while (opened.length < count) opened.push(openSync('/', 'r'));
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}
