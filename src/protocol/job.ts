/** A running job, as engine and screen describe it. Plain data, JSON-safe. */
export interface JobView {
  /** Short and unique within one run of the engine, easy to read and type: `a91f`. */
  readonly id: string;
  readonly queue: string;
  /** Key of the pool whose slot the job holds. */
  readonly runner: string;
  /** Resque worker id, `HOST:PID-SLOT:QUEUE`. */
  readonly worker: string;
  /** The payload's `class`; `null` unless it is a string. */
  readonly jobClass: string | null;
  /** JSON text of the payload's `args`, at most `argsTextLimit` characters, cut with `…`. */
  readonly args: string;
  readonly payloadBytes: number;
  /** Milliseconds since the epoch, this machine's clock. */
  readonly startedAtMs: number;
  readonly pid: number;
}

/** How a job ended, for people; Redis gets the Resque record. */
export type JobOutcome = 'succeeded' | 'failed' | 'requeued';

export type OutputStream = 'stdout' | 'stderr';
