/**
 * Sees everything that happens and knows the history of each job. Reports forbidden events at once: a job that runs twice
 * without a reason or at the same time, too many jobs, a job of a paused queue, or a runner that sends too many commands.
 */
import type { Agenda } from './agenda.ts';
import { type Dump, idsIn } from './dump.ts';
import { idsOf, type Job, type JobBook, type Run, type Runner } from './job-book.ts';
import { LimitWatch } from './limit-watch.ts';
import { LockWatch } from './lock-watch.ts';
import type { Log } from './log.ts';
import { RecurringWatch } from './recurring-watch.ts';
import { type Command, isError, type Reply } from './resp.ts';
import { mixesPolicies, mostAttempts, type Schedule } from './schedule.ts';

/** Commands of one process in ten seconds: for what it does by itself, and for each job. */
const idleCommands = 600;
const commandsPerStart = 60;
const spanMs = 10_000;
/** After this silence, a runner is recovered even if its programs may still run. */
const silentMs = 270_000;
/** Runners notice `pause-all-workers` within this time. */
const pauseSeenMs = 5_000;

export class Witness {
  /** The times at which Redis lost data. */
  readonly forgottenMs: number[] = [];
  /** Keys that had a wrong type, and commands that were refused. */
  readonly spoilt = new Set<string>();
  /** Until when Redis didn't answer. */
  frozenUntilMs = 0;
  /** Since when `pause-all-workers` is set. */
  pausedSinceMs: number | null = null;
  readonly limits: LimitWatch;
  readonly locks: LockWatch;
  readonly recurring: RecurringWatch;
  /** Policies, if no runner has another one for the same queue. */
  readonly #policies: { readonly mostAttempts: number; readonly areMixed: boolean };
  readonly #agenda: Agenda;
  readonly #log: Log;
  readonly #book: JobBook;
  readonly #processes: readonly Runner[];

  constructor(schedule: Schedule, agenda: Agenda, log: Log, book: JobBook, processes: readonly Runner[]) {
    this.#policies = { mostAttempts: mostAttempts(schedule), areMixed: mixesPolicies(schedule) };
    this.limits = new LimitWatch(schedule, agenda, log, book, this);
    this.locks = new LockWatch(log, this);
    this.recurring = new RecurringWatch(schedule.recurring ?? [], agenda, log, this);
    this.#agenda = agenda;
    this.#log = log;
    this.#book = book;
    this.#processes = processes;
  }

  /** Whether nothing has happened that may cost a job the count of its attempts. */
  get countsAttempts(): boolean {
    return !this.hasForgotten && this.spoilt.size === 0 && !this.#policies.areMixed;
  }

  get hasForgotten(): boolean {
    return this.forgottenMs.length > 0;
  }

  /** A job is about to run. */
  starting(run: Run, queue: string): void {
    const { job, process, entry } = run;
    this.#log.trace(`${process.name} starts ${job.id} of ${queue}`);
    process.load.starts += 1;
    job.poppedBy = null;
    const broken = (what: string) => this.#log.broken(`${process.name} starts ${job.id}${what}`);
    const active = [...process.programs.running.keys()].filter((other) => other.entry === entry).length;
    const limit = process.limits.get(entry) ?? 0;
    if (active >= limit) broken(` beside ${active} of ${entry}, whose limit is ${limit}`);
    if (process.pausedQueues.has(queue)) broken(` of ${queue}, which is paused`);
    if (queue !== job.queue) broken(` of ${job.queue} as one of ${queue}`);
    const pausedMs =
      this.#agenda.nowMs -
      Math.max(this.pausedSinceMs ?? Number.POSITIVE_INFINITY, process.heldUpMs, this.frozenUntilMs);
    if (pausedMs > pauseSeenMs) broken(` though everything has been paused for ${Math.round(pausedMs)} ms`);
    this.limits.starting(run, queue);
    this.#checkRepetition(run);
    this.#checkAttempt(run);
    job.runs.push(run);
  }

  #checkAttempt({ job, attempt, process }: Run): void {
    const broken = (what: string) => this.#log.broken(`${process.name} starts ${job.id} as attempt ${what}`);
    const { mostAttempts: most } = this.#policies;
    if (attempt > most) broken(`${attempt}, of at most ${most}`);
    if (job.copies > 1 || !this.countsAttempts) return;
    const before = job.runs.at(-1);
    const expected = before === undefined ? 1 : before.attempt + (this.#isFollowed(before, attempt) ? 1 : 0);
    if (attempt !== expected) broken(`${attempt}, and should be ${expected}`);
  }

  /** Whether this is the attempt that comes after a run that is retried. If the count is lost, it may have the same number. */
  #isFollowed(before: Run, attempt: number): boolean {
    return before.outcome === 'retry' && (!this.countsAttempts || attempt !== before.attempt);
  }

  #checkRepetition({ job, attempt, process }: Run): void {
    const before = job.runs.at(-1);
    const first = job.runs[0];
    // Identical jobs can't be told apart; at the end, they are counted.
    if (job.copies > 1) return;
    // If Redis has gone back since it handed out the job, it may hand it out again.
    if (before === undefined || first === undefined || job.forgottenMs >= first.takenMs) return;
    const { process: other, outcome, isHeld } = before;
    const broken = (what: string) => this.#log.broken(`${process.name} starts ${job.id}${what}`);
    if (before.programEndMs === null && !before.mayOverlap) broken(`, which ${other.name} still runs`);
    if (outcome === 'requeue') return;
    // A runner that died may have delayed the job, or not.
    const isAgain = outcome === 'snooze' || this.#isFollowed(before, attempt);
    if (isAgain && this.#agenda.nowMs >= (before.dueMs ?? 0)) return;
    if (this.#isFollowed(before, attempt) || (isAgain && before.writtenMs !== null)) {
      broken(` ${(before.dueMs ?? 0) - this.#agenda.nowMs} ms too early`);
      return;
    }
    if (before.writtenMs !== null) broken(' again, whose outcome is in Redis');
    const goesBack = isHeld || other.requeued.has(before.entry);
    if (!goesBack || !(before.isAbandoned || before.isRecovered)) broken(' again, without a reason');
  }

  /** Redis has carried out commands of a runner. */
  executed(process: Runner, commands: readonly Command[], replies: readonly Reply[]): void {
    this.#count(process, commands.length);
    for (const [at, command] of commands.entries()) this.#observe(process, command, replies[at] ?? null);
  }

  #count(process: Runner, commands: number): void {
    const span = Math.floor(this.#agenda.nowMs / spanMs);
    const { load } = process;
    if (load.span !== span) Object.assign(load, { span, commands: 0, starts: 0 });
    const before = load.commands;
    load.commands += commands;
    const limit = idleCommands + commandsPerStart * load.starts;
    if (before <= limit && load.commands > limit)
      this.#log.broken(`${process.name} has sent ${load.commands} commands in ten seconds`);
  }

  /** What a script has done with jobs. */
  #observe(process: Runner, command: Command, reply: Reply): void {
    const { name, args } = command;
    if ((name !== 'EVALSHA' && name !== 'EVAL') || isError(reply)) return;
    if (Array.isArray(reply)) {
      this.limits.executed(process, command, reply);
      this.recurring.executed(process, command, reply);
      for (const id of reply.flatMap((item) => (Buffer.isBuffer(item) ? idsOf(item) : []))) {
        const job = this.#book.jobs.get(id);
        if (job !== undefined) job.takenMs = this.#agenda.nowMs;
      }
      // The arguments of a recovery contain the entry that it found.
      const entry = args[4]?.toString() ?? '';
      const peer = this.#processes.find(({ nonces }) =>
        nonces.some((nonce) => entry.includes(`"nonce":"${nonce}"`)),
      );
      if (peer !== undefined && peer !== process) this.#recovered(peer, process);
    }
    for (const run of process.programs.running.keys()) {
      if (!run.isRecorded && args.some((arg) => idsOf(arg).includes(run.job.id))) run.isRecorded = true;
    }
  }

  #recovered(peer: Runner, by: Runner): void {
    this.#log.trace(`${by.name} has recovered ${peer.name}`);
    for (const run of [...peer.programs.running.keys(), ...peer.programs.unwritten]) {
      run.isRecovered = true;
      const isLate = peer.hidesPrograms && this.#agenda.nowMs - peer.diedMs > silentMs;
      if (peer.identity.machine !== by.identity.machine || isLate) run.mayOverlap = true;
    }
  }

  /** A wait has taken a job off its queue. */
  popped(process: Runner, payload: Buffer, isMove: boolean): void {
    const job = this.#book.of(payload);
    if (job === null) return;
    job.takenMs = this.#agenda.nowMs;
    // A moved job is always in some key.
    job.isInFlight = !isMove;
    // See rest.ts.
    if (isMove && process.isDead && this.hasForgotten)
      job.mayBeLost = 'Redis has forgotten who waited for it';
    job.poppedBy = isMove ? null : process;
  }

  popReceived(payload: Buffer): void {
    const job = this.#book.of(payload);
    if (job !== null) job.isInFlight = false;
  }

  /** @param dump what Redis has at that moment */
  killed(process: Runner, dump: Dump): void {
    const present = idsIn(dump);
    for (const run of [...process.programs.running.keys(), ...process.programs.unwritten]) {
      run.isAbandoned = true;
      const { job } = run;
      if (present.has(job.id)) continue;
      if (!run.isRecorded && !run.isHeld) job.mayBeLost = 'its runner died before it was on record';
      if (job.forgottenMs >= run.takenMs) job.mayBeLost = 'Redis had forgotten it, and its runner died';
    }
    const { owner } = process.side.client;
    const isUnknown = dump.get('resque:runners')?.values.every((value) => String(value) !== owner) ?? true;
    const movedFor = (id: string) =>
      [...dump].some(
        ([key, { values }]) =>
          key.startsWith(`resque:runner:${owner}:held:`) && values.flatMap(idsOf).includes(id),
      );
    for (const job of this.#book.jobs.values()) {
      // `check --repair` finds it.
      if (this.hasForgotten && isUnknown && movedFor(job.id))
        job.mayBeLost = 'Redis had forgotten who waited for it';
      if (job.poppedBy === process && !present.has(job.id)) job.mayBeLost = 'its runner died with it in hand';
    }
  }

  /** Redis has lost data. */
  forgot(before: Dump, after: Dump): void {
    this.forgottenMs.push(this.#agenda.nowMs);
    this.recurring.forgot();
    if (!after.has('resque:pause-all-workers')) this.pausedSinceMs = null;
    const [idsBefore, idsAfter] = [idsIn(before), idsIn(after)];
    const isLost = ({ id }: Job) => idsBefore.has(id) && !idsAfter.has(id);
    const live = this.#processes.filter(({ isDead }) => !isDead);
    const inHands = new Set(
      live.flatMap(({ programs }) => [...programs.running.keys(), ...programs.unwritten]),
    );
    for (const job of this.#book.jobs.values()) {
      if (!job.isEnqueued) continue;
      job.forgottenMs = this.#agenda.nowMs;
      if (isLost(job) && !job.runs.some((run) => inHands.has(run))) job.mayBeLost = 'Redis has forgotten it';
    }
  }
}
