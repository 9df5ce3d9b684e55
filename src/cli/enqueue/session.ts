/** What enqueuing a job and enqueuing a file share: the connection to Redis, the progress bar, Ctrl-C, and the report. */
import { grouped } from '../../messages/quantities.ts';
import { visible } from '../../messages/visible.ts';
import { Enqueue, type EnqueueStep } from '../../resque/enqueue/enqueue.ts';
import { RetryingSender } from '../../resque/enqueue/retrying-sender.ts';
import { redisErrorText } from '../../resque/redis/connection.ts';
import type { CommandSender } from '../../resque/redis/send.ts';
import type { Io } from '../command-line/io.ts';
import type { RedisTarget } from '../redis/target.ts';
import { Progress } from '../terminal/progress.ts';
import { Stop } from '../terminal/stop.ts';
import { EnqueueReport } from './report.ts';
import type { EnqueueRequest } from './request.ts';

/** A user is waiting at a prompt. */
const openLimitMs = 4_000;
/** Long enough for a restart or a failover of Redis. */
const patienceMs = 30_000;

export class EnqueueSession {
  readonly io: Io;
  readonly request: EnqueueRequest;
  readonly stop: Stop;
  readonly report: EnqueueReport;
  readonly #sender: RetryingSender;
  readonly #enqueue: Enqueue;
  #hasBegun = false;
  #progress: Progress | null = null;

  /** @param name the file's name; '' if there is no file */
  constructor(io: Io, request: EnqueueRequest, target: RedisTarget, name: string) {
    this.io = io;
    this.stop = new Stop(io);
    this.request = request;
    const { queue, atHead, delay, lock, resumedId } = request;
    const where = visible(target.shown);
    this.#sender = new RetryingSender(target.redis, {
      openLimitMs,
      patienceMs,
      stop: this.stop.signal,
      onAway: (error) =>
        this.tell(
          `${redisErrorText(target.redis, error)} Trying again for ${patienceMs / 1_000} s; Ctrl-C stops`,
        ),
      onBack: () => this.tell(`${where} is back`),
    });
    this.#enqueue = new Enqueue(this.#sender, target.keys, { queue, atHead, delay, lock, id: resumedId });
    this.report = new EnqueueReport({ io, request, target, enqueue: this.#enqueue, name });
  }

  get sender(): CommandSender {
    return this.#sender;
  }

  /** Whether Redis knows of this enqueue. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Jobs that this process has enqueued, as confirmed by Redis. */
  get enqueued(): number {
    return this.#enqueue.jobs - this.report.before;
  }

  /** @returns the cursor of an earlier process; `null` without one */
  async begin(cursor: string): Promise<string | null> {
    const isNew = this.request.resumedId === null;
    const resumed = isNew ? await this.#enqueue.begin(cursor) : await this.#enqueue.resume();
    this.#hasBegun = true;
    // Before this, a signal may end the process immediately.
    this.stop.listen();
    if (resumed === undefined) return null;
    this.report.before = resumed.jobs;
    return resumed.cursor;
  }

  async add(step: EnqueueStep): Promise<void> {
    await this.#enqueue.add(step);
  }

  /** Tells the user how to resume this, in case the process is killed. */
  announce(jobs: number | null): void {
    const what = jobs === null ? '' : ` ${grouped(jobs)} jobs`;
    this.tell(`enqueuing${what}; if it is interrupted, repeat the command with --resume ${this.#enqueue.id}`);
  }

  /** Shows a progress bar; replaces the current one. */
  show(what: string, total: number | null, said: () => string): Progress {
    this.#progress?.end();
    this.#progress = new Progress(this.io, what, total, said);
    return this.#progress;
  }

  tell(text: string): void {
    const line = `resque-runner: ${text}`;
    if (this.#progress === null) this.io.stderr.write(`${line}\n`);
    else this.#progress.note(line);
  }

  hideProgress(): void {
    this.#progress?.end();
    this.#progress = null;
  }

  /** Removes the cursor from Redis, unless the user was told how to resume. */
  async end(): Promise<void> {
    if (!this.#hasBegun || this.report.isResumable) return;
    // It expires after a day.
    await this.#enqueue.end().catch(() => {});
  }

  close(): void {
    this.hideProgress();
    this.stop.end();
    this.#sender.close();
  }
}
