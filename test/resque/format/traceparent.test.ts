import { expect, test } from 'vitest';
import { traceIdOf, traceparentOf } from '../../../src/resque/format/traceparent.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
const activeJob = (data: object) => ({
  class: 'ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper',
  args: [{ job_class: 'Mail', job_id: 'f3a1', arguments: [7], ...data }],
});

test.each([
  ["OpenTelemetry's instrumentation of Resque writes", { class: 'Mail', args: [7], traceparent }],
  ['its instrumentation of ActiveJob writes', activeJob({ __otel_headers: [['traceparent', traceparent]] })],
  ['ActiveJob writes as an object', activeJob({ __otel_headers: { traceparent } })],
  [
    'both write: that of the payload',
    { ...activeJob({ __otel_headers: [['traceparent', 'x']] }), traceparent },
  ],
])('the trace of a job is what %s', (_, payload) => {
  expect(traceparentOf(payload)).toBe(traceparent);
  expect(traceIdOf(traceparent)).toBe(traceId);
});

test.each([
  ['is missing', {}],
  ['is not a text', { traceparent: 7 }],
  ['has another version', { traceparent: traceparent.replace(/^00/, '01') }],
  ['has upper case', { traceparent: traceparent.toUpperCase() }],
  ['has only zeros for the trace', { traceparent: traceparent.replace(traceId, '0'.repeat(32)) }],
  ['has only zeros for the span', { traceparent: traceparent.replace('00f067aa0ba902b7', '0'.repeat(16)) }],
  ['has more after it', { traceparent: `${traceparent}-00` }],
  ['has a line feed at its end', { traceparent: `${traceparent}\n` }],
  ['is in arguments of another kind', { args: ['traceparent', traceparent] }],
  ['is in headers of another kind', activeJob({ __otel_headers: ['traceparent', traceparent] })],
  ['is in no headers', activeJob({ __otel_headers: null })],
])('there is none if it %s', (_, payload) => {
  expect(traceparentOf(payload)).toBeNull();
});
