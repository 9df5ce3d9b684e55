/** Whether a runner has to move delayed jobs. */
import type { Config } from './config.ts';

/** Whether jobs of this config wait for a time. */
function usesDelayedJobs({ runners }: Config): boolean {
  return runners.some(({ retry }) => retry !== null);
}

export function movesDelayedJobs(config: Config): boolean {
  return config.scheduler === 'on' || (config.scheduler === 'auto' && usesDelayedJobs(config));
}
