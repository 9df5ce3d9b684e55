/** Notifications through systemd's own program `systemd-notify`, a process each. */
import { execFile } from 'node:child_process';

/** It waits until systemd has read the notification. */
const limitMs = 5_000;

/** @returns why it was not sent; `null` if it was */
export function notifyByProgram(text: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(
      'systemd-notify',
      text.split('\n'),
      { env, timeout: limitMs, killSignal: 'SIGKILL' },
      (error) => {
        if (error === null) resolve(null);
        else resolve(error.code === 'ENOENT' ? 'there is no systemd-notify' : error.message.trim());
      },
    );
  });
}
