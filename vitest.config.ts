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
    // Timings are part of what is tested, so never more files at once than a small machine has cores.
    maxWorkers: 4,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
