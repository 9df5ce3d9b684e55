/** Commands: imperatives to the engine. Each gets exactly one reply. JSON-safe. */
export type Command =
  | { readonly type: 'pause-queue'; readonly queue: string }
  | { readonly type: 'resume-queue'; readonly queue: string }
  | { readonly type: 'pause-all' }
  | { readonly type: 'resume-all' }
  | { readonly type: 'set-concurrency'; readonly runner: string; readonly concurrency: number }
  | { readonly type: 'kill-job'; readonly jobId: string; readonly signal: 'SIGTERM' | 'SIGKILL' }
  | { readonly type: 'read-backlog' }
  | { readonly type: 'list-failures'; readonly offset: number; readonly count: number }
  | { readonly type: 'retry-failure'; readonly entry: FailureEntryRef }
  | { readonly type: 'remove-failure'; readonly entry: FailureEntryRef };

/**
 * Names one entry of the `failed` list by value, so that a list which others changed meanwhile can't make a
 * command hit the wrong one.
 */
export interface FailureEntryRef {
  /** Where it was last seen; only a hint for finding it fast. */
  readonly index: number;
  /** The entry's exact bytes, base64. */
  readonly recordBase64: string;
}

export interface FailureEntry extends FailureEntryRef {
  readonly failedAt: string | null;
  readonly retriedAt: string | null;
  readonly queue: string | null;
  readonly worker: string | null;
  readonly jobClass: string | null;
  /** JSON text of the args. */
  readonly args: string;
  readonly exception: string | null;
  readonly error: string | null;
  readonly backtrace: readonly string[];
  readonly stderr: string | null;
  readonly stdout: string | null;
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** False where the entry is not a JSON object: it can be removed, not retried. */
  readonly isReadable: boolean;
}

/** Why a command was not carried out, for programs; `message` is for people. */
export type RefusalCode =
  | 'unknown-queue'
  | 'unknown-runner'
  | 'unknown-job'
  | 'out-of-range'
  | 'failure-gone'
  | 'failure-unretryable'
  | 'redis-down'
  | 'stopping';

export type CommandReply =
  | { readonly ok: true; readonly message: string; readonly data?: CommandData }
  | { readonly ok: false; readonly code: RefusalCode; readonly message: string };

export type CommandData =
  | { readonly kind: 'failures'; readonly total: number; readonly entries: readonly FailureEntry[] }
  | { readonly kind: 'backlog'; readonly queues: Readonly<Record<string, number>> };
