/**
 * What of a job's output goes into the log of the runner, as `logOutput` of its entry says: all of it while the job runs, or
 * what is kept of it once the job has failed. Both are limited, so that a job that prints without end doesn't fill the log.
 * Empty lines are left out.
 */
import { StringDecoder } from 'node:string_decoder';
import type { EngineFact } from '../../protocol/events.ts';
import type { JobOutcome, OutputStream } from '../../protocol/job.ts';
import { countLines, type OutputTail } from '../output/output-tail.ts';

/** Lines of a job. */
export const loggedLinesLimit = 1_000;
/** Characters of a line. */
export const loggedLineLimit = 4_000;

const streams = ['stdout', 'stderr'] as const;

export interface LoggedJob {
  readonly jobId: string;
  readonly queue: string;
  readonly jobClass: string | null;
}

interface Unfinished {
  readonly decoder: StringDecoder;
  text: string;
}

export class LoggedOutput {
  readonly #job: LoggedJob;
  readonly #isAll: boolean;
  readonly #publish: (fact: EngineFact) => void;
  readonly #unfinished: Partial<Record<OutputStream, Unfinished>> = {};
  #lines = 0;
  #leftOut = 0;

  /** @param which `all` output, or that of `failed` jobs */
  constructor(job: LoggedJob, which: 'all' | 'failed', publish: (fact: EngineFact) => void) {
    this.#job = job;
    this.#isAll = which === 'all';
    this.#publish = publish;
  }

  take(stream: OutputStream, chunk: Buffer): void {
    if (!this.#isAll) return;
    if (this.#lines >= loggedLinesLimit) {
      this.#leftOut += countLines(chunk);
      return;
    }
    this.#unfinished[stream] ??= { decoder: new StringDecoder('utf8'), text: '' };
    const unfinished = this.#unfinished[stream];
    const lines = (unfinished.text + unfinished.decoder.write(chunk)).split('\n');
    // Longer than the limit, so that it shows that it was cut.
    unfinished.text = overwritten(lines.pop() ?? '').slice(0, loggedLineLimit + 1);
    for (const text of lines) this.#tell(stream, text);
  }

  #tell(stream: OutputStream, text: string): void {
    const line = shown(text);
    if (line === '') return;
    if (this.#lines >= loggedLinesLimit) {
      this.#leftOut += 1;
      return;
    }
    this.#lines += 1;
    this.#publish({ type: 'output.logged', ...this.#job, stream, line });
    if (this.#lines === loggedLinesLimit)
      this.#publish({ type: 'output.left-out', ...this.#job, lines: null });
  }

  /** The job has ended. @param kept what is kept of its output */
  end(outcome: JobOutcome, kept: Readonly<Partial<Record<OutputStream, OutputTail>>>): void {
    if (!this.#isAll) {
      if (outcome === 'failed' || outcome === 'retried') this.#tellKept(outcome, kept);
      return;
    }
    for (const stream of streams) this.#tell(stream, this.#unfinished[stream]?.text ?? '');
    if (this.#leftOut > 0) this.#publish({ type: 'output.left-out', ...this.#job, lines: this.#leftOut });
  }

  /** The last lines: those of STDOUT, then those of STDERR, which ends with the reason. */
  #tellKept(outcome: 'failed' | 'retried', kept: Readonly<Partial<Record<OutputStream, OutputTail>>>): void {
    const about = { ...this.#job, outcome };
    const all = streams.flatMap((stream) => {
      const lines = (kept[stream]?.text() ?? '').split('\n').map(shown);
      return lines.filter((line) => line !== '').map((line) => ({ stream, line }));
    });
    const lines = all.length - loggedLinesLimit;
    if (lines > 0) this.#publish({ type: 'output.left-out', ...about, lines });
    for (const each of all.slice(-loggedLinesLimit))
      this.#publish({ type: 'output.logged', ...about, ...each });
  }
}

function shown(text: string): string {
  const line = overwritten(text.trimEnd());
  return line.length <= loggedLineLimit ? line : `${line.slice(0, loggedLineLimit - 1).toWellFormed()}…`;
}

/** Of a line that rewrites itself with CR, such as a progress bar, the last text. A CR at its end may be half of a CRLF. */
function overwritten(text: string): string {
  const at = text.lastIndexOf('\r', text.length - 2);
  return at === -1 || text.length < 2 ? text : text.slice(at + 1);
}
