/** What commands, probes, screens and systemd say about a runner as a whole. */
import type { ServerHello } from '../protocol/frames.ts';
import { duration, grouped, plural } from './quantities.ts';
import { visible } from './visible.ts';

/** `process 4431 (/srv/app/cfg.json)` */
export function runnerName({ pid, configFile }: Pick<ServerHello, 'pid' | 'configFile'>): string {
  return `process ${pid} (${configFile === null ? 'no config file' : visible(configFile)})`;
}

/** What a screen says when its runner has gone. @param next what it waits for: a config or a socket */
export function awayText(
  { pid }: Pick<ServerHello, 'pid'>,
  hasStopped: boolean,
  next: string,
  trouble: string | null,
): string {
  const what = `the runner (process ${pid}) ${hasStopped ? 'has stopped' : 'is gone'}`;
  const why = trouble === null ? '' : `; the next one can't be shown: ${visible(trouble)}`;
  return `${what}${why}; waiting for the next one ${visible(next)} · Esc leaves`;
}

/** The same with its queues and its start, as one line of a list. */
export function runnerSummary(hello: ServerHello): string {
  // Swedish dates look like 2026-11-24 22:43:21, which is clear to everyone.
  const since = new Date(hello.startedAtMs).toLocaleString('sv-SE');
  return `${runnerName(hello)}  ${visible(hello.runners.join(', '))}  since ${since}`;
}

/** Why a runner counts as not healthy, and what `health` prints. */
export const healthMessages = {
  stopping: 'the runner is stopping',
  /** @param reason why the last attempt failed; `null` before the end of the first one */
  neverUp: (reason: string | null) =>
    reason === null ? 'not connected to Redis yet' : `not connected to Redis yet: ${visible(reason)}`,
  away: (reason: string) => `Redis is not usable: ${visible(reason)}`,
  stuckRedis: (ms: number) =>
    `stuck: no reply or error from Redis, and no attempt to connect, for ${duration(ms)}`,
  stuckStep: (ms: number) =>
    `stuck: no step has finished for ${duration(ms)}, although Redis answers other commands`,
  healthy: (hello: ServerHello, wanted: 'alive' | 'ready') => `${runnerName(hello)} is ${wanted}`,
  unhealthy: (hello: ServerHello, wanted: 'alive' | 'ready', reasons: readonly string[]) =>
    `${runnerName(hello)} is not ${wanted}: ${reasons.map(visible).join('; ')}`,
  otherVersion: (hello: ServerHello, ownProtocol: number) =>
    `${runnerName(hello)} is resque-runner ${visible(hello.version)} with link protocol ${hello.protocol}, this program ` +
    `uses protocol ${ownProtocol}: use the same release of resque-runner on both sides`,
  noSuchProcess: (pid: string) => `no runner of this user has process id ${pid}`,
  silent: (path: string, limitMs: number) =>
    `the runner at ${visible(path)} did not answer within ${duration(limitMs)}`,
};

/** The status that a runner gives systemd for people, and what the runner says if it can't notify systemd. */
export const systemdMessages = {
  /** `systemctl status` shows it: `12/24 slots, 3 failed`. */
  status: (busy: number, slots: number, failed: number) =>
    `${grouped(busy)}/${grouped(slots)} slots, ${grouped(failed)} failed`,
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
