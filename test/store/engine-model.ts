/**
 * What a real engine could publish: a small one without processes or Redis, which keeps to its limits, and keeps
 * its own books, far simpler than a snapshot, to compare with.
 */
import fc from 'fast-check';
import type { EngineEvent, EngineFact, FailureSummary, PoolView } from '../../src/protocol/events.ts';
import type { JobOutcome } from '../../src/protocol/job.ts';

export interface Books {
  /** Concurrency of each runner since its oldest running job began, at its highest. */
  readonly slotsEver: ReadonlyMap<string, number>;
  /** Running jobs' ids by queue. */
  readonly running: ReadonlyMap<string, readonly string[]>;
  readonly started: number;
  readonly processed: number;
  readonly failed: number;
  readonly perQueue: ReadonlyMap<string, { readonly processed: number; readonly failed: number }>;
}

interface Step {
  readonly kind:
    | 'start'
    | 'finish'
    | 'refuse'
    | 'set-slots'
    | 'print'
    | 'kill'
    | 'pause'
    | 'resume'
    | 'backlog'
    | 'queue-comes'
    | 'queue-goes';
  readonly pick: number;
  readonly amount: number;
  readonly outcome: JobOutcome;
}

const steps: fc.Arbitrary<Step> = fc.record({
  kind: fc.oneof(
    { weight: 6, arbitrary: fc.constant('start' as const) },
    { weight: 5, arbitrary: fc.constant('finish' as const) },
    {
      weight: 6,
      arbitrary: fc.constantFrom(
        'refuse',
        'set-slots',
        'print',
        'kill',
        'pause',
        'resume',
        'backlog',
        'queue-comes',
        'queue-goes',
      ),
    },
  ),
  pick: fc.nat(30),
  amount: fc.integer({ min: 1, max: 6 }),
  outcome: fc.constantFrom('succeeded', 'succeeded', 'failed', 'requeued'),
});

interface Job {
  readonly id: string;
  readonly queue: string;
  readonly runner: string;
}

class ModelEngine {
  readonly published: { readonly event: EngineEvent; readonly books: Books }[] = [];
  #atMs = 1_700_000_000_000;
  readonly #runners = new Map<string, PoolView>();
  readonly #queues = new Map<string, { readonly runner: string; isPaused: boolean }>();
  #jobs: Job[] = [];
  readonly #slotsEver = new Map<string, number>();
  readonly #perQueue = new Map<string, { processed: number; failed: number }>();
  #started = 0;
  #processed = 0;
  #failed = 0;

  constructor(isAnnouncedFirst: boolean) {
    const runners = ['mail', 'video'].map((key) => ({
      key,
      concurrency: 3,
      configuredConcurrency: 3,
      throttled: null,
    }));
    for (const runner of runners) this.#runners.set(runner.key, runner);
    for (const { key, concurrency } of runners) this.#slotsEver.set(key, concurrency);
    const announce = () =>
      this.#publish({
        type: 'engine.started',
        version: '1.0.0',
        pid: 1,
        workerHost: 'host.runner',
        namespace: 'resque',
        redis: 'redis://localhost',
        runners,
      });
    if (isAnnouncedFirst) announce();
    for (const runner of runners) this.#publish({ type: 'runner.added', runner });
    for (const { key } of runners) for (const part of ['high', 'low']) this.#addQueue(`${key}_${part}`, key);
    if (!isAnnouncedFirst) announce();
  }

  do({ kind, pick, amount, outcome }: Step): void {
    this.#atMs += amount * 150;
    const queues = [...this.#queues.keys()];
    const queue = queues[pick % Math.max(1, queues.length)];
    const job = this.#jobs[pick % Math.max(1, this.#jobs.length)];
    const runner = [...this.#runners.values()][pick % this.#runners.size];
    if (kind === 'start' && queue !== undefined) this.#start(queue);
    if (kind === 'finish' && job !== undefined) this.#finish(job, outcome);
    if (kind === 'refuse' && queue !== undefined) this.#refuse(queue);
    if (kind === 'set-slots' && runner !== undefined) this.#setSlots(runner, amount);
    if (kind === 'print' && job !== undefined) {
      this.#publish({ type: 'job.printed', jobId: job.id, stream: 'stdout', line: `${amount}` });
    }
    if (kind === 'kill' && job !== undefined) {
      this.#publish({
        type: 'job.killed',
        jobId: job.id,
        queue: job.queue,
        signal: 'SIGTERM',
        reason: 'operator',
      });
    }
    if (kind === 'backlog' && queue !== undefined)
      this.#publish({ type: 'queue.backlog', queue, backlog: amount });
    if ((kind === 'pause' || kind === 'resume') && queue !== undefined) this.#pause(queue, kind === 'pause');
    if (kind === 'queue-comes' && runner !== undefined) this.#addQueue(`${runner.key}_${pick}`, runner.key);
    if (kind === 'queue-goes' && queue !== undefined) {
      this.#queues.delete(queue);
      this.#perQueue.delete(queue);
      this.#publish({ type: 'queue.removed', queue });
    }
  }

  #addQueue(name: string, runner: string): void {
    if (this.#queues.has(name)) return;
    this.#queues.set(name, { runner, isPaused: false });
    this.#perQueue.set(name, { processed: 0, failed: 0 });
    this.#publish({ type: 'queue.added', queue: { name, runner, pauses: [] } });
  }

  #start(queue: string): void {
    const { runner = '', isPaused = true } = this.#queues.get(queue) ?? {};
    const busy = this.#jobs.filter((job) => job.runner === runner).length;
    if (isPaused || busy >= (this.#runners.get(runner)?.concurrency ?? 0)) return;
    this.#started += 1;
    const id = String(this.#started);
    this.#jobs.push({ id, queue, runner });
    this.#publish({
      type: 'job.started',
      job: {
        id,
        queue,
        runner,
        worker: `host.runner:1-${busy}:${runner}`,
        jobClass: 'Send',
        args: '[]',
        payloadBytes: 2,
        startedAtMs: this.#atMs,
        pid: this.#started,
      },
    });
  }

  #finish({ id, queue, runner }: Job, outcome: JobOutcome): void {
    this.#jobs = this.#jobs.filter((job) => job.id !== id);
    if (!this.#jobs.some((job) => job.runner === runner)) {
      this.#slotsEver.set(runner, this.#runners.get(runner)?.concurrency ?? 0);
    }
    const failure = outcome === 'failed' ? failureOf(queue, id) : null;
    if (outcome !== 'requeued') this.#count(queue, outcome === 'failed');
    this.#publish({
      type: 'job.finished',
      jobId: id,
      queue,
      jobClass: 'Send',
      outcome,
      durationMs: 5,
      exitCode: 0,
      signal: null,
      failure,
    });
    if (failure !== null) this.#publish({ type: 'failure.recorded', failure });
    this.#publish({
      type: 'counters.changed',
      processed: this.#processed,
      failed: this.#failed,
      unwritten: 0,
    });
  }

  /** A payload that is no JSON object never runs. */
  #refuse(queue: string): void {
    this.#count(queue, true);
    this.#publish({ type: 'failure.recorded', failure: failureOf(queue, null) });
    this.#publish({
      type: 'counters.changed',
      processed: this.#processed,
      failed: this.#failed,
      unwritten: 0,
    });
  }

  #setSlots(before: PoolView, concurrency: number): void {
    if (before.concurrency === concurrency) return;
    const runner = { ...before, concurrency };
    this.#runners.set(runner.key, runner);
    const isBusy = this.#jobs.some((job) => job.runner === runner.key);
    const ever = isBusy ? (this.#slotsEver.get(runner.key) ?? 0) : 0;
    this.#slotsEver.set(runner.key, Math.max(ever, concurrency));
    this.#publish({ type: 'runner.changed', runner });
  }

  #pause(name: string, isPaused: boolean): void {
    const queue = this.#queues.get(name);
    if (queue === undefined || queue.isPaused === isPaused) return;
    queue.isPaused = isPaused;
    const pauses = [{ kind: 'operator' as const, detail: '', sinceMs: this.#atMs }];
    this.#publish(
      isPaused ? { type: 'queue.paused', queue: name, pauses } : { type: 'queue.resumed', queue: name },
    );
  }

  #count(queue: string, isFailed: boolean): void {
    this.#processed += 1;
    if (isFailed) this.#failed += 1;
    const own = this.#perQueue.get(queue);
    if (own === undefined) return;
    own.processed += 1;
    if (isFailed) own.failed += 1;
  }

  #publish(fact: EngineFact): void {
    const event = { ...fact, seq: this.published.length + 1, atMs: this.#atMs };
    const running = new Map<string, string[]>();
    for (const { id, queue } of this.#jobs) running.set(queue, [...(running.get(queue) ?? []), id]);
    this.published.push({
      event,
      books: {
        slotsEver: new Map(this.#slotsEver),
        running,
        started: this.#started,
        processed: this.#processed,
        failed: this.#failed,
        perQueue: new Map([...this.#perQueue].map(([name, counts]) => [name, { ...counts }])),
      },
    });
  }
}

function failureOf(queue: string, jobId: string | null): FailureSummary {
  return { queue, jobId, jobClass: 'Send', exception: 'E', error: 'no', exitCode: 1, signal: null };
}

/** Each event with the books as they stand when it is published. */
export const possibleEvents = fc
  .tuple(fc.boolean(), fc.array(steps, { minLength: 1, maxLength: 250, size: 'max' }))
  .map(([isAnnouncedFirst, list]) => {
    const engine = new ModelEngine(isAnnouncedFirst);
    for (const step of list) engine.do(step);
    return engine.published;
  });
