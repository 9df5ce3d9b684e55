/** The program's entry: runs the command line in this process, and ends the process. */
import module from 'node:module';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
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

/**
 * From Node 22.1 on, Node keeps compiled code on disk, and the next start is faster. It does so quietly, also if it can't
 * write there, and respects NODE_COMPILE_CACHE and NODE_DISABLE_COMPILE_CACHE. By default it would use the directory for
 * temporary files, where another user may make that directory first.
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
// Not `exitCode`: looking up a host name may hang. It can't be called off, and would keep the process.
process.exit(await runCommandLine(process.argv.slice(2), io));
