import { defineConfig } from 'vitest/config';
import packageJson from './package.json' with { type: 'json' };

export default defineConfig({
  // As the build does it.
  define: { __VERSION__: JSON.stringify(packageJson.version) },
  test: {
    include: ['test/**/*.test.ts', 'test/**/*.test.tsx'],
    globalSetup: ['test/helpers/global-setup.ts'],
    // Tests send signals, change directories and start real servers and children: each file in a process of its own.
    pool: 'forks',
    // Most of what tests do is waiting: for a program's start, a limit, a Redis that is to be missed. Three keep two cores
    // busy; more only make each other's programs late.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
