import { accessSync, closeSync, constants, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { openUnnamedFile } from '../machine/descriptors.ts';
import type { Libc } from './libc.ts';

/** In memory if possible: a payload needs no disk. */
const directories = ['/dev/shm', tmpdir()];
let directory: string | null | undefined;

/**
 * A nameless file that holds the payload, open for reading from its start: a child's STDIN. Unlike Node's pipes, which
 * are sockets, it can be opened again as /dev/stdin (`cat /dev/stdin`). A child that never reads it costs nothing and
 * causes no EPIPE.
 *
 * @param libc makes the file without a directory
 * @returns a file descriptor that the caller closes; `null` if no such file can be made (disk full, nothing writable):
 * then use a pipe
 */
export function openPayloadFile(payload: Buffer, libc: Libc | null): number | null {
  let fd: number | null = null;
  try {
    fd = libc === null ? unnamedFile() : libc.memoryFile();
    if (fd === null) return null;
    // Written at a position, which leaves the offset that the child will read from at 0.
    for (let at = 0; at < payload.length; ) at += writeSync(fd, payload, at, payload.length - at, at);
    return fd;
  } catch {
    // Whatever the reason, a pipe works as well.
    if (fd !== null) closeSync(fd);
    return null;
  }
}

function unnamedFile(): number | null {
  directory ??= directories.find(isWritable) ?? null;
  return directory === null ? null : openUnnamedFile(directory);
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    // Missing or closed to us: the next candidate.
    return false;
  }
}
