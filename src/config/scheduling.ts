/** Whether a runner has to move delayed jobs. */
import type { Config } from './config.ts';

/** Whether jobs of this config wait for a time. */
function usesDelayedJobs(_config: Config): boolean {
  return false;
}

export function movesDelayedJobs(config: Config): boolean {
  return config.scheduler === 'on' || (config.scheduler === 'auto' && usesDelayedJobs(config));
}
