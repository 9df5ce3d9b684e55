/** Entries of the `failed` list as other workers leave them. */
import type { Workbench } from '../../helpers/workbench.ts';

export interface FailureOptions {
  readonly queue?: string;
  readonly jobClass?: string;
  readonly args?: readonly unknown[];
  readonly exception?: string;
  readonly error?: string;
  readonly backtrace?: readonly string[];
  readonly exitCode?: number;
}

/** @returns the record's JSON text */
export function failureText({
  queue = 'mail',
  jobClass = 'Job',
  args = [],
  exception = 'RuntimeError',
  error = 'broken',
  backtrace = [],
  exitCode = 1,
}: FailureOptions): string {
  return JSON.stringify({
    failed_at: '2026/03/04 05:06:07 UTC',
    payload: { class: jobClass, args },
    exception,
    error,
    backtrace,
    worker: 'elsewhere:1:mail',
    queue,
    exit_code: exitCode,
  });
}

/** Failures of jobs with the numbers from 1 on, the oldest first. `Error 7` is in the seventh. */
export function numbered(
  count: number,
  options: FailureOptions = {},
): (FailureOptions & { args: [number] })[] {
  return Array.from({ length: count }, (_, at) => ({
    ...options,
    args: [at + 1],
    error: `Error ${at + 1}.`,
  }));
}

export async function addFailures(stage: Workbench, failures: readonly FailureOptions[]): Promise<void> {
  await stage.client.rpush(stage.key('failed'), ...failures.map(failureText));
}

/** First of the args of the jobs that wait on a queue which nobody watches. */
export async function putBack(stage: Workbench, queue: string): Promise<unknown[]> {
  const payloads = (await stage.backlog(queue)).map((text) => JSON.parse(text) as { args: unknown[] });
  return payloads.map(({ args }) => args[0]);
}

/** First of the args of what is on the list, the oldest first. */
export async function listed(stage: Workbench): Promise<unknown[]> {
  const records = (await stage.rawFailures()).map((raw) => String(raw));
  return records.map((text) => (JSON.parse(text) as { payload: { args: unknown[] } }).payload.args[0]);
}
