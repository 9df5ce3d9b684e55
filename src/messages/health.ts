/** Why a runner counts as not healthy, and what `health` prints. */
import type { ServerHello } from '../protocol/frames.ts';
import { duration } from './quantities.ts';
import { runnerName } from './runners.ts';
import { visible } from './visible.ts';

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
