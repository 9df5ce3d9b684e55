/** Open files of this process: how many are left, and files without a name. */
import { closeSync, openSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Kept output leaves at least this many descriptors free: jobs, Redis and screens need them. */
export const spareDescriptors = 8;

/** How many of the allowed descriptors jobs leave for Redis and screens. If there are few, jobs come first. */
export function reservedOf(limit: number): number {
  return Math.min(spareDescriptors, limit >> 4);
}

/** @throws the system's error if fewer descriptors than this are free */
export function assertDescriptors(count: number): void {
  const opened: number[] = [];
  try {
    // The root directory can always be opened, even without /dev.
    while (opened.length < count) opened.push(openSync('/', 'r'));
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}

let count = 0;

/**
 * A file without a name, open for reading and writing. The system frees it when the last descriptor is closed, however this
 * process ends. Children don't inherit it, because Node opens files with O_CLOEXEC.
 *
 * @throws the system's error if the file can't be created
 */
export function openUnnamedFile(directory: string): number {
  count += 1;
  const path = join(directory, `resque-runner-${process.pid}-${count}`);
  const fd = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  return fd;
}
