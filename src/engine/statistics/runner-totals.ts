/** What happened to the runner as a whole since its start, counted from its events. */
import type { EngineEvent, KillReason } from '../../protocol/events.ts';

export class RunnerTotals {
  /** Dead runners whose jobs this one has accounted for, and these jobs. */
  recoveries = 0;
  recoveredJobs = { failed: 0, requeued: 0 };
  /** Signals that were sent to jobs: a job that gets TERM, then KILL, counts twice. */
  readonly killed: Record<KillReason, number> = {
    ...{ operator: 0, signal: 0, timeout: 0, shutdown: 0, 'taken-over': 0 },
  };
  redisOutages = 0;
  /** Failures that no `onFailure` program handled: it failed, or was not started. */
  lostNotices = 0;
  /** `null` before the first reload. */
  isLastReloadApplied: boolean | null = null;
  #isDown = false;

  heard(event: EngineEvent): void {
    switch (event.type) {
      case 'peer.recovered':
        this.recoveries += 1;
        this.recoveredJobs.failed += event.failed;
        this.recoveredJobs.requeued += event.requeued;
        break;
      case 'job.killed':
        this.killed[event.reason] += 1;
        break;
      case 'redis.down':
        // Published again if the kind of error changes.
        if (!this.#isDown) this.redisOutages += 1;
        this.#isDown = true;
        break;
      case 'redis.up':
        this.#isDown = false;
        break;
      case 'notice.failed':
      case 'notice.dropped':
        this.lostNotices += event.count;
        break;
      case 'config.reloaded':
        this.isLastReloadApplied = true;
        break;
      case 'config.rejected':
        this.isLastReloadApplied = false;
        break;
      default: // Says nothing about the runner.
    }
  }
}
