import { openSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';

let count = 0;

/**
 * A file without a name, open for reading and writing: its space is given back when the last descriptor is
 * closed, whatever ends this process. Children don't inherit it: Node opens with O_CLOEXEC.
 *
 * @throws what the system says where no such file can be made
 */
export function openUnnamedFile(directory: string): number {
  count += 1;
  const path = join(directory, `resque-runner-${process.pid}-${count}`);
  const fd = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  return fd;
}
