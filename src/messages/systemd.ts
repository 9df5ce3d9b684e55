/** The status that a runner gives systemd for people, and what the runner says if it can't notify systemd. */
import { grouped, plural } from './quantities.ts';
import { visible } from './visible.ts';

export interface StatusFacts {
  readonly busy: number;
  readonly slots: number;
  readonly perSecond: number;
  readonly failed: number;
}

export const systemdMessages = {
  /** `systemctl status` shows it: `12/24 slots, 4.2/s, 3 failed`. */
  status({ busy, slots, perSecond, failed }: StatusFacts): string {
    const rate = perSecond < 100 ? perSecond.toFixed(1) : grouped(Math.round(perSecond));
    return `${grouped(busy)}/${grouped(slots)} slots, ${rate}/s, ${grouped(failed)} failed`;
  },
  stopping: (running: number) =>
    running === 0
      ? 'stopping'
      : `stopping: ${plural(running, 'job')} ${running === 1 ? 'is' : 'are'} running`,
  throughProgram:
    'koffi is not available, so systemd is notified through systemd-notify: the unit needs NotifyAccess=all',
  unsupportedSocket: (path: string) =>
    `can't notify systemd: NOTIFY_SOCKET must be an absolute path or begin with @, got "${visible(path)}"`,
  unsent: (reason: string) => `can't notify systemd: ${visible(reason)}; trying again`,
  noPing: (reasons: readonly string[]) =>
    `the runner no longer notifies systemd's watchdog: ${reasons.map(visible).join('; ')}`,
};
