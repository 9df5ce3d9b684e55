/** Why a runner counts as not healthy, and what `health` prints. */
import type { ServerHello } from '../protocol/frames.ts';
import { duration } from './quantities.ts';
import { runnerName } from './runners.ts';
import { visible } from './visible.ts';

export const healthMessages = {
  stopping: 'the runner is stopping',
  /** @param reason of the last try; `null` before its end */
  neverUp: (reason: string | null) =>
    reason === null ? 'no contact with Redis yet' : `no contact with Redis yet: ${visible(reason)}`,
  away: (reason: string) => `Redis is not usable: ${visible(reason)}`,
  stuckRedis: (ms: number) =>
    `stuck: for ${duration(ms)} there was neither an answer nor an error from Redis, and no try to connect`,
  stuckStep: (ms: number) =>
    `stuck: for ${duration(ms)} no step to Redis has ended, although Redis answers other commands`,
  healthy: (hello: ServerHello, wanted: 'alive' | 'ready') => `${runnerName(hello)} is ${wanted}`,
  unhealthy: (hello: ServerHello, wanted: 'alive' | 'ready', reasons: readonly string[]) =>
    `${runnerName(hello)} is not ${wanted}: ${reasons.map(visible).join('; ')}`,
  untold: (hello: ServerHello) =>
    `${runnerName(hello)} has version ${visible(hello.version)}, which doesn't tell its health; restart it to update it`,
  noSuchProcess: (pid: string) => `no runner of this user has process id ${pid}`,
  silent: (path: string, limitMs: number) =>
    `the runner at ${visible(path)} did not answer within ${duration(limitMs)}`,
};
