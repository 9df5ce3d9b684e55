/**
 * The whole program as a function from a command line to an exit code. It loads modules when they are needed, so
 * `--version` is cheap and a runner has no unused code in memory.
 */
import { visible } from '../messages/visible.ts';
import { Cancelled, exitCodes, OperatingError, UsageError } from './command-line/exit-codes.ts';
import type { Io } from './command-line/io.ts';

declare const __VERSION__: string;

/** @param argv the words after the program's name. @returns the exit code, after printing any error to stderr */
export async function runCommandLine(argv: readonly string[], io: Io): Promise<number> {
  try {
    return await run(argv, io);
  } catch (error) {
    return tellError(error, io);
  }
}

async function run(argv: readonly string[], io: Io): Promise<number> {
  if (argv.length === 1 && argv[0] === '--version') {
    io.stdout.write(`${__VERSION__}\n`);
    return exitCodes.clean;
  }
  if (argv[0] === '__complete') {
    const [{ offerLines }, { commands, firstWords, groups }] = await Promise.all([
      import('./completion/offers.ts'),
      import('./commands.ts'),
    ]);
    io.stdout.write(offerLines(argv.slice(1), { specs: commands, groups, firstWords }));
    return exitCodes.clean;
  }
  const { commands, readArguments } = await import('./read-arguments.ts');
  const read = readArguments(argv, io.cwd);
  if (read.kind === 'help') {
    const { helpOn } = await import('./help.ts');
    io.stdout.write(`${helpOn(read.topic, io.stdout.columns)}\n`);
    return exitCodes.clean;
  }
  const command = await commands[read.invocation.command].load();
  return await command.run({ invocation: read.invocation, version: __VERSION__, io });
}

/** Prints an error to stderr. @returns its exit code */
export function tellError(error: unknown, { stderr }: Pick<Io, 'stderr'>): number {
  const exitCode = exitCodeOf(error);
  if (exitCode !== null && error instanceof Error) {
    stderr.write(`resque-runner: ${shown(error.message)}\n`);
    return exitCode;
  }
  if (error instanceof Error && 'code' in error && (error.code === 'EMFILE' || error.code === 'ENFILE')) {
    stderr.write(
      `resque-runner: too many open files (${error.code}): raise the limit of open files (ulimit -n)\n`,
    );
    return exitCodes.runtimeError;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  stderr.write(
    `resque-runner: internal error in resque-runner ${__VERSION__} (Node ${process.version}); please report it with these lines:\n${shown(stack)}\n`,
  );
  return exitCodes.runtimeError;
}

/** @returns `null` for an error that this program doesn't throw on purpose */
function exitCodeOf(error: unknown): number | null {
  if (error instanceof UsageError) return exitCodes.usageError;
  if (error instanceof OperatingError) return exitCodes.runtimeError;
  return error instanceof Cancelled ? exitCodes.interrupted : null;
}

/** Escapes control characters, which quoted text may contain, but keeps line breaks. */
function shown(text: string): string {
  return text.split('\n').map(visible).join('\n');
}
