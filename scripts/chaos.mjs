/**
 * `npm run chaos [-- --seed=… --jobs=… --kills=… --delivery=…]`: kills and cuts whatever can be, and counts what
 * became of the jobs. Exit code 1 where a promise was broken.
 */
import { join } from 'node:path';
import { runTypeScript } from './setup/run-typescript.mjs';
import { reportAndExit } from './setup/setup-error.mjs';
import { setUp } from './setup.mjs';

try {
  await setUp();
  process.exitCode = await runTypeScript(
    join('chaos', 'chaos.ts'),
    process.argv.slice(2),
    'resque-runner-chaos-',
  );
} catch (error) {
  reportAndExit(error);
}
