/** Notifications through systemd's own program `systemd-notify`, a process each. */
import { execFile } from 'node:child_process';

/** It waits until systemd has read the notification. */
const limitMs = 5_000;

/**
 * @param signal ends it
 * @returns why it was not sent; `null` if it was
 */
export function notifyByProgram(
  text: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<string | null> {
  const options = { env, signal, timeout: limitMs, killSignal: 'SIGKILL' } as const;
  return new Promise((resolve) => {
    execFile('systemd-notify', text.split('\n'), options, (error) => {
      if (error === null) resolve(null);
      else resolve(error.code === 'ENOENT' ? 'systemd-notify is not installed' : error.message.trim());
    });
  });
}
