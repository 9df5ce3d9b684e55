/** What the page "Failed" of resque-web 3.0 shows of a failure, field by field. */
import { jsonText, memberSpans } from './json.ts';
import { activeJobWrapper } from './payload.ts';
import { shownArguments } from './ruby-yaml.ts';

export interface ResqueWebFields {
  readonly worker: string;
  readonly class: string;
  /** A YAML document for each. */
  readonly arguments: string;
  readonly exception: string;
  readonly error: string;
  /** Shown by a click on the error; '' where there is none. */
  readonly backtrace: string;
}

/** @param record as we write it; of anybody else's, what breaks the page breaks this too */
export function resqueWebFields(record: string): ResqueWebFields {
  const bytes = Buffer.from(record);
  const { payload, worker, queue, failed_at, exception, error, backtrace } = JSON.parse(record) as Written;
  const payloadSpan = memberSpans(bytes).get('payload');
  const payloadBytes =
    payloadSpan === undefined ? Buffer.alloc(0) : bytes.subarray(payloadSpan.start, payloadSpan.end);
  const argsSpan = memberSpans(payloadBytes).get('args');
  // Of the page's links, only their text. Its times are those of its server; ours say that they are UTC.
  const shownWorker = worker.split(':').slice(0, 2).join(':');
  return {
    worker: `${shownWorker} on ${queue} at ${failed_at.replace(/ UTC$/, ' +0000')}`,
    class: classOf(payload),
    arguments: shownArguments(
      argsSpan === undefined ? '' : payloadBytes.toString('utf8', argsSpan.start, argsSpan.end),
    ),
    exception,
    error,
    backtrace: backtrace.join('\n'),
  };
}

interface Written {
  readonly payload: { readonly class?: unknown; readonly args?: unknown };
  readonly worker: string;
  readonly queue: string;
  readonly failed_at: string;
  readonly exception: string;
  readonly error: string;
  readonly backtrace: readonly string[];
}

function classOf(payload: Written['payload']): string {
  const name = payload.class ?? null;
  if (name === null || name === false) return 'nil';
  if (name !== activeJobWrapper) return typeof name === 'string' ? name : jsonText(name);
  const [first] = Array.isArray(payload.args) ? (payload.args as unknown[]) : [];
  const inner = typeof first === 'object' && first !== null && 'job_class' in first ? first.job_class : '';
  return `${typeof inner === 'string' ? inner : jsonText(inner)} (via ActiveJob)`;
}
