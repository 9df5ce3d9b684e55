/** What a screen shows of the jobs that wait on a queue. JSON-safe. Texts of others are hostile until sanitized. */

/** Identifies a waiting job by value. Equal jobs can't be told apart; the one at the index is meant, if it is still there. */
export interface WaitingJobRef {
  /** Its last known index, a hint for finding it fast. */
  readonly index: number;
  /** Of its bytes. */
  readonly sha1: string;
}

export interface WaitingJob extends WaitingJobRef {
  /** In bytes. */
  readonly size: number;
  /** Its bytes as text, or their beginning. */
  readonly payload: string;
  readonly isWhole: boolean;
  readonly jobClass: string | null;
  /** JSON text of the args, shortened; '' if there are none, or if the payload is not whole. */
  readonly args: string;
}
