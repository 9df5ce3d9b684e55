/** Users of this machine. */
import { readFileSync } from 'node:fs';

/** The name of a user, for people: `ann`, or the number if /etc/passwd doesn't have it. */
export function userNameOf(uid: number): string {
  const entry = passwd()
    .split('\n')
    .find((line) => line.split(':')[2] === String(uid));
  return entry?.split(':')[0] ?? String(uid);
}

function passwd(): string {
  try {
    return readFileSync('/etc/passwd', 'utf8');
  } catch {
    return ''; // For example, in a container without users.
  }
}

export function ownUid(): number {
  return process.getuid?.() ?? 0;
}
