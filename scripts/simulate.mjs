/**
 * `npm run simulate [-- --seed=… --schedules=…]`: tries the engine's Redis side in simulated time. Exit code 1 if a
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
