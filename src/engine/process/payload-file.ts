import { accessSync, closeSync, constants, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { openUnnamedFile } from '../machine/descriptors.ts';
import type { Libc } from './libc.ts';

/** Memory where there is such a place: a payload needs no disk. */
const directories = ['/dev/shm', tmpdir()];
let directory: string | null | undefined;

/**
 * A file without a name that holds the payload, open for reading from its start: what a child gets as STDIN.
 * Unlike Node's pipes, which are sockets, it can be opened again as /dev/stdin (`cat /dev/stdin`); and a
 * child that never reads it costs nothing and can't fail us with EPIPE.
 *
 * @param libc makes it without a way through a directory
 * @returns a file descriptor to be closed by the caller, or `null` where no such file can be made (disk
 * full, nothing writable): use a pipe then
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
    // Whatever the reason, a pipe does as well.
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
