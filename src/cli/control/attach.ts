/** `resque-runner attach`: the screen of a runner that is already running. */
import { createInterface } from 'node:readline/promises';
import type { ListedSocket } from '../../link/sockets/list-sockets.ts';
import { runnerSummary } from '../../messages/runners.ts';
import type { CommandContext } from '../command-line/command-spec.ts';
import { UsageError } from '../command-line/exit-codes.ts';
import { type Io, isInteractive } from '../command-line/io.ts';
import { attachUi } from '../run/ui-session.ts';
import { findRunners } from './find-runners.ts';

export async function run({ invocation, io }: CommandContext): Promise<number> {
  const { input, flags } = invocation;
  if (!isInteractive(io)) {
    throw new UsageError(
      'attach needs a terminal: STDIN and STDOUT must be terminals, and TERM must not be "dumb"',
    );
  }
  const found = await findRunners(io, input[0] ?? null, flags.socket);
  const socket = found.by === 'socket' ? found.path : await choose(io, found.listed);
  return await attachUi(io, {
    ...{ socket, isReadOnly: flags.readOnly, hasMouse: flags.mouse, isQuiet: flags.quiet },
  });
}

/** If there are several, the user chooses one. @returns its socket */
async function choose(
  { stdin, stdout }: Io,
  found: readonly [ListedSocket, ...ListedSocket[]],
): Promise<string> {
  if (found.length === 1) return found[0].path;
  stdout.write(`${found.length} runners are running:\n`);
  found.forEach(({ hello }, at) => {
    stdout.write(`  ${at + 1}  ${runnerSummary(hello)}\n`);
  });
  const lines = createInterface({ input: stdin, output: stdout });
  try {
    for (;;) {
      const answer = (await lines.question(`Which one? 1-${found.length}, or q: `)).trim();
      if (answer === 'q' || answer === '') throw new UsageError('no runner was chosen');
      const chosen = /^\d+$/.test(answer) ? found[Number(answer) - 1] : undefined;
      if (chosen !== undefined) return chosen.path;
    }
  } finally {
    lines.close();
  }
}
