/** How all peers that run jobs to their end start a program: pipes, the payload on STDIN. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';

export function startProgram(command: readonly string[], payload: string): ChildProcessWithoutNullStreams {
  const [program = '', ...args] = command;
  const child = spawn(program, args);
  child.stdout.resume();
  child.stdin.on('error', () => {
    // It ended without reading all.
  });
  child.stdin.end(payload);
  return child;
}
