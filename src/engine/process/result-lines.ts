/**
 * The results that a persistent child writes to its descriptor 3, a line for each job: `{"ok":true}`, or a failure as other
 * children report it on STDERR: `{"exception": …, "error": …, "backtrace": …}`. Both may say when the job runs again; see
 * jobs/retry.ts.
 */
import { asObject, parsedJson } from '../../resque/format/json.ts';
export type JobResult =
  | { readonly kind: 'success'; readonly told: Readonly<Record<string, unknown>> }
  | { readonly kind: 'failure'; readonly told: Readonly<Record<string, unknown>> }
  /** Against the rules: a sentence about the child, such as `wrote what is no result: hello`. */
  | { readonly kind: 'breach'; readonly sentence: string };

/** The child ended in the middle of a job. */
export const noResult: JobResult = { kind: 'breach', sentence: 'ended before it had written a result' };

/** Longer than any error that people want to read. */
const resultLimitBytes = 4 * 1024 * 1024;
/** Things that a child must not do. */
export const breaches = {
  closed: { kind: 'breach', sentence: 'closed its descriptor 3' },
  early: { kind: 'breach', sentence: 'wrote a result to descriptor 3 before it had read its job' },
  tooLong: {
    kind: 'breach',
    sentence: `wrote a result of more than ${resultLimitBytes / 2 ** 20} MiB to descriptor 3`,
  },
  unasked: { kind: 'breach', sentence: 'wrote a result to descriptor 3 without a job' },
} as const satisfies Record<string, JobResult>;
const shownCharacters = 200;
/** A result with one of these is that of a job that did not succeed. */
const failureMembers = ['exception', 'error', 'retry', 'retry_in', 'snooze'];

/** Reads one line, without its end. */
export function readResult(line: Buffer): JobResult {
  const text = line.toString('utf8');
  const value = asObject(parsedJson(text));
  if (value === null) return breach(text);
  if ('ok' in value && value.ok === true) return { kind: 'success', told: { ...value } };
  if (failureMembers.some((name) => name in value)) return { kind: 'failure', told: { ...value } };
  return breach(text);
}

function breach(text: string): JobResult {
  const shown = text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text;
  return { kind: 'breach', sentence: `wrote to descriptor 3 what is no result: ${shown.trim() || '""'}` };
}

/** Splits the results into lines. */
export class ResultLines {
  readonly #onLine: (line: Buffer) => void;
  readonly #onTooLong: () => void;
  #pieces: Buffer[] = [];
  #bytes = 0;

  /** @param onTooLong a line is longer than any result may be; its beginning is dropped */
  constructor(onLine: (line: Buffer) => void, onTooLong: () => void) {
    this.#onLine = onLine;
    this.#onTooLong = onTooLong;
  }

  /** @param chunk may be overwritten afterwards */
  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      const last = chunk.subarray(start, end);
      start = end + 1;
      const line = this.#pieces.length === 0 ? last : Buffer.concat([...this.#pieces, last]);
      this.#forget();
      this.#onLine(line);
    }
    if (start === chunk.length) return;
    this.#pieces.push(Buffer.from(chunk.subarray(start)));
    this.#bytes += chunk.length - start;
    if (this.#bytes <= resultLimitBytes) return;
    this.#forget();
    this.#onTooLong();
  }

  #forget(): void {
    this.#pieces = [];
    this.#bytes = 0;
  }
}
