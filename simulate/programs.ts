/** The simulated programs of a runner's jobs: they take time, and succeed or fail. Some outlive their runner. */
import type { Random } from '../chaos/random.ts';
import type { FailedRun } from '../src/engine/jobs/failure-report.ts';
import { endOf } from '../src/engine/jobs/retry.ts';
import type { JobRunner } from '../src/engine/jobs/running-jobs.ts';
import { type Outcome, payloadFor, type TakenJob } from '../src/engine/pools/taken-job.ts';
import { exceptions, failureRecord } from '../src/resque/format/failure-record.ts';
import { failedAtText } from '../src/resque/format/timestamps.ts';
import type { OutcomeWrite } from '../src/resque/steps/step.ts';
import type { Agenda } from './agenda.ts';
import { idIn, type JobBook, type Run, type Runner } from './job-book.ts';
import type { Client } from './link.ts';
import type { Log } from './log.ts';
import type { Witness } from './witness.ts';

const ownException = 'SimulatedError';
const snoozing = '{"snooze":2}';

type End = Exclude<Run['outcome'], 'retry' | null>;

export interface ProgramsSurroundings {
  readonly agenda: Agenda;
  readonly log: Log;
  readonly book: JobBook;
  readonly random: Random;
  readonly witness: Witness;
}

export class Programs implements JobRunner {
  readonly running = new Map<Run, TakenJob>();
  readonly #ends = new Map<Run, (outcome: Outcome) => void>();
  /** When Redis was last known to have an outcome. */
  lastWrittenMs = 0;
  readonly #process: Runner & Client;
  readonly #surroundings: ProgramsSurroundings;
  /** By slot: runs that have ended and whose outcomes are on their way, oldest first. */
  readonly #unwritten = new Map<string, Run[]>();

  constructor(process: Runner & Client, surroundings: ProgramsSurroundings) {
    this.#process = process;
    this.#surroundings = surroundings;
  }

  /** Runs that have ended and aren't known to be in Redis. */
  get unwritten(): Run[] {
    return [...this.#unwritten.values()].flat();
  }

  start(taken: TakenJob): Promise<Outcome> | null {
    const { pool, queue, payload, isHeld } = taken;
    const { book, log, agenda, witness } = this.#surroundings;
    const process = this.#process;
    const job = book.of(payloadFor(taken).bytes);
    if (job === null) {
      log.broken(`${process.name} takes what nobody has enqueued: ${payload.bytes.toString()}`);
      return new Promise(() => {});
    }
    if (process.unstartable.has(pool.key)) {
      process.side.router.setCondition(`entry:${pool.key}`, '');
      return null;
    }
    const run: Run = {
      ...{ job, process, entry: pool.key, isHeld, takenMs: job.takenMs, startedMs: agenda.nowMs },
      ...{ attempt: taken.attempt?.number ?? 1, dueMs: null },
      ...{ programEndMs: null, outcome: null, writtenMs: null, isRecorded: job.poppedBy === null },
      ...{ isAbandoned: false, isRecovered: false, mayOverlap: false },
    };
    witness.starting(run, queue);
    this.running.set(run, taken);
    const ended = new Promise<Outcome>((resolve) => this.#ends.set(run, resolve));
    const end = job.ends?.[job.runs.length - 1] ?? job.end;
    if (payload.isObject) this.#endLater(run, job.ms, end, ownException);
    else {
      run.programEndMs = agenda.nowMs;
      this.#finish(run, 'failure', exceptions.invalidPayload);
    }
    return ended;
  }

  terminate(): void {
    this.#kill(50);
  }

  killNow(): void {
    this.#kill(1);
  }

  /** None waits for a job. */
  stop(): void {}

  gone(): Promise<void> {
    return Promise.resolve();
  }

  /** Ends all programs within this time, as at a stop of their runner. */
  #kill(withinMs: number): void {
    for (const [run, { pool }] of this.running) {
      const outcome = pool.config.interrupted === 'requeue' ? 'requeue' : 'failure';
      this.#endLater(run, this.#surroundings.random.next() * withinMs, outcome, exceptions.terminated);
    }
  }

  /** The programs have ended: their host crashed, or a recovery killed a dead runner's programs. */
  end(): void {
    for (const run of this.running.keys()) run.programEndMs ??= this.#surroundings.agenda.nowMs;
  }

  takenOver(taken: TakenJob): void {
    const [run] = [...this.running].find(([, other]) => other === taken) ?? [];
    if (run === undefined) return;
    this.#surroundings.log.trace(`${this.#process.name} doesn't own ${run.job.id} any more`);
    run.isRecovered = true;
    this.#endLater(run, 0, 'failure', exceptions.terminated);
  }

  /** Redis has this outcome. */
  written({ worker, kind, ...outcome }: OutcomeWrite): void {
    const runs = this.#unwritten.get(slotOf(worker)) ?? [];
    // A job that can't be started goes back without a run.
    const id = kind === 'requeue' && 'payload' in outcome ? idIn(outcome.payload) : null;
    const at = runs.findIndex((run) => run.outcome === kind && (id === null || run.job.id === id));
    const [run] = at === -1 ? [] : runs.splice(at, 1);
    if (run === undefined) return;
    this.lastWrittenMs = this.#surroundings.agenda.nowMs;
    run.writtenMs = this.lastWrittenMs;
  }

  /** The program ends in any case. A live runner notices, a suspended one when it is woken. */
  #endLater(run: Run, afterMs: number, outcome: End, exception: string): void {
    const { agenda } = this.#surroundings;
    agenda.add(agenda.nowMs + afterMs, () => {
      if (run.programEndMs !== null) return;
      run.programEndMs = agenda.nowMs;
      agenda.add(agenda.nowMs, () => this.#finish(run, outcome, exception), this.#process);
    });
  }

  #finish(run: Run, kind: End, exception: string): void {
    const { agenda, log } = this.#surroundings;
    const { name } = this.#process;
    const end = this.#ends.get(run);
    this.#ends.delete(run);
    const taken = this.running.get(run);
    if (taken === undefined) return;
    const outcome = this.#outcomeOf(run, taken, kind, exception);
    const { worker } = taken.slot;
    this.running.delete(run);
    run.outcome = outcome.kind;
    if ('delaySeconds' in outcome) run.dueMs = agenda.nowMs + outcome.delaySeconds * 1000;
    this.#unwritten.set(slotOf(worker), [...(this.#unwritten.get(slotOf(worker)) ?? []), run]);
    log.trace(`${name} ${run.job.id} has ended: ${outcome.kind}`);
    end?.(outcome);
  }

  #outcomeOf(run: Run, taken: TakenJob, kind: End, exception: string): Outcome {
    if (kind === 'success' || kind === 'requeue') return { kind };
    const { agenda } = this.#surroundings;
    const { clock } = this.#process;
    const { slot, queue, attempt } = taken;
    const payload = payloadFor(taken);
    const { worker } = slot;
    const record = failureRecord({
      ...{ failedAt: new Date(clock.nowMs()), worker, queue, payload, exception, error: 'it is so' },
      ...{ backtrace: [`at ${agenda.nowMs}`], exitCode: 1, signal: null, stderr: '', stdout: '' },
    });
    const failed: Outcome = { kind: 'failure', record };
    if (exception !== ownException) return failed;
    const end = kind === 'snooze' ? { ...ownEnd, stderr: snoozing } : ownEnd;
    const { outcome: next } = endOf(taken, run.job.id, end, kind === 'snooze');
    if (next.kind === 'failure') return failed;
    if (next.kind !== 'retry' && next.kind !== 'snooze') return next;
    // The engine takes these from the system clock.
    const failedAt = attempt?.firstFailedAt ?? failedAtText(new Date(clock.nowMs()));
    return { ...next, record, firstFailedAt: next.firstFailedAt === null ? null : failedAt };
  }
}

const ownEnd: FailedRun = {
  ...{ end: { exitCode: 1, signal: null }, killedFor: null, timeoutSeconds: null, answer: null },
  ...{ stderr: '', stdout: '' },
};

/** A worker's id without the runner's name. */
function slotOf(worker: string): string {
  return worker.replace(/^.*?:\d+-(?=\d+:)/, '');
}
