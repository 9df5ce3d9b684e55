/** What a job runs in, whether that was started for it or stood by. */
import type { OutputStream } from '../protocol/job.ts';
import type { JobResult } from './job-result.ts';
import type { ExitStatus } from './libc.ts';

export interface JobProcess {
  readonly pid: number;
  /** Sends a signal to its whole group; nothing happens where that is gone. */
  signal(name: NodeJS.Signals): void;
}

export interface JobProcessHooks {
  onOutput(stream: OutputStream, chunk: Buffer): void;
  /**
   * The process has ended, and the job with it.
   *
   * @param isUnread nothing of the job was read, which so has not begun
   */
  onEnd(end: ExitStatus, isUnread: boolean): void;
  /** A process that stays has said how the job ended, or what can't be taken for that. */
  onResult(result: JobResult): void;
}
