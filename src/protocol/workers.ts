/** What a screen shows of the workers that Redis knows, of every kind and host. JSON-safe. Texts of others are hostile until sanitized. */

export interface WorkerInfo {
  readonly id: string;
  readonly kind: 'resque-runner' | 'node-resque' | 'resque';
  /**
   * `stale`: silent for five minutes. `dead`: a runner whose process or container has ended. `unknown`: a runner that has
   * been silent for 40 s and whose process can't be seen from the engine's machine; it may be alive.
   */
  readonly state: 'idle' | 'working' | 'unknown' | 'stale' | 'dead';
  /** Why it counts as dead; `null` if it doesn't. */
  readonly death: 'gone' | 'silent' | 'cut-off' | null;
  readonly host: string;
  readonly pid: number | null;
  /** `HOST:PID`, or the part that is known. */
  readonly process: string;
  /** Names and patterns, as in its id. */
  readonly queues: string;
  /** Whether it is a slot of the engine that replies. */
  readonly isOwn: boolean;
  /** Since its last sign of life; `null` if it has given none. By Redis' clock, as all ages here. */
  readonly silentMs: number | null;
  /** Since its start; `null` if unknown. */
  readonly ageMs: number | null;
  readonly processed: number | null;
  readonly failed: number | null;
  /** What it runs, or ran last; `null` if it runs nothing. */
  readonly job: WorkerJob | null;
}

export interface WorkerJob {
  /** `null` if the worker's record can't be read. */
  readonly queue: string | null;
  readonly jobClass: string | null;
  /** JSON text of its args, cut. */
  readonly args: string;
  /** Since its start; `null` if unknown. */
  readonly ageMs: number | null;
  /** Why the record can't be read, for people; otherwise `null`. */
  readonly problem: string | null;
}

export interface WorkersData {
  readonly kind: 'workers';
  /** Number of all registered workers. */
  readonly total: number;
  /** Stale and dead ones first. */
  readonly workers: readonly WorkerInfo[];
}

/** Most workers of a reply. */
export const workersLimit = 1_000;
