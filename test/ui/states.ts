/** Pieces of a state, with what the tests here don't look at left empty. */
import type { FailureEntry } from '../../src/protocol/commands.ts';
import type { PoolView, Throttled } from '../../src/protocol/events.ts';
import type { EngineState, QueueState, RunningJob } from '../../src/protocol/snapshot.ts';
import { emptyThroughput } from '../../src/store/throughput.ts';

export function queueState(name: string): QueueState {
  return {
    name,
    runner: name,
    pauses: [],
    backlog: 0,
    processed: 0,
    failed: 0,
    lastFailure: null,
    throughput: emptyThroughput,
  };
}

/** The one that the queue of that name has its slots from. */
export function runnerView(key: string, throttled: Throttled | null = null): PoolView {
  return { key, concurrency: 2, configuredConcurrency: 2, throttled };
}

export const engineState: EngineState = {
  ...{ version: '1.0.0', pid: 1, workerHost: 'host', namespace: 'resque', redis: 'redis://localhost/0' },
  ...{ startedAtMs: 0, stopping: null, isStopped: false },
};

export function runningJob(id: string, queue: string): RunningJob {
  return {
    ...{ id, queue, runner: queue, worker: 'w', jobClass: 'Job', args: '[]', payloadBytes: 2 },
    ...{ startedAtMs: 0, pid: 1, lastLine: null, killed: null },
  };
}

/** Its class and its bytes are the text. */
export function failureEntry(index: number, text: string): FailureEntry {
  return {
    index,
    recordBase64: Buffer.from(text).toString('base64'),
    failedAt: null,
    retriedAt: null,
    queue: 'mail',
    worker: null,
    jobClass: text,
    args: '',
    exception: null,
    error: null,
    backtrace: [],
    stderr: null,
    stdout: null,
    exitCode: null,
    signal: null,
    isReadable: true,
  };
}
