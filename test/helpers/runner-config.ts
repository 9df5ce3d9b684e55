import type { PoolConfig } from '../../src/config/config.ts';

/** What an entry of the config comes to that says no more than its key. */
export const runnerDefaults: PoolConfig = {
  key: 'mail',
  concurrency: 1,
  script: ['/bin/true'],
  args: [],
  env: {},
  cwd: null,
  timeoutSeconds: null,
  killAfterSeconds: 4,
  interrupted: 'fail',
  delivery: 'at-most-once',
  mode: 'process',
  isPrestarted: false,
  prestartMaxAgeSeconds: null,
  maxJobs: null,
};
