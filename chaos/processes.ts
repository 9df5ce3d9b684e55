import { readdirSync, readFileSync } from 'node:fs';

/** Pids of processes with this variable in their environment, with a value that begins like this. */
export function processesWithVariable(name: string, beginning: string): number[] {
  const wanted = `\0${name}=${beginning}`;
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => `\0${read(`/proc/${pid}/environ`)}`.includes(wanted))
    .filter((pid) => !/\) Z /.test(read(`/proc/${pid}/stat`)))
    .map(Number);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // It has ended, or belongs to another user.
  }
}
