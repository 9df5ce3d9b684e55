/** What a runner tells systemd for people, and what it says if it can't. */
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
    'systemd is notified through systemd-notify, because koffi is not available: the unit needs NotifyAccess=all',
  unsupportedSocket: (path: string) =>
    `systemd can't be notified: NOTIFY_SOCKET must be an absolute path or begin with @, got "${visible(path)}"`,
  unsent: (reason: string) => `systemd can't be notified at the moment: ${visible(reason)}; trying again`,
  noPing: (reasons: readonly string[]) =>
    `systemd's watchdog gets no sign of life: ${reasons.map(visible).join('; ')}`,
};
