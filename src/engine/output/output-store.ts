/**
 * Keeps the output of running jobs and of the last ended ones. Drops the oldest ended jobs first, by number and by size. A
 * job without output costs an entry in a map.
 */
import type { OutputReader, OutputStream } from '../../protocol/job.ts';
import { endedJobsLimit } from '../../protocol/snapshot.ts';
import { JobOutput, type JobOutputOptions } from './job-output.ts';

export interface OutputStoreLimits {
  readonly endedJobs: number;
  /** Of ended jobs. */
  readonly memoryBytes: number;
  readonly fileBytes: number;
  /** Of running and ended jobs; each takes a descriptor and up to 8 MiB of the disk. */
  readonly files: number;
}

const defaultLimits: OutputStoreLimits = {
  endedJobs: endedJobsLimit,
  memoryBytes: 2 * 1024 * 1024,
  fileBytes: 64 * 1024 * 1024,
  files: 128,
};

export class OutputStore {
  readonly #limits: OutputStoreLimits;
  /** Lower after descriptors have run out. */
  #filesLimit: number;
  readonly #options: Partial<JobOutputOptions>;
  readonly #running = new Map<string, JobOutput>();
  /** Oldest first; `null` for a job without output. */
  readonly #ended = new Map<string, JobOutput | null>();
  #endedMemoryBytes = 0;
  #endedFileBytes = 0;
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
    this.#count(output, 1);
    while (this.#isFull) this.#dropOldest();
  }

  get #isFull(): boolean {
    const { endedJobs, memoryBytes, fileBytes } = this.#limits;
    return (
      this.#ended.size > endedJobs || this.#endedMemoryBytes > memoryBytes || this.#endedFileBytes > fileBytes
    );
  }

  #dropOldest(): void {
    const oldest = this.#ended.entries().next().value;
    if (oldest === undefined) return;
    const [jobId, output] = oldest;
    this.#ended.delete(jobId);
    this.#count(output, -1);
    output?.release();
  }

  #count(output: JobOutput | null, sign: 1 | -1): void {
    this.#endedMemoryBytes += sign * (output?.memoryBytes ?? 0);
    this.#endedFileBytes += sign * (output?.fileBytes ?? 0);
  }

  /** Drops ended jobs to make room for a running one. */
  #mayMakeFile(): boolean {
    const left = this.#filesLimit - countFiles(this.#running.values());
    if (left <= 0) return false;
    while (countFiles(this.#ended.values()) >= left) this.#dropOldest();
    return true;
  }

  /**
   * Halves the number of files, now and for the future, because descriptors have run out. Ended jobs lose their files, but
   * the end of their output stays in memory.
   *
   * @returns whether any file was closed
   */
  giveBackFiles(): boolean {
    const ended = [...this.#ended.values()].filter((output) => output?.hasFile === true);
    if (ended.length === 0) return false;
    this.#filesLimit = (ended.length + countFiles(this.#running.values())) >> 1;
    const surplus = ended.slice(0, Math.ceil(ended.length / 2));
    for (const output of surplus) {
      this.#count(output, -1);
      output?.close();
      this.#count(output, 1);
    }
    return true;
  }

  /** IDs of the jobs with output: ended ones, then running ones. */
  jobIds(): readonly string[] {
    const ended = [...this.#ended].flatMap(([jobId, output]) => (output === null ? [] : [jobId]));
    return [...ended, ...this.#running.keys()];
  }

  /** @returns `null` if the job neither runs nor is one of the kept ones */
  open(jobId: string, isRunning: boolean): OutputReader | null {
    if (isRunning && !this.#isClosed) return this.#outputOf(jobId).openReader();
    const output = this.#ended.get(jobId);
    if (output === undefined) return null;
    return (output ?? endedWithoutOutput()).openReader();
  }

  /** Closes every file. */
  close(): void {
    this.#isClosed = true;
    for (const output of [...this.#running.values(), ...this.#ended.values()]) output?.close();
    this.#running.clear();
    this.#ended.clear();
  }
}

function countFiles(outputs: Iterable<JobOutput | null>): number {
  let count = 0;
  for (const output of outputs) if (output?.hasFile === true) count += 1;
  return count;
}

function endedWithoutOutput(): JobOutput {
  const output = new JobOutput();
  output.end();
  return output;
}
