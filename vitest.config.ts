import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import packageJson from './package.json' with { type: 'json' };
import { savedText } from './scripts/bundle/package-savings.mjs';
import { filesByProject } from './test/projects.ts';
import { Sequencer } from './test/sequencer.ts';

// A whole run is one project: each project starts processes of its own, which load the code again, and waits for the last
// test of the project before it.
// The quick tests are one, too, without the stories of operators.
const { RR_TEST_WHOLE: isWhole, RR_TEST_QUICK: isQuick } = process.env;
const byProject = filesByProject();
const quick = [...byProject.pure, ...byProject.redis].filter((file) => !file.startsWith('test/ui/screens/'));
const files =
  isWhole !== undefined
    ? [['whole', Object.values(byProject).flat()] as const]
    : isQuick !== undefined
      ? [['quick', quick] as const]
      : Object.entries(byProject);

const ink = /\/node_modules\/ink\//;
/** The screen is painted by the same Ink as in the build, which takes half the time. */
const inkAsBuilt = {
  name: 'ink-as-built',
  load(path: string) {
    if (!ink.test(path)) return null;
    const text = readFileSync(path, 'utf8');
    const code = savedText(import.meta.dirname, path, text) ?? text;
    // The package doesn't have the files that its source maps name.
    return { code: code.replace(/^\/\/# sourceMappingURL=.*$/m, ''), map: null };
  },
};

export default defineConfig({
  // Both the same as in the build.
  define: { __VERSION__: JSON.stringify(packageJson.version) },
  plugins: [inkAsBuilt],
  test: {
    server: { deps: { inline: [ink] } },
    // Use processes, not threads: tests send signals, change directories and load native code.
    pool: 'forks',
    setupFiles: ['test/helpers/shared-worker.ts'],
    globalSetup: ['test/helpers/global-setup.ts'],
    // Tests mostly wait for programs, time limits and lost connections. Seven workers keep two cores busy.
    maxWorkers: 7,
    sequence: { sequencer: Sequencer },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: files.map(([name, include]) => ({
      extends: true,
      test: {
        name,
        include,
        // Test files share a process and its loaded modules: loading them again takes a second. `shared-worker.ts` checks
        // that each file cleans up.
        isolate: false,
      },
    })),
  },
});
