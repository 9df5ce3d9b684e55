/**
 * `npm run chaos [-- --seed=… --jobs=… --kills=… --delivery=…]`: kills processes and cuts connections, then counts
 * the outcomes of the jobs. Exits with 1 if a promise was broken.
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
