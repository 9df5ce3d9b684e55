/**
 * Keeps what the running jobs and the last ended ones printed. Of the ended ones the oldest go first, by
 * number and by space. A job that prints nothing costs an entry in a map.
 */
import type { OutputStream } from '../../protocol/job.ts';
import type { OutputReader } from '../../protocol/output.ts';
import { endedJobsLimit } from '../../protocol/snapshot.ts';
import { JobOutput, type JobOutputOptions } from './job-output.ts';

export interface OutputStoreLimits {
  readonly endedJobs: number;
  /** Of ended jobs. */
  readonly memoryBytes: number;
  readonly fileBytes: number;
  /** Of running and ended jobs; each has a descriptor, and up to 8 MiB of the disk. */
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
  /** Fewer once descriptors have run out. */
  #filesLimit: number;
  readonly #options: Partial<JobOutputOptions>;
  readonly #running = new Map<string, JobOutput>();
  /** Oldest first. `null`: it printed nothing. */
  readonly #ended = new Map<string, JobOutput | null>();
  #endedMemoryBytes = 0;
  #endedFileBytes = 0;
  #isClosed = false;

  constructor(limits: Partial<OutputStoreLimits> = {}, options: Partial<JobOutputOptions> = {}) {
    this.#limits = { ...defaultLimits, ...limits };
    this.#filesLimit = this.#limits.files;
    this.#options = { ...options, mayMakeFile: () => this.#mayMakeFile() };
  }

  /** Nobody ever has to wait for it. */
  take(jobId: string, stream: OutputStream, chunk: Buffer, atMs: number): null {
    if (!this.#isClosed) this.#archiveOf(jobId).push(stream, chunk, atMs);
    return null;
  }

  #archiveOf(jobId: string): JobOutput {
    const known = this.#running.get(jobId);
    if (known !== undefined) return known;
    const archive = new JobOutput(this.#options);
    this.#running.set(jobId, archive);
    return archive;
  }

  /** The job has ended. */
  end(jobId: string): void {
    const archive = this.#running.get(jobId) ?? null;
    this.#running.delete(jobId);
    archive?.end();
    if (this.#isClosed) return;
    this.#ended.set(jobId, archive);
    this.#count(archive, 1);
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
    const [jobId, archive] = oldest;
    this.#ended.delete(jobId);
    this.#count(archive, -1);
    archive?.release();
  }

  #count(archive: JobOutput | null, sign: 1 | -1): void {
    this.#endedMemoryBytes += sign * (archive?.memoryBytes ?? 0);
    this.#endedFileBytes += sign * (archive?.fileBytes ?? 0);
  }

  /** Drops ended jobs for the sake of one that runs. */
  #mayMakeFile(): boolean {
    const left = this.#filesLimit - countFiles(this.#running.values());
    if (left <= 0) return false;
    while (countFiles(this.#ended.values()) >= left) this.#dropOldest();
    return true;
  }

  /**
   * Halves the number of files, now and for the future, because descriptors have run out. Ended jobs lose their files;
   * the end of their output stays in memory.
   *
   * @returns whether any file was closed
   */
  giveBackFiles(): boolean {
    const ended = [...this.#ended.values()].filter((archive) => archive?.hasFile === true);
    if (ended.length === 0) return false;
    this.#filesLimit = (ended.length + countFiles(this.#running.values())) >> 1;
    const surplus = ended.slice(0, Math.ceil(ended.length / 2));
    for (const archive of surplus) {
      this.#count(archive, -1);
      archive?.close();
      this.#count(archive, 1);
    }
    return true;
  }

  /** @returns `null` where the job is neither running nor one of those that are kept */
  open(jobId: string, isRunning: boolean): OutputReader | null {
    if (isRunning && !this.#isClosed) return this.#archiveOf(jobId).openReader();
    const archive = this.#ended.get(jobId);
    if (archive === undefined) return null;
    return (archive ?? endedWithoutOutput()).openReader();
  }

  /** Gives back every file. */
  close(): void {
    this.#isClosed = true;
    for (const archive of [...this.#running.values(), ...this.#ended.values()]) archive?.close();
    this.#running.clear();
    this.#ended.clear();
  }
}

function countFiles(archives: Iterable<JobOutput | null>): number {
  let count = 0;
  for (const archive of archives) if (archive?.hasFile === true) count += 1;
  return count;
}

function endedWithoutOutput(): JobOutput {
  const archive = new JobOutput();
  archive.end();
  return archive;
}
