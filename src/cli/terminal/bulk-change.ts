/** What commands share that change selected entries of a list: what may select them, and the question before it. */
import type { Invocation } from '../command-line/command-spec.ts';
import { Cancelled, OperatingError, UsageError, untouched } from '../command-line/exit-codes.ts';
import type { Io } from '../command-line/io.ts';
import { confirm } from './ask.ts';

/**
 * IDs, filters and `--all` exclude each other, and one of them is needed.
 *
 * @param filters the filters that were given, as typed
 * @throws UsageError
 */
export function refuseUnclear({ command, input, flags }: Invocation, filters: readonly string[]): void {
  const [filter] = filters;
  const meant = [...(filter === undefined ? [] : [filter]), ...(flags.all ? ['--all'] : [])];
  if (input.length > 0 && meant.length > 0) {
    throw new UsageError(`${command} takes either IDs or ${meant[0]}, not both`);
  }
  if (meant.length > 1) throw new UsageError(`${command} takes either ${filter} or --all, not both`);
  if (input.length === 0 && meant.length === 0) {
    throw new UsageError(
      `${command} needs an ID, a filter such as --queue mail, or --all; see resque-runner ${command} --help`,
    );
  }
}

/**
 * @param isAgreed `--yes`
 * @param onDeclined reports that nothing was changed
 * @throws Cancelled, OperatingError if the answer is no
 */
export async function agree(
  io: Io,
  question: string,
  isAgreed: boolean,
  onDeclined: () => Promise<unknown>,
): Promise<void> {
  let refusal: Error = new OperatingError(untouched);
  try {
    if (await confirm(io, question, isAgreed)) return;
  } catch (error) {
    if (!(error instanceof Cancelled)) throw error;
    refusal = error;
  }
  await onDeclined();
  throw refusal;
}
