/** What the jobs run: what does the least of its kind, compiled where there is a compiler. */
import { resolve } from 'node:path';
import { execa } from 'execa';
import type { Bench, Command } from './bench.ts';
import { compile } from './compile.ts';

/** Does nothing. */
export async function noopProgram(bench: Bench): Promise<string> {
  return (await compile(bench, 'noop')) ?? '/bin/true';
}

/** Reads all of its payload. */
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

/** One of bench/programs that Python runs; `null` where there is none. */
export async function pythonProgram(name: string): Promise<Command | null> {
  // What is called python3 may be a script that looks for one.
  const print = ['-c', 'import sys; print(sys.executable)'];
  const { stdout, failed } = await execa('python3', print, { reject: false });
  return failed ? null : [stdout.trim(), programFile(`${name}.py`)];
}

/** One of bench/programs that Node runs. */
export function nodeProgram(name: string): Command {
  return [process.execPath, programFile(`${name}.mjs`)];
}

function programFile(name: string): string {
  return resolve('bench', 'programs', name);
}
