/** The result of an enqueue: as text, as JSON, and as an exit code. */
import { grouped, plural, utcTime } from '../../messages/quantities.ts';
import { visible, visibleWithin } from '../../messages/visible.ts';
import type { Enqueue, EnqueueRefused } from '../../resque/enqueue/enqueue.ts';
import { redisErrorText } from '../../resque/redis/connection.ts';
import type { RedisError } from '../../resque/redis/redis-error.ts';
import { exitCodes, OperatingError, UsageError } from '../command-line/exit-codes.ts';
import type { Io } from '../command-line/io.ts';
import type { RedisTarget } from '../redis/target.ts';
import { print, printJson } from '../terminal/output.ts';
import type { WrongLine } from './job-line.ts';
import type { EnqueueRequest } from './request.ts';

export interface ReportOptions {
  readonly io: Io;
  readonly request: EnqueueRequest;
  readonly target: RedisTarget;
  readonly enqueue: Enqueue;
  /** The file's name; '' if there is no file. */
  readonly name: string;
}

/** How far it got. */
interface Extent {
  /** Whether nothing is left to do. */
  readonly isComplete: boolean;
  readonly wrong?: readonly WrongLine[];
  readonly moreWrong?: number;
  /** Whether `--resume` can continue it. */
  readonly isResumable?: boolean;
  /** When the lock of the same job ends. */
  readonly lockEndsAt?: Date;
}

export class EnqueueReport {
  readonly #options: ReportOptions;
  /** Jobs that an earlier process has enqueued. */
  before = 0;
  /** The last line that is done: its job is enqueued, or it is before the first line to enqueue. */
  line = 0;
  #isResumable = false;

  constructor(options: ReportOptions) {
    this.#options = options;
  }

  /** Whether the user was told how to resume it. */
  get isResumable(): boolean {
    return this.#isResumable;
  }

  /** Every job is enqueued. @returns the exit code */
  async complete(): Promise<number> {
    const { io, request, target, enqueue } = this.#options;
    if (request.isJson) {
      await this.#json({ isComplete: true });
      return exitCodes.clean;
    }
    const total = this.before === 0 ? '' : `, ${grouped(enqueue.jobs)} in total`;
    const { dueAt, waiting } = enqueue;
    const jobs = `${plural(waiting, 'job')} ${waiting === 1 ? 'is' : 'are'}`;
    const text =
      dueAt === null
        ? `enqueued ${this.#what()} in ${visible(request.queue)}${total}; ${jobs} waiting there now`
        : `delayed ${this.#what()} for ${visible(request.queue)} until ${utcTime(dueAt * 1_000)}${total}; ${jobs} due then`;
    await print(io, `${text} (${visible(target.shown)})\n`);
    return exitCodes.clean;
  }

  /** The file was checked first, and some lines are invalid. @throws UsageError */
  async wrongLines(wrong: readonly WrongLine[], moreWrong: number): Promise<never> {
    const { name } = this.#options;
    await this.#leaveOff({ isComplete: false, wrong, moreWrong, isResumable: this.before > 0 });
    const count = wrong.length + moreWrong;
    throw new UsageError(
      [
        `${name} has ${plural(count, 'invalid line')}; nothing was enqueued${this.before === 0 ? '' : ' this time'}:`,
        ...wrong.map((line) => `  ${lineText(line)}`),
        ...(moreWrong === 0 ? [] : [`  and ${grouped(moreWrong)} more`]),
      ].join('\n'),
    );
  }

  /** A pipe has an invalid line, and all jobs before it are enqueued. @throws UsageError */
  async wrongLine(wrong: WrongLine): Promise<never> {
    this.line = wrong.line - 1;
    await this.#leaveOff({ isComplete: false, wrong: [wrong], moreWrong: 0 });
    const goOn =
      this.#options.enqueue.jobs === 0
        ? `nothing was enqueued; fix line ${wrong.line} and try again`
        : `${this.#enqueued()}; fix line ${wrong.line} and continue with --from-line ${wrong.line}`;
    throw new UsageError([`${this.#options.name}: ${lineText(wrong)}`, goOn].join('\n'));
  }

  /** @param isSure no step is still without a reply. @returns the exit code */
  async stopped(exitCode: number, isSure: boolean): Promise<number> {
    const isStarted = this.#options.enqueue.jobs > 0 || !isSure;
    await this.#leaveOff({ isComplete: false, isResumable: isStarted });
    const text = isStarted
      ? [`stopped: ${this.#enqueued()}${isSure ? '' : doubt}`, this.#howToGoOn(isSure)]
      : ['stopped before anything was enqueued'];
    this.#options.io.stderr.write(`resque-runner: ${text.join('\n')}\n`);
    return exitCode;
  }

  /** Redis failed. @throws OperatingError */
  async lost(error: RedisError): Promise<never> {
    return await this.#brokenOff(
      redisErrorText(this.#options.target.redis, error),
      error.kind !== 'away',
      error,
    );
  }

  /** Something else failed. @throws OperatingError */
  async failed(error: OperatingError): Promise<never> {
    return await this.#brokenOff(error.message, true, error);
  }

  /** @returns the exit code. @throws OperatingError, UsageError */
  async refused(refusal: EnqueueRefused): Promise<number> {
    const { id } = this.#options.enqueue;
    const isResumable = refusal.kind === 'mistyped' && this.#options.enqueue.jobs > 0;
    if (this.#options.enqueue.jobs > 0) await this.#leaveOff({ isComplete: false, isResumable });
    const text = refusalText(refusal, id, visible(this.#options.target.shown));
    if (refusal.kind === 'locked') {
      if (this.#options.request.isJson) await this.#json({ isComplete: false, lockEndsAt: lockEnd(refusal) });
      this.#options.io.stderr.write(`resque-runner: ${text}\n`);
      return exitCodes.alreadyWaiting;
    }
    const isMistake = refusal.kind === 'unknown' || refusal.kind === 'foreign';
    if (isMistake) throw new UsageError(text);
    const lines = [text];
    const verb = refusal.kind === 'forgotten' ? 'had been' : undefined;
    if (this.#options.enqueue.jobs > 0) lines.push(this.#enqueued(verb));
    if (isResumable) lines.push(this.#howToGoOn(true));
    throw new OperatingError(lines.join('\n'), { cause: refusal });
  }

  async #brokenOff(reason: string, isSure: boolean, cause: Error): Promise<never> {
    await this.#leaveOff({ isComplete: false, isResumable: true });
    const extent = `${this.#enqueued()}${isSure ? '' : doubt}`;
    throw new OperatingError([reason, extent, this.#howToGoOn(isSure)].join('\n'), { cause });
  }

  /** `1,000 jobs are enqueued in mail, up to line 1,003`, including the jobs of earlier processes. */
  #enqueued(verb?: string): string {
    const { enqueue, request } = this.#options;
    const { jobs } = enqueue;
    const upTo = request.source.kind === 'file' && jobs > 0 ? `, up to line ${grouped(this.line)}` : '';
    return `${plural(jobs, 'job')} ${verb ?? (jobs === 1 ? 'is' : 'are')} enqueued in ${visible(request.queue)}${upTo}`;
  }

  #howToGoOn(isSure: boolean): string {
    const { request, enqueue } = this.#options;
    const isFile = request.source.kind === 'file';
    const orLine = isFile && isSure ? `, or with --from-line ${this.line + 1}` : '';
    return `to continue within a day, repeat the command with --resume ${enqueue.id}${orLine}; no job is enqueued twice`;
  }

  #what(): string {
    const { request, enqueue } = this.#options;
    const jobs = enqueue.jobs - this.before;
    const { source } = request;
    if (this.before > 0) return plural(jobs, 'more job');
    if (source.kind === 'job' && source.count === 1)
      return visibleWithin(source.payload.toString('utf8', 0, 1_000), 200);
    return plural(jobs, 'job');
  }

  /** Not every job is enqueued. The JSON comes before the message for people. */
  async #leaveOff(extent: Extent): Promise<void> {
    this.#isResumable = extent.isResumable === true;
    if (this.#options.request.isJson) await this.#json(extent);
  }

  async #json({ isComplete, wrong, moreWrong = 0, isResumable = false, lockEndsAt }: Extent): Promise<void> {
    const { request, target, enqueue } = this.#options;
    const { source } = request;
    await printJson(this.#options.io, {
      queue: request.queue,
      enqueued: enqueue.jobs - this.before,
      ...(request.resumedId === null ? {} : { enqueuedBefore: this.before }),
      waiting: enqueue.waiting,
      ...(enqueue.dueAt === null ? {} : { dueAt: new Date(enqueue.dueAt * 1_000).toISOString() }),
      redis: target.shown,
      namespace: target.namespace,
      ...(source.kind === 'job'
        ? { payload: source.payload.toString() }
        : { file: source.file, ...(isComplete ? { lines: this.line } : { nextLine: this.line + 1 }) }),
      isComplete,
      ...(lockEndsAt === undefined ? {} : { lockEndsAt: lockEndsAt.toISOString() }),
      resume: isResumable ? enqueue.id : null,
      ...(wrong === undefined ? {} : { wrongLines: wrong, moreWrongLines: moreWrong }),
    });
  }
}

const doubt = '; the last ones sent may be enqueued too';

function lineText({ line, reason, text }: WrongLine): string {
  return `line ${line}: ${reason}${text === '' ? '' : `: ${text}`}`;
}

function lockEnd({ details: [seconds] }: EnqueueRefused): Date {
  return new Date(Number(seconds) * 1_000);
}

function refusalText(refusal: EnqueueRefused, id: string, where: string): string {
  const { kind, details } = refusal;
  if (kind === 'locked') {
    const ends = utcTime(lockEnd(refusal).getTime());
    return `not enqueued: the same job is already waiting; its lock lasts until ${ends} (${where})`;
  }
  const [first = '', second, third] = details;
  const shown = visibleWithin(first, 100);
  const texts: Readonly<Record<typeof kind, string>> = {
    mistyped: `${where}: WRONGTYPE: ${shown} is a ${second}, not a ${third}; remove that key, or choose another queue or namespace`,
    taken: `${where}: the ID ${id} is already in use; try again`,
    unknown: `${where} has no enqueue ${id} to resume: it is complete, began more than a day ago, or was for another Redis or namespace`,
    undelayed:
      first === '1'
        ? `the jobs of the enqueue ${id} are delayed; resume it with its --in or --at`
        : `the jobs of the enqueue ${id} are not delayed; resume it without --in and --at`,
    foreign: `the enqueue ${id} was for the queue ${shown}; use that queue`,
    overtaken: `another process has resumed the enqueue ${id} and continues it`,
    forgotten: `${where} no longer knows how far this enqueue got: it lost or evicted data; check which jobs are on the queue`,
  };
  return texts[kind];
}
