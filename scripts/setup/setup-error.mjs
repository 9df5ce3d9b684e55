/** How set-up fails: with a message that says what to do, without a stack. */

/** A failure that the person at the keyboard can mend; its message says how. */
export class SetupError extends Error {
  /** @override */
  name = 'SetupError';

  /**
   * @param {string} message
   * @param {number} exitCode 1, or 2 where the command line is at fault
   */
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * Ends the process. A {@link SetupError} shows its message only; anything else is a bug in the set-up, and shows
 * its stack.
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
  // esbuild has printed its findings by itself.
  if (error instanceof Error && 'errors' in error) return 'resque-runner: the build failed.';
  return error instanceof Error ? error.stack : String(error);
}
