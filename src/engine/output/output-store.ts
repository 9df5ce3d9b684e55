/**
 * Keeps the output of running jobs and of the last ended ones. Drops the oldest ended jobs first, by number and by size. A
 * job without output costs an entry in a map.
 */
import { stripVTControlCharacters } from 'node:util';
import { YieldTimer } from '../../failures/search.ts';
import type { OutputReader, OutputStream } from '../../protocol/job.ts';
import { endedJobsLimit } from '../../protocol/snapshot.ts';
import { JobOutput, type JobOutputOptions } from './job-output.ts';

export interface OutputStoreLimits {
  readonly endedJobs: number;
  /** Of ended jobs. */
  readonly fileBytes: number;
  /** Of running and ended jobs; each takes a descriptor and up to 8 MiB of the disk. */
  readonly files: number;
}

const defaultLimits: OutputStoreLimits = {
  endedJobs: endedJobsLimit,
  fileBytes: 64 * 1024 * 1024,
  files: 128,
};

/** How much of an output is searched at once. */
const searchedBytes = 256 * 1024;

export class OutputStore {
  readonly #limits: OutputStoreLimits;
  /** Lower after descriptors have run out. */
  #filesLimit: number;
  readonly #options: Partial<JobOutputOptions>;
  readonly #running = new Map<string, JobOutput>();
  /** Oldest first; `null` for a job without output. */
  readonly #ended = new Map<string, JobOutput | null>();
  #isClosed = false;

  constructor(limits: Partial<OutputStoreLimits> = {}, options: Partial<JobOutputOptions> = {}) {
    this.#limits = { ...defaultLimits, ...limits };
    this.#filesLimit = this.#limits.files;
    this.#options = { ...options, mayMakeFile: () => this.#mayMakeFile() };
  }

  /** @returns `null`: the caller never has to wait */
  take(jobId: string, stream: OutputStream, chunk: Buffer, atMs: number): null {
    if (!this.#isClosed) this.#outputOf(jobId).push(stream, chunk, atMs);
    return null;
  }

  #outputOf(jobId: string): JobOutput {
    const known = this.#running.get(jobId);
    if (known !== undefined) return known;
    const output = new JobOutput(this.#options);
    this.#running.set(jobId, output);
    return output;
  }

  /** The job has ended. */
  end(jobId: string): void {
    const output = this.#running.get(jobId) ?? null;
    this.#running.delete(jobId);
    output?.end();
    if (this.#isClosed) return;
    this.#ended.set(jobId, output);
    if (this.#ended.size > this.#limits.endedJobs) this.#dropOldest();
    if (output === null || output.fileBytes === 0) return;
    const size = () => withFile(this.#ended).reduce((sum, { fileBytes }) => sum + fileBytes, 0);
    while (size() > this.#limits.fileBytes) this.#dropOldest();
  }

  #dropOldest(): void {
    const [oldest] = this.#ended;
    if (oldest === undefined) return;
    const [jobId, output] = oldest;
    this.#ended.delete(jobId);
    output?.release();
  }

  /** Drops ended jobs to make room for a running one. */
  #mayMakeFile(): boolean {
    const left = this.#filesLimit - withFile(this.#running).length;
    if (left <= 0) return false;
    while (withFile(this.#ended).length >= left) this.#dropOldest();
    return true;
  }

  /**
   * Halves the number of files, now and for the future, because descriptors have run out. Ended jobs lose their files, but
   * the end of their output stays in memory.
   *
   * @returns whether any file was closed
   */
  giveBackFiles(): boolean {
    const ended = withFile(this.#ended);
    if (ended.length === 0) return false;
    this.#filesLimit = (ended.length + withFile(this.#running).length) >> 1;
    for (const output of ended.slice(0, Math.ceil(ended.length / 2))) output.close();
    return true;
  }

  /**
   * Finds the jobs whose kept output contains a text. Reads all of it, in files too, and lets other work go on between its
   * parts.
   *
   * @param text not empty, without a line break. Ignores case, and the colors of the output
   * @returns IDs of jobs: ended ones, then running ones
   */
  async find(text: string): Promise<readonly string[]> {
    const timer = new YieldTimer();
    const found: string[] = [];
    for (const jobId of [...this.#ended.keys(), ...this.#running.keys()]) {
      const reader = (this.#running.get(jobId) ?? this.#ended.get(jobId))?.openReader();
      if (reader === undefined) continue;
      try {
        if (await hasText(reader, text.toLowerCase(), timer)) found.push(jobId);
      } finally {
        reader.close();
      }
    }
    return found;
  }

  /** @returns `null` if the job neither runs nor is one of the kept ones */
  open(jobId: string, isRunning: boolean): OutputReader | null {
    if (isRunning && !this.#isClosed) return this.#outputOf(jobId).openReader();
    const output = this.#ended.get(jobId);
    if (output === undefined) return null;
    if (output !== null) return output.openReader();
    const nothing = new JobOutput();
    nothing.end();
    return nothing.openReader();
  }

  /** Closes every file. */
  close(): void {
    this.#isClosed = true;
    for (const output of [...this.#running.values(), ...this.#ended.values()]) output?.close();
    this.#running.clear();
    this.#ended.clear();
  }
}

function withFile(outputs: ReadonlyMap<string, JobOutput | null>): JobOutput[] {
  return [...outputs.values()].filter((output) => output !== null).filter(({ fileBytes }) => fileBytes > 0);
}

async function hasText(reader: OutputReader, wanted: string, timer: YieldTimer): Promise<boolean> {
  /** The end of what each stream has printed so far, in which the text may begin. */
  const ends: Record<OutputStream, string> = { stdout: '', stderr: '' };
  for (;;) {
    await timer.yieldIfDue();
    const { pieces, isEnd } = reader.read(searchedBytes);
    for (const { stream, text } of pieces) {
      const printed = text.includes('\u001B') ? stripVTControlCharacters(text) : text;
      const whole = ends[stream] + printed.toLowerCase();
      if (whole.includes(wanted)) return true;
      ends[stream] = whole.slice(1 - wanted.length || whole.length);
    }
    if (isEnd || pieces.length === 0) return false;
  }
}
