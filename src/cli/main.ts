/** Entry of the program: runs the command line in this process and ends the process. */
import module from 'node:module';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { processIo } from './command-line/io.ts';
import { runCommandLine, tellError } from './program.ts';

const io = processIo();

function crash(error: unknown): never {
  process.exit(tellError(error, io));
}

// Keep running if the reader closes its end (`resque-runner --help | head -1`, a closed terminal).
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});
process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);

/**
 * Node 22.1 and later can keep compiled code on disk, which makes the next start faster. It ignores write errors, and
 * respects NODE_COMPILE_CACHE and NODE_DISABLE_COMPILE_CACHE. This sets a directory because the default one is in the
 * directory for temporary files, where another user could create it first.
 */
function keepCompiledCode(): void {
  const { enableCompileCache } = module as { enableCompileCache?: (directory: string) => unknown };
  if (enableCompileCache === undefined) return;
  try {
    const caches = process.env.XDG_CACHE_HOME ?? '';
    enableCompileCache(join(isAbsolute(caches) ? caches : join(homedir(), '.cache'), 'resque-runner'));
  } catch {
    // A user without a home has no cache.
  }
}

keepCompiledCode();
// Setting `exitCode` is not enough: a pending lookup of a host name can't be cancelled and would keep the process.
process.exit(await runCommandLine(process.argv.slice(2), io));
