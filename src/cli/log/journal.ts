/** What systemd's journal needs to know of a line that it reads from a service. */
import { fstatSync } from 'node:fs';
import type { Wording } from '../../messages/events.ts';

/** The journal takes it off the line and keeps it as the line's priority, as syslog numbers them. */
export const priorities: Readonly<Record<Wording['level'], string>> = {
  info: '<6>',
  warn: '<4>',
  error: '<3>',
};

/**
 * Whether the journal reads what this process writes. systemd names the stream's device and inode, because the variable
 * is inherited by programs whose output goes elsewhere.
 *
 * @param descriptor of the output
 */
export function isJournal({ JOURNAL_STREAM: stream = '' }: NodeJS.ProcessEnv, descriptor: number): boolean {
  if (stream === '') return false;
  try {
    const { dev, ino } = fstatSync(descriptor, { bigint: true });
    return stream === `${dev}:${ino}`;
  } catch {
    return false; // It is closed.
  }
}
