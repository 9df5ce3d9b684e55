/** What a program is started with and what its start returns, for both launchers. */
import type { Writable } from 'node:stream';
import type { JobUsage } from '../../protocol/job.ts';
import type { ExitStatus } from './libc.ts';

export interface LaunchSpec {
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  readonly cwd: string | null;
  /** `NAME=value`: the complete environment. */
  readonly env: readonly string[];
  /** The complete STDIN, or a pipe that stays open. */
  readonly stdin: Buffer | 'pipe';
  /** Whether descriptor 3 is a pipe too. */
  readonly hasResults: boolean;
}

/** What a program writes. */
export interface OutputPipe {
  /** @param act gets a piece that is valid only until it returns: the next piece uses the same memory */
  onData(act: (piece: Buffer) => void): void;
  /** Called when nothing more will come: the program and its children, or `destroy`, have closed the pipe. */
  onClose(act: () => void): void;
  pause(): void;
  resume(): void;
  readonly isPaused: boolean;
  destroy(): void;
}

/** A started program, the leader of a process group of its own. */
export interface LaunchedProcess {
  readonly pid: number;
  /** Set if the spec wants a pipe; closed when the program has exited. */
  readonly stdin: Writable | null;
  /**
   * Writes to this pipe directly, past its stream, which must be empty. For a small payload this halves the cost.
   *
   * @returns how many bytes it took, from none to all
   */
  writeNow(bytes: Buffer): number;
  readonly stdout: OutputPipe;
  readonly stderr: OutputPipe;
  /** Set if the spec has results. */
  readonly results: OutputPipe | null;
  /** Called once, after it has exited. Set this in the turn of the start. */
  onExit(act: (status: ExitStatus, usage: JobUsage) => void): void;
  /** Whether it has exited, as far as that can be known before `onExit` is called. */
  hasExited(): boolean;
  /** Bytes written to its STDIN that it hasn't read; `null` if that can't be known. */
  unreadBytes(): number | null;
}

/** The answer of everything that starts programs, if the program can't be started: it never ran. */
export interface NotStarted {
  /** The system's words, such as `spawn ./job ENOENT`, a little later: Node has them no sooner. Never rejects. */
  readonly whyNot: Promise<string>;
}

export type Launch = (spec: LaunchSpec) => LaunchedProcess | NotStarted;

export function isNotStarted(answer: object): answer is NotStarted {
  return 'whyNot' in answer;
}
