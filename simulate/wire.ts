/** Checks that every Resque client, worker and web page can read the data in Redis. */
import type { Dump } from './dump.ts';

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|\+00:00)$/;
const failedAt = /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d UTC$/;
const startedAt = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000$/;
const workerIdText = /^[^:]+:\d+-\d+:[^\0]+$/;

/** @param spoilt keys that have or had a wrong type */
export function brokenRecords(dump: Dump, spoilt: ReadonlySet<string>): string[] {
  const broken: string[] = [];
  for (const [key, { kind, values }] of dump) {
    if (spoilt.has(key) || !key.startsWith('resque:')) continue;
    const name = key.slice('resque:'.length);
    const texts = values.map(String);
    const say = (what: string, value: string | undefined) =>
      broken.push(`${key} ${what}: ${value?.slice(0, 300)}`);
    if (name === 'failed') for (const text of texts) if (!isFailure(text)) say('has a bad record', text);
    if (name === 'workers') for (const id of texts) if (!workerIdText.test(id)) say('has a bad id', id);
    if (name === 'workers:heartbeat') {
      for (const [at, time] of texts.entries())
        if (at % 2 === 1 && !isoTime.test(time)) say('has a bad time', time);
    }
    if (!name.startsWith('worker:')) continue;
    if (kind !== 'string') say('is no string', kind);
    else if (name.endsWith(':started')) {
      if (!startedAt.test(texts[0] ?? '')) say('is no time', texts[0]);
    } else if (!/:(payload|retry)$/.test(name) && !isWorkerRecord(texts[0] ?? ''))
      say('is a bad record', texts[0]);
  }
  return broken;
}

function isWorkerRecord(text: string): boolean {
  const record = parse(text);
  if (record === null) return false;
  const { queue, run_at, payload } = record;
  return typeof queue === 'string' && isoTime.test(String(run_at)) && isObject(payload);
}

function isFailure(text: string): boolean {
  const record = parse(text);
  if (record === null) return false;
  const { failed_at, payload, exception, error, backtrace, worker, queue } = record;
  return (
    failedAt.test(String(failed_at)) &&
    (payload === null || isObject(payload)) &&
    (backtrace === null ||
      (Array.isArray(backtrace) && backtrace.every((line) => typeof line === 'string'))) &&
    [exception, error, worker, queue].every((value) => typeof value === 'string')
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @returns `null` if it is not a JSON object, or one that Ruby rejects */
function parse(text: string): Record<string, unknown> | null {
  if (/\\u[dD][89a-fA-F]/.test(text.replaceAll('\\\\', ''))) return null;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
