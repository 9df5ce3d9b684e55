/**
 * The program's entry: the command line in, an exit code out. Everything else is loaded when it is needed, so
 * that `--version` costs nothing and a runner holds no code that it doesn't use.
 */
import { visible } from '../messages/visible.ts';
import { Cancelled, exitCodes, OperatingError, UsageError } from './command-line/exit-codes.ts';

declare const __VERSION__: string;

async function main(argv: readonly string[]): Promise<number> {
  if (argv.length === 1 && argv[0] === '--version') {
    process.stdout.write(`${__VERSION__}\n`);
    return exitCodes.clean;
  }
  if (argv[0] === '__complete') {
    const [{ offerLines }, { commands, firstWords, groups }] = await Promise.all([
      import('./completion/offers.ts'),
      import('./commands.ts'),
    ]);
    process.stdout.write(offerLines(argv.slice(1), { specs: commands, groups, firstWords }));
    return exitCodes.clean;
  }
  const { readArguments } = await import('./read-arguments.ts');
  const read = readArguments(argv);
  if (read.kind === 'help') {
    const { helpOn } = await import('./help.ts');
    process.stdout.write(`${helpOn(read.topic, process.stdout.columns)}\n`);
    return exitCodes.clean;
  }
  const { commands } = await import('./commands.ts');
  const { run } = await commands[read.invocation.command].load();
  return await run({ invocation: read.invocation, version: __VERSION__ });
}

/** Tells an error on stderr. @returns its exit code */
function report(error: unknown): number {
  const exitCode = exitCodeOf(error);
  if (exitCode !== null && error instanceof Error) {
    process.stderr.write(`resque-runner: ${shown(error.message)}\n`);
    return exitCode;
  }
  if (error instanceof Error && 'code' in error && (error.code === 'EMFILE' || error.code === 'ENFILE')) {
    process.stderr.write(
      `resque-runner: too many open files (${error.code}): raise the limit of open files (ulimit -n)\n`,
    );
    return exitCodes.runtimeError;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(
    `resque-runner: a fault in resque-runner ${__VERSION__} itself (Node ${process.version}); please report it with these lines:\n${shown(stack)}\n`,
  );
  return exitCodes.runtimeError;
}

/** @returns `null` for what nobody has foreseen */
function exitCodeOf(error: unknown): number | null {
  if (error instanceof UsageError) return exitCodes.usageError;
  if (error instanceof OperatingError) return exitCodes.runtimeError;
  return error instanceof Cancelled ? exitCodes.interrupted : null;
}

/** Lines stay lines; what they quote may hold anything. */
function shown(text: string): string {
  return text.split('\n').map(visible).join('\n');
}

function crash(error: unknown): never {
  process.exit(report(error));
}

// A reader that went away (`resque-runner --help | head -1`, a closed terminal) is no reason to end.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});
process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);

// Not `exitCode`: a lookup of a host name that hangs can't be called off, and would keep the process.
process.exit(await main(process.argv.slice(2)).catch(report));
