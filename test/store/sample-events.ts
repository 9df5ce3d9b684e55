/** Events with nothing in them that a test doesn't say. */
import type { EngineEvent, EngineFact, FailureSummary } from '../../src/protocol/events.ts';
import type { JobView } from '../../src/protocol/job.ts';
import type { Snapshot } from '../../src/protocol/snapshot.ts';
import { emptySnapshot, reduce } from '../../src/store/reduce.ts';

export const startMs = 1_700_000_000_000;

/** Numbers them behind the snapshot's, each a second after the one before. */
export function after(snapshot: Snapshot, ...facts: EngineFact[]): Snapshot {
  return facts.reduce((before, fact) => reduce(before, { ...fact, ...next(before) }), snapshot);
}

export function snapshotOf(...facts: EngineFact[]): Snapshot {
  return after(emptySnapshot, ...facts);
}

function next({ seq }: Snapshot): Pick<EngineEvent, 'seq' | 'atMs'> {
  return { seq: seq + 1, atMs: startMs + (seq + 1) * 1_000 };
}

export const engineStarted: Extract<EngineFact, { type: 'engine.started' }> = {
  type: 'engine.started',
  version: '1.2.3',
  pid: 7,
  workerHost: 'host.runner',
  namespace: 'resque',
  redis: 'redis://localhost',
  runners: [
    { key: 'mail', concurrency: 2, configuredConcurrency: 2, throttled: null },
    { key: 'video', concurrency: 3, configuredConcurrency: 3, throttled: null },
  ],
};

export function queueAdded(name: string, runner = name): EngineFact {
  return { type: 'queue.added', queue: { name, runner, pauses: [] } };
}

export function job(id: string, fields: Partial<JobView> = {}): JobView {
  return {
    id,
    queue: 'mail',
    runner: 'mail',
    worker: 'host.runner:7-0:mail',
    jobClass: 'Send',
    args: '["ann"]',
    payloadBytes: 40,
    startedAtMs: startMs,
    pid: 100,
    ...fields,
  };
}

export function jobStarted(id: string, fields: Partial<JobView> = {}): EngineFact {
  return { type: 'job.started', job: job(id, fields) };
}

export function failure(fields: Partial<FailureSummary> = {}): FailureSummary {
  return {
    queue: 'mail',
    jobId: null,
    jobClass: 'Send',
    exception: 'SmtpError',
    error: 'no route',
    exitCode: 1,
    signal: null,
    ...fields,
  };
}

type Finished = Extract<EngineFact, { type: 'job.finished' }>;

export function jobFinished(jobId: string, fields: Partial<Finished> = {}): EngineFact {
  return {
    type: 'job.finished',
    jobId,
    queue: 'mail',
    jobClass: 'Send',
    outcome: 'succeeded',
    durationMs: 250,
    exitCode: 0,
    signal: null,
    failure: null,
    ...fields,
  };
}

export function jobFailed(jobId: string, fields: Partial<Finished> = {}): EngineFact {
  return jobFinished(jobId, { outcome: 'failed', exitCode: 1, failure: failure({ jobId }), ...fields });
}
