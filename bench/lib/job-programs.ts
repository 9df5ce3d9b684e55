/** The programs of the jobs: the simplest of each kind, compiled if there is a compiler. */
import { resolve } from 'node:path';
import { execa } from 'execa';
import type { Bench, Command } from './bench.ts';
import { compile } from './compile.ts';

/** Does nothing. */
export async function noopProgram(bench: Bench): Promise<string> {
  return (await compile(bench, 'noop')) ?? '/bin/true';
}

/** Reads its whole payload. */
export async function readAllProgram(bench: Bench): Promise<Command> {
  const compiled = await compile(bench, 'read-all');
  return compiled === null ? ['/bin/sh', '-c', 'exec cat > /dev/null'] : [compiled];
}

/** Sleeps. */
export async function napProgram(bench: Bench, seconds: number): Promise<Command> {
  const compiled = await compile(bench, 'nap');
  return compiled === null
    ? ['/bin/sh', '-c', `exec sleep ${seconds}`]
    : [compiled, String(Math.round(1e6 * seconds))];
}

/** A Python program of bench/programs; `null` if there is no Python. */
export async function pythonProgram(name: string): Promise<Command | null> {
  // python3 may be a script that searches for the real one.
  const print = ['-c', 'import sys; print(sys.executable)'];
  const { stdout, failed } = await execa('python3', print, { reject: false });
  return failed ? null : [stdout.trim(), programFile(`${name}.py`)];
}

/** A Node program of bench/programs. */
export function nodeProgram(name: string): Command {
  return [process.execPath, programFile(`${name}.mjs`)];
}

function programFile(name: string): string {
  return resolve('bench', 'programs', name);
}
