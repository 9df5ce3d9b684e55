/** Jobs in steps: large enough that round trips hardly matter, small enough that other clients don't wait long. */
import type { EnqueueStep } from '../../resque/enqueue/enqueue.ts';
import type { FileLine, FileLines } from './file-lines.ts';
import { readJobLine, type WrongLine } from './job-line.ts';
import type { ResumePoint } from './resume-point.ts';
import { jobCursorText, lineCursorText, sha1Of } from './resume-point.ts';

export const mostJobs = 1_000;
export const mostBytes = 512 * 1024;

export interface LineStep {
  readonly kind: 'step';
  readonly step: EnqueueStep;
  /** The last line in it. */
  readonly line: number;
  /** Offset after it. */
  readonly end: number;
  /** No more jobs fit in. */
  readonly isFull: boolean;
}

/** Ends the steps; later lines weren't read. */
export interface WrongStep {
  readonly kind: 'wrong';
  readonly wrong: WrongLine;
}

export interface LastStep {
  readonly kind: 'end';
  /** How many lines there were. */
  readonly lines: number;
}

/** The jobs of lines, up to the first invalid one. Sends what has arrived, even if it is little. */
export async function* lineSteps(
  chunks: AsyncIterable<Buffer>,
  lines: FileLines,
  resumePoint: ResumePoint,
): AsyncGenerator<LineStep | WrongStep | LastStep> {
  for await (const some of linesOf(chunks, lines)) {
    let open = new OpenStep();
    for (const line of some) {
      if (resumePoint.isBefore(line)) continue;
      const job = readJobLine(line);
      if (job.kind === 'empty') continue;
      if (job.kind === 'wrong') {
        if (open.jobs > 0) yield open.close();
        yield job;
        return;
      }
      if (!open.takes(job.payload)) {
        yield open.close();
        open = new OpenStep();
      }
      open.add(job.payload, line);
    }
    if (open.jobs > 0) yield open.close();
  }
  resumePoint.endAt(lines.count);
  yield { kind: 'end', lines: lines.count };
}

async function* linesOf(
  chunks: AsyncIterable<Buffer>,
  lines: FileLines,
): AsyncGenerator<Generator<FileLine>> {
  for await (const chunk of chunks) yield lines.in(chunk);
  yield lines.last();
}

class OpenStep {
  readonly #payloads: Buffer[] = [];
  #bytes = 0;
  #last: FileLine | null = null;
  #isFull = false;

  get jobs(): number {
    return this.#payloads.length;
  }

  takes(payload: Buffer): boolean {
    const fits = this.jobs < mostJobs && this.#bytes + payload.length <= mostBytes;
    if (!fits) this.#isFull = true;
    return fits || this.jobs === 0;
  }

  add(payload: Buffer, line: FileLine): void {
    this.#payloads.push(payload);
    this.#bytes += payload.length + 1;
    this.#last = line;
  }

  close(): LineStep {
    const { number = 0, end = 0, bytes = null } = this.#last ?? {};
    const cursor = lineCursorText({ line: number, end, sha1: bytes === null ? '' : sha1Of(bytes) });
    const step = { payloads: joined(this.#payloads, this.#bytes), times: 1, jobs: this.jobs, cursor };
    return { kind: 'step', step, line: number, end, isFull: this.#isFull };
  }
}

/** All of them, each with a line feed. */
function joined(payloads: readonly Buffer[], bytes: number): Buffer {
  const all = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const payload of payloads) {
    at += payload.copy(all, at);
    all[at] = 0x0a;
    at += 1;
  }
  return all;
}

/** A whole file in one step, so that its first line runs first. */
export function headStep(payloads: readonly Buffer[], cursor: string): EnqueueStep {
  // Each push goes ahead of the earlier ones.
  const reversed = payloads.toReversed();
  const bytes = reversed.reduce((sum, payload) => sum + payload.length + 1, 0);
  return { payloads: joined(reversed, bytes), times: 1, jobs: payloads.length, cursor };
}

/** One job, many times. */
export function* jobSteps(payload: Buffer, count: number): Generator<EnqueueStep> {
  const most = Math.max(1, Math.min(mostJobs, Math.floor(mostBytes / payload.length)));
  const cursor = jobCursorText(payload);
  for (let left = count; left > 0; left -= most) {
    const jobs = Math.min(most, left);
    yield { payloads: payload, times: jobs, jobs, cursor };
  }
}
