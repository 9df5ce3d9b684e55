/** Why a runner counts as not healthy. */
import { duration } from './quantities.ts';
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
};
