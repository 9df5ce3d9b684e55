/**
 * A delayed job as it waits in `delayed:SECONDS`: `{"class":…,"args":…,"queue":…}`, byte for byte as resque-scheduler writes
 * it. `Resque.remove_delayed` finds a job by these bytes, so one more member or blank would hide it.
 *
 * Source: resque-scheduler 5.0.0, `lib/resque/scheduler/delaying_extensions.rb`.
 */
import { asObject, memberSpans, parsedJson } from '../format/json.ts';

/** The members of a payload that wait with it. Ruby's and node-resque's schedulers drop all others. */
export const delayedMembers: readonly string[] = ['class', 'args'];

/** @returns `null` if the payload has no class or no array of args: then no scheduler could put it on a queue */
export function delayedItem(queue: string, payload: Buffer): Buffer | null {
  const job = asObject(parsedJson(payload.toString('utf8')));
  if (job === null || typeof job.class !== 'string' || job.class === '' || !Array.isArray(job.args))
    return null;
  const { start = 0, end = 0 } = memberSpans(payload).get('args') ?? {};
  const args = compactJson(payload.toString('utf8', start, end));
  return Buffer.from(
    `{"class":${JSON.stringify(job.class)},"args":${args},"queue":${JSON.stringify(queue)}}`,
  );
}

/** Without blanks, and with strings as Ruby escapes them. Numbers keep their digits: Ruby has integers of any size. */
export function compactJson(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|[ \t\r\n]+/gs, (token) => {
    if (!token.startsWith('"')) return '';
    return token.includes('\\') ? JSON.stringify(JSON.parse(token)) : token;
  });
}
