/** What the enqueuing of one job and that of a file share: the way to Redis, the bar, Ctrl-C, and the report. */
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

/** Someone waits at a prompt. */
const openLimitMs = 4_000;
/** A Redis that was there and is not is restarted, or fails over. */
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

  /** @param name of the file, '' where there is none */
  constructor(io: Io, request: EnqueueRequest, target: RedisTarget, name: string) {
    this.io = io;
    this.stop = new Stop(io);
    this.request = request;
    const { queue, atHead, resumedId } = request;
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
    this.#enqueue = new Enqueue(this.#sender, target.keys, { queue, atHead, id: resumedId });
    this.report = new EnqueueReport({ io, request, target, enqueue: this.#enqueue, name });
  }

  get sender(): CommandSender {
    return this.#sender;
  }

  /** Whether Redis knows of this enqueue. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Jobs that this process has enqueued for sure. */
  get enqueued(): number {
    return this.#enqueue.jobs - this.report.before;
  }

  /** @returns the cursor of an earlier process; `null` without one */
  async begin(cursor: string): Promise<string | null> {
    const isNew = this.request.resumedId === null;
    const resumed = isNew ? await this.#enqueue.begin(cursor) : await this.#enqueue.resume();
    this.#hasBegun = true;
    // Until now there is nothing that a signal should not end at once.
    this.stop.listen();
    if (resumed === undefined) return null;
    this.report.before = resumed.jobs;
    return resumed.cursor;
  }

  async add(step: EnqueueStep): Promise<void> {
    await this.#enqueue.add(step);
  }

  /** Tells how this could be resumed, should nobody be able to tell it later. */
  announce(jobs: number | null): void {
    const what = jobs === null ? '' : ` ${grouped(jobs)} jobs`;
    this.tell(`enqueuing${what}; should it break off: the same command with --resume ${this.#enqueue.id}`);
  }

  /** Shows a bar in place of any other. */
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

  /** The note in Redis goes, unless someone was told to go on there. */
  async end(): Promise<void> {
    if (!this.#hasBegun || this.report.isResumable) return;
    // It goes by itself, a day later.
    await this.#enqueue.end().catch(() => {});
  }

  close(): void {
    this.hideProgress();
    this.stop.end();
    this.#sender.close();
  }
}
