/** What a job runs in, whether that was started for it or stood by. */
import type { OutputStream } from '../../protocol/job.ts';
import type { Hold } from './child.ts';
import type { ExitStatus } from './libc.ts';
import type { JobResult } from './result-lines.ts';

export interface JobProcess {
  readonly pid: number;
  /** Sends a signal to its whole group; nothing happens where that is gone. */
  signal(name: NodeJS.Signals): void;
}

export interface JobProcessEnd {
  readonly status: ExitStatus;
  /** Nothing of the job was read, which so has not begun. */
  readonly isUnread: boolean;
  /** Why a process that stays had to be ended. */
  readonly breach: JobResult | null;
}

export interface JobProcessHooks {
  onOutput(stream: OutputStream, chunk: Buffer): Hold;
  /** The process has ended, and the job with it. */
  onEnd(end: JobProcessEnd): void;
  /** A process that stays has said how the job ended. */
  onResult(result: JobResult): void;
}
