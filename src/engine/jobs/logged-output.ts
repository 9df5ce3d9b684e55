/** What of a job's output goes into the log, as `logOutput` of its entry says. */
import type { EngineFact } from '../../protocol/events.ts';
import type { JobOutcome, OutputStream } from '../../protocol/job.ts';
import { type LoggedLines, logKept, OutputLog } from '../output/output-log.ts';
import type { OutputTail } from '../output/output-tail.ts';
import type { TakenJob } from '../pools/taken-job.ts';

export class LoggedOutput {
  readonly #jobId: string;
  readonly #taken: TakenJob;
  readonly #publish: (fact: EngineFact) => void;
  /** Set if everything goes into the log. */
  readonly #all: OutputLog | null;

  constructor(jobId: string, taken: TakenJob, publish: (fact: EngineFact) => void) {
    this.#jobId = jobId;
    this.#taken = taken;
    this.#publish = publish;
    this.#all = taken.pool.config.logOutput === 'all' ? new OutputLog(this.#lines(null)) : null;
  }

  take(stream: OutputStream, chunk: Buffer): void {
    this.#all?.take(stream, chunk);
  }

  /** @param kept what is kept of its output */
  end(outcome: JobOutcome, kept: Readonly<Partial<Record<OutputStream, OutputTail>>>): void {
    this.#all?.end();
    if (this.#all !== null || (outcome !== 'failed' && outcome !== 'retried')) return;
    const texts = { stdout: kept.stdout?.text() ?? '', stderr: kept.stderr?.text() ?? '' };
    logKept(texts, this.#lines(outcome));
  }

  #lines(outcome: 'failed' | 'retried' | null): LoggedLines {
    const { queue, payload } = this.#taken;
    const jobClass = payload.isObject ? payload.jobClass : null;
    const about = { jobId: this.#jobId, queue, jobClass, ...(outcome === null ? {} : { outcome }) };
    return {
      line: (stream, line) => this.#publish({ type: 'output.logged', ...about, stream, line }),
      leftOut: (lines) => this.#publish({ type: 'output.left-out', ...about, lines }),
    };
  }
}
