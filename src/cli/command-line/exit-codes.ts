/** How the program ends: its exit codes, and the errors that `main.ts` turns into them. */

export const exitCodes = {
  clean: 0,
  runtimeError: 1,
  usageError: 2,
  /** Ctrl-C: what shells make of SIGINT. */
  interrupted: 130,
} as const;

/** A mistake in the command line or the config: told without a stack, exit 2. Each line goes out as it is. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Something outside the program that doesn't work, such as Redis: told without a stack, exit 1. */
export class OperatingError extends Error {
  override readonly name = 'OperatingError';
}

/** What is said where somebody has decided against it. */
export const untouched = 'nothing was changed';

/** Somebody has left a question, and all that would have followed: exit 130. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';

  constructor() {
    super(untouched);
  }
}
