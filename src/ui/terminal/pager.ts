/**
 * Shows a text in the user's pager. The pager reads it from a pipe and its keys from the terminal, which must have been given
 * back before: see `ScreenGuard.lend`.
 */
import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

type Environment = Readonly<Record<string, string | undefined>>;

/** Needs no shell. Without one, a signal for the pager reaches it and not only its shell. */
const plainCommand = /^[\w\s./:@%+,-]+$/;

/** Codes of a shell that can't find or can't run a command. */
const notFound = 127;
const notExecutable = 126;

/** @returns why the pager failed; `null` if the user has left it */
export async function runPager(text: readonly Buffer[], env: Environment): Promise<string | null> {
  const chosen = env.PAGER?.trim() ?? '';
  const command = chosen === '' ? 'less' : chosen;
  // Without it, less shows colors as codes.
  const pager = start(command, { ...env, LESS: env.LESS ?? 'R' });
  // The terminal must not be left to it when this program exits.
  const end = () => pager.kill();
  process.once('exit', end);
  const ended = new Promise<string | null>((resolve) => {
    pager.once('error', (error: NodeJS.ErrnoException) => {
      resolve(problemOf(command, error.code === 'ENOENT' ? notFound : notExecutable, null));
    });
    pager.once('close', (code, signal) => resolve(problemOf(command, code, signal)));
  });
  // It may be left before it has read everything, and how it ended says more than a broken pipe.
  const written = pipeline(Readable.from(text), pager.stdin).catch(() => {});
  try {
    const problem = await ended;
    await written;
    return problem;
  } finally {
    process.off('exit', end);
  }
}

function start(command: string, env: NodeJS.ProcessEnv) {
  const stdio: ['pipe', 'inherit', 'inherit'] = ['pipe', 'inherit', 'inherit'];
  const [program = '', ...args] = command.split(/\s+/);
  if (plainCommand.test(command)) return spawn(program, args, { stdio, env });
  // Ctrl-C is for the pager. Its shell would end with it.
  return spawn('/bin/sh', ['-c', `trap : INT QUIT\n${command}`], { stdio, env });
}

function problemOf(command: string, code: number | null, signal: string | null): string | null {
  if (code === 0) return null;
  if (code === notFound) return `the pager ${command} was not found; set PAGER to another one`;
  if (code === notExecutable) return `the pager ${command} can't be executed; set PAGER to another one`;
  return signal === null ? `the pager ${command} exited with ${code}` : `the pager ${command} got ${signal}`;
}
