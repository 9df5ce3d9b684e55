/** Errors of the set-up: a message that says how to fix the problem, without a stack. */

/** A failure that the user can fix; its message says how. */
export class SetupError extends Error {
  /** @override */
  name = 'SetupError';

  /**
   * @param {string} message
   * @param {number} exitCode 1, or 2 for a mistake in the command line
   */
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * Prints the error and ends the process. A {@link SetupError} has only a message; any other error is a bug in the set-up
 * and prints its stack.
 *
 * @param {unknown} error
 * @returns {never}
 */
export function reportAndExit(error) {
  console.error(describe(error));
  process.exit(error instanceof SetupError ? error.exitCode : 1);
}

/** @param {unknown} error */
export function describe(error) {
  if (error instanceof SetupError) return `resque-runner: ${error.message}`;
  // esbuild has already printed the errors.
  if (error instanceof Error && 'errors' in error) return 'resque-runner: the build failed.';
  return error instanceof Error ? error.stack : String(error);
}
