/**
 * `npm start [-- ARGS]`: runs the set-up, then the program, or its demo if there are no ARGS. The program runs in this
 * same process, so signals, terminal and exit code work as usual, and no wrapper stays in memory.
 */
import { realpathSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { distEntry, root } from './setup/paths.mjs';
import { reportAndExit } from './setup/setup-error.mjs';
import { setUp } from './setup.mjs';

/** npm's copy of a SIGINT arrives within a few milliseconds. A user takes longer to press Ctrl-C again. */
const interruptCopyWindowMs = 100;

const args = process.argv.slice(2);
try {
  await setUp({ needsRedisServer: !args.some((arg) => /^--redis(=|$)/.test(arg)) });
} catch (error) {
  reportAndExit(error);
}
if (isStartedByNpm()) {
  returnToCallersDirectory();
  ignoreInterruptCopies();
}
process.argv = [process.execPath, distEntry, ...(args.length === 0 ? ['demo'] : args)];
await import(pathToFileURL(distEntry).href);

/** False for a script that only inherited npm's environment, for example in a job. */
function isStartedByNpm() {
  return process.env.npm_lifecycle_event === 'start' && realpathSync(process.cwd()) === realpathSync(root);
}

/** npm changes to the package's root, but relative paths in ARGS start at the caller's directory. */
function returnToCallersDirectory() {
  if (process.env.INIT_CWD !== undefined) process.chdir(process.env.INIT_CWD);
}

/**
 * Ctrl-C reaches every process in the terminal's foreground group, and npm also forwards its own SIGINT. One key press
 * would count as two, and the second one kills all jobs.
 */
function ignoreInterruptCopies() {
  const emitter = /** @type {import('node:events').EventEmitter} */ (process);
  const emit = emitter.emit.bind(emitter);
  let lastMs = Number.NEGATIVE_INFINITY;
  emitter.emit = (name, ...args) => {
    if (name === 'SIGINT') {
      const sinceLastMs = performance.now() - lastMs;
      lastMs = performance.now();
      if (sinceLastMs < interruptCopyWindowMs) return true;
    }
    return emit(name, ...args);
  };
}
