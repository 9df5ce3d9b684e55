/**
 * `npm start [-- ARGS]`: does all the set-up there is, then becomes the program, or its demo when there are no
 * ARGS. The program runs in this very process: signals, terminal and exit code are its own, and no wrapper
 * stays in memory.
 */
import { realpathSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { distEntry, root } from './setup/paths.mjs';
import { reportAndExit } from './setup/setup-error.mjs';
import { setUp } from './setup.mjs';

/** A person takes longer to press Ctrl-C again; npm's copy comes within a few. */
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

/** Not so for a script that merely inherited npm's environment, from a job's runner for instance. */
function isStartedByNpm() {
  return process.env.npm_lifecycle_event === 'start' && realpathSync(process.cwd()) === realpathSync(root);
}

/** npm moves to the package's root; relative paths in ARGS mean where the caller is. */
function returnToCallersDirectory() {
  if (process.env.INIT_CWD !== undefined) process.chdir(process.env.INIT_CWD);
}

/**
 * Ctrl-C reaches every process of the terminal's foreground group, and npm then passes its own on to us: one key
 * press would count as two, of which the second kills all jobs at once.
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
