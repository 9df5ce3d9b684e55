import type { PoolConfig } from '../../src/config/config.ts';

/** The defaults of a config entry that has only a key. */
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
  locks: [],
  retry: null,
  limit: null,
  rate: null,
  onFailure: null,
  logOutput: 'none',
};
