/**
 * The trace that a job belongs to, if its payload says so, as https://www.w3.org/TR/trace-context defines it. OpenTelemetry's
 * instrumentations of Resque and of ActiveJob put it here; others do as the first one:
 *
 *     {"class":"Mail","args":[7],"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
 *     {"class":"ActiveJob::…::JobWrapper","args":[{"job_class":"Mail",…,"__otel_headers":[["traceparent","00-…"]]}]}
 */
const form = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * @param payload an object from `JSON.parse`
 * @returns `null` if there is none, or none that is valid
 */
export function traceparentOf(payload: object): string | null {
  const { traceparent, args } = payload as Readonly<Record<string, unknown>>;
  return validated(traceparent) ?? validated(ofActiveJob(args));
}

/** `00-TRACE-SPAN-FLAGS` → `TRACE` */
export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35);
}

function ofActiveJob(args: unknown): unknown {
  const first: unknown = Array.isArray(args) ? args[0] : null;
  if (typeof first !== 'object' || first === null) return null;
  const { __otel_headers: headers } = first as Readonly<Record<string, unknown>>;
  if (!Array.isArray(headers)) return (headers as { traceparent?: unknown } | null | undefined)?.traceparent;
  const pair: unknown = headers.find((each) => Array.isArray(each) && each[0] === 'traceparent');
  return Array.isArray(pair) ? pair[1] : null;
}

function validated(value: unknown): string | null {
  return typeof value === 'string' && form.test(value) ? value : null;
}
