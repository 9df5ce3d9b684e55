/** What starting a program takes and gives, in whichever way it is started. */
import type { Writable } from 'node:stream';
import type { ExitStatus } from './libc.ts';

export interface LaunchSpec {
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  readonly cwd: string | null;
  /** `NAME=value`; all that it gets. */
  readonly env: readonly string[];
  /** All of its STDIN, or a pipe that stays open. */
  readonly stdin: Buffer | 'pipe';
  /** Whether descriptor 3 is a pipe too. */
  readonly hasResults: boolean;
}

/** What a program writes. */
export interface OutputPipe {
  /** @param act is handed a piece that is its own only until it returns: the next one lies in the same place */
  onData(act: (piece: Buffer) => void): void;
  /** Nothing more will come: the program and its children have closed it, or `destroy` has. */
  onClose(act: () => void): void;
  pause(): void;
  resume(): void;
  readonly isPaused: boolean;
  destroy(): void;
}

/** A program that was started, as the leader of a process group of its own. */
export interface LaunchedProcess {
  readonly pid: number;
  /** Set where the spec wants a pipe; closed when the program has exited. */
  readonly stdin: Writable | null;
  /**
   * Writes to such a pipe past its stream, in which nothing may be waiting: for a small payload that is half of the cost.
   *
   * @returns how many bytes it took, from none to all
   */
  writeNow(bytes: Buffer): number;
  readonly stdout: OutputPipe;
  readonly stderr: OutputPipe;
  /** Set where the spec has results. */
  readonly results: OutputPipe | null;
  /** Called once, after it has exited. */
  onExit(act: (status: ExitStatus) => void): void;
  /** Whether it has exited by now, as far as that can be known before `onExit` tells. */
  hasExited(): boolean;
  /** Bytes written to its STDIN that it hasn't read; `null` where that can't be known. */
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
