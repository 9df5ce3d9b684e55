/**
 * `npm run simulate [-- --seed=… --schedules=…]`: tests the engine's use of Redis in simulated time. Exits with 1 if a
 * promise was broken.
 */
import { join } from 'node:path';
import { runTypeScript } from './setup/run-typescript.mjs';
import { reportAndExit } from './setup/setup-error.mjs';
import { setUp } from './setup.mjs';

try {
  await setUp();
  process.exitCode = await runTypeScript(
    join('simulate', 'simulate.ts'),
    process.argv.slice(2),
    'resque-runner-simulate-',
  );
} catch (error) {
  reportAndExit(error);
}
