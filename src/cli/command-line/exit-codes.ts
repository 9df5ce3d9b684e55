/** Exit codes, and the errors that `main.ts` turns into them. */

export const exitCodes = {
  clean: 0,
  runtimeError: 1,
  usageError: 2,
  /** `enqueue --unique`: the same job is waiting already. */
  alreadyWaiting: 3,
  /** Ctrl-C: the code that shells use for SIGINT. */
  interrupted: 130,
} as const;

/** A mistake in the command line or the config. Prints the message as it is, without a stack; exits with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** An error outside the program, such as in Redis. Prints the message without a stack; exits with 1. */
export class OperatingError extends Error {
  override readonly name = 'OperatingError';
}

/** Message after the user answered no. */
export const untouched = 'nothing was changed';

/** The user cancelled a question. Exits with 130. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';

  constructor() {
    super(untouched);
  }
}
