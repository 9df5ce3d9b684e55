/** Starts a program for all peers that wait for its end: pipes, with the payload on STDIN. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';

export function startProgram(command: readonly string[], payload: string): ChildProcessWithoutNullStreams {
  const [program = '', ...args] = command;
  const child = spawn(program, args);
  child.stdout.resume();
  child.stdin.on('error', () => {
    // The program ended before reading everything.
  });
  child.stdin.end(payload);
  return child;
}
