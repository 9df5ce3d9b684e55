import { defineConfig } from 'vitest/config';
import packageJson from './package.json' with { type: 'json' };
import { filesByProject, projectNames } from './test/projects.ts';

const files = filesByProject();

export default defineConfig({
  // As the build does it.
  define: { __VERSION__: JSON.stringify(packageJson.version) },
  test: {
    // Processes, not threads: tests send signals, change directories, and load native code.
    pool: 'forks',
    setupFiles: ['test/helpers/shared-worker.ts'],
    globalSetup: ['test/helpers/global-setup.ts'],
    // Tests mostly wait: for a program to start, for a time limit, for Redis to be missed. Three workers keep two
    // cores busy. With more, their programs slow each other down.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: projectNames.map((name) => ({
      extends: true,
      test: {
        name,
        include: files[name],
        // A file takes over the process of the one before, with the modules that it has loaded: to load them again
        // costs a second. `shared-worker.ts` makes sure that files leave nothing behind.
        isolate: name === 'program' || name === 'terminal',
      },
    })),
  },
});
