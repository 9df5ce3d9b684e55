/** A failure record for people: its members, and how the page "Failed" of resque-web 3.0 would show it. */
import { payloadLine } from '../../engine/warm/stdin-delivery.ts';
import { visible } from '../../messages/visible.ts';
import { jsonText, memberSpans } from '../../resque/format/json.ts';
import { activeJobWrapper } from '../../resque/format/payload.ts';

/** The members of a JSON object, or the elements of an array, each with its own text in one line that is safe to print. */
export function membersOf(json: string): [name: string, text: string][] {
  const bytes = Buffer.from(oneLine(json));
  return [...memberSpans(bytes)].map(([name, { start, end }]) => [name, bytes.toString('utf8', start, end)]);
}

/** JSON without white space between its tokens has hidden characters only in strings, where an escape will do. */
export function oneLine(json: string): string {
  return visible(payloadLine(Buffer.from(json)).toString('utf8', 0).trimEnd());
}

/** The page's fields. Links are only their text. */
export interface ResqueWebFields {
  readonly worker: string;
  readonly class: string;
  /** JSON, one line per argument. resque-web shows the same as YAML. */
  readonly arguments: string;
  readonly exception: string;
  readonly error: string;
  /** Shown by a click on the error; '' if there is none. */
  readonly backtrace: string;
}

/** @param record as we write it */
export function resqueWebFields(record: string): ResqueWebFields {
  const { payload, worker, queue, failed_at, exception, error, backtrace } = JSON.parse(record) as Written;
  const payloadText = new Map(membersOf(record)).get('payload') ?? '{}';
  const args = new Map(membersOf(payloadText)).get('args') ?? 'null';
  const shownWorker = worker.split(':').slice(0, 2).join(':');
  return {
    // resque-web shows times in its own time zone; these say that they are UTC.
    worker: `${shownWorker} on ${queue} at ${failed_at.replace(/ UTC$/, ' +0000')}`,
    class: classOf(payload),
    arguments: argumentLines(args),
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

function argumentLines(args: string): string {
  if (args === 'null') return '';
  if (!args.startsWith('[')) return args;
  return membersOf(args)
    .map(([, text]) => text)
    .join('\n');
}

function classOf(payload: Written['payload']): string {
  const name = payload.class ?? null;
  if (name === null || name === false) return 'nil';
  if (name !== activeJobWrapper) return typeof name === 'string' ? name : jsonText(name);
  const [first] = Array.isArray(payload.args) ? (payload.args as unknown[]) : [];
  const inner = typeof first === 'object' && first !== null && 'job_class' in first ? first.job_class : '';
  return `${typeof inner === 'string' ? inner : jsonText(inner)} (via ActiveJob)`;
}
