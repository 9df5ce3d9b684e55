/**
 * The program's entry: the command line in, an exit code out. Everything else is loaded when it is needed, so
 * that `--version` costs nothing and a runner holds no code that it doesn't use.
 */

import { visible } from '../wording/visible.ts';
import { exitCodes, OperatingError, UsageError } from './exit-codes.ts';
import { stayLean } from './lean-heap.ts';

declare const __VERSION__: string;

async function main(argv: readonly string[]): Promise<number> {
  if (argv.length === 1 && argv[0] === '--version') {
    process.stdout.write(`${__VERSION__}\n`);
    return exitCodes.clean;
  }
  stayLean();
  const { readArguments } = await import('./arguments.ts');
  const { commands, programHelp } = await import('./commands.ts');
  const invocation = readArguments(argv);
  if (invocation.command === 'help') {
    process.stdout.write(`${invocation.helpOn === null ? programHelp : commands[invocation.helpOn].help}\n`);
    return exitCodes.clean;
  }
  const { run } = await commands[invocation.command].load();
  return await run({ invocation, version: __VERSION__ });
}

/** Tells an error on stderr. @returns its exit code */
function report(error: unknown): number {
  if (error instanceof UsageError || error instanceof OperatingError) {
    process.stderr.write(`resque-runner: ${shown(error.message)}\n`);
    return error instanceof UsageError ? exitCodes.usageError : exitCodes.runtimeError;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(
    `resque-runner: a fault in resque-runner ${__VERSION__} itself (Node ${process.version}); please report it with these lines:\n${shown(stack)}\n`,
  );
  return exitCodes.runtimeError;
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
