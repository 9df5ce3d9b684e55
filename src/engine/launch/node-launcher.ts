/** Starts programs through Node's `child_process`: works everywhere, costs a fork() of this process each time. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { assertDescriptors } from '../machine/descriptors.ts';
import type { Launch, LaunchedProcess, LaunchSpec, NotStarted, OutputPipe } from './launched-process.ts';
import { openPayloadFile } from './payload-file.ts';

export function launcherOfNode(): Launch {
  return (spec) => {
    const payload = spec.stdin === 'pipe' ? null : spec.stdin;
    const file = payload === null ? null : openPayloadFile(payload, null);
    const child = trySpawn(spec, file);
    if (file !== null) closeSync(file);
    if (typeof child === 'string') return { whyNot: Promise.resolve(child) };
    if (child.pid === undefined) return failure(child);
    if (payload !== null && child.stdin !== null) {
      // EPIPE and the like: a job that doesn't read its STDIN has not failed.
      child.stdin.on('error', () => {});
      child.stdin.end(payload);
    }
    return launched(child, child.pid, spec);
  };
}

/** @returns the system's words if Node throws them instead of emitting them: E2BIG and others */
function trySpawn(spec: LaunchSpec, stdin: number | null): ChildProcess | string {
  const [program, ...args] = spec.command;
  const options: SpawnOptions = {
    detached: true,
    env: Object.fromEntries(spec.env.map(nameAndValue)),
    stdio: [stdin ?? 'pipe', 'pipe', 'pipe', ...(spec.hasResults ? (['pipe'] as const) : [])],
    ...(spec.cwd === null ? {} : { cwd: spec.cwd }),
  };
  try {
    // Two for each pipe, and two more to report an error from the child. If only these two are missing, Node 20 says
    // EMFILE and never closes the others.
    assertDescriptors(2 * ((stdin === null ? 3 : 2) + (spec.hasResults ? 1 : 0) + 1));
  } catch (error) {
    return `spawn ${program} ${(error as NodeJS.ErrnoException).code}`;
  }
  try {
    return spawn(program, args, options);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function nameAndValue(variable: string): [string, string] {
  const at = variable.indexOf('=');
  return [variable.slice(0, at), variable.slice(at + 1)];
}

function failure(child: ChildProcess): NotStarted {
  return {
    whyNot: new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message));
    }),
  };
}

function launched(child: ChildProcess, pid: number, spec: LaunchSpec): LaunchedProcess {
  // Without this a failed `kill` of a child that is gone would be an uncaught error.
  child.on('error', () => {});
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new TypeError('a child has no pipes');
  return {
    pid,
    stdin: spec.stdin === 'pipe' ? child.stdin : null,
    writeNow: () => 0,
    stdout: outputPipe(stdout),
    stderr: outputPipe(stderr),
    results: spec.hasResults ? outputPipe(child.stdio[3] as Readable) : null,
    // A death by a real-time signal comes as exit code 0: Node has no name for it, and no way to ask.
    onExit: (act) => child.once('exit', (exitCode, signal) => act({ exitCode, signal }, {})),
    hasExited: () => child.exitCode !== null || child.signalCode !== null,
    unreadBytes: () => null,
  };
}

function outputPipe(stream: Readable): OutputPipe {
  // A read error ends the pipe like its end does.
  stream.on('error', () => {});
  return {
    onData: (act) => stream.on('data', act),
    onClose: (act) => stream.once('close', act),
    pause: () => stream.pause(),
    resume: () => stream.resume(),
    get isPaused() {
      return stream.isPaused();
    },
    destroy: () => stream.destroy(),
  };
}
