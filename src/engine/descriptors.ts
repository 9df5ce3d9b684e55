import { closeSync, openSync } from 'node:fs';

/** Descriptors that output for people leaves to jobs, to Redis and to screens. */
export const spareDescriptors = 8;

/** How many of so many descriptors jobs leave to Redis and to screens; where there are few, jobs come first. */
export function reservedOf(limit: number): number {
  return Math.min(spareDescriptors, limit >> 4);
}

/** @throws what the system says if it would not give us so many descriptors now */
export function assertDescriptors(count: number): void {
  const opened: number[] = [];
  try {
    while (opened.length < count) opened.push(openSync('/dev/null', 'r'));
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}
