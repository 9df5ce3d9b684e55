/** The program's entry: runs the command line in this process, and ends the process. */
import { processIo } from './command-line/io.ts';
import { runCommandLine, tellError } from './program.ts';

const io = processIo();

function crash(error: unknown): never {
  process.exit(tellError(error, io));
}

// A reader that went away (`resque-runner --help | head -1`, a closed terminal) is no reason to end.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});
process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);

// Not `exitCode`: looking up a host name may hang. It can't be called off, and would keep the process.
process.exit(await runCommandLine(process.argv.slice(2), io));
