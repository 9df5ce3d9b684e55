import { describe, expect, test } from 'vitest';
import { diagnoseFailure } from '../../../src/resque/audit/failed-entry.ts';
import { retryOf } from '../../../src/resque/format/failure-record.ts';
import { assertSafeForResqueWeb } from '../../helpers/resque-web.ts';

function entry(members: string): Buffer {
  return Buffer.from(
    `{"failed_at":"2026/11/24 15:20:19 UTC","exception":"E","error":"e","backtrace":null,"queue":"q",${members}}`,
  );
}

function repaired(record: Buffer): Record<string, unknown> {
  const bytes = diagnoseFailure(record)?.repaired;
  if (bytes === undefined || bytes === null) throw new Error('nothing was repaired');
  expect(diagnoseFailure(bytes)).toBeNull();
  return assertSafeForResqueWeb(bytes) as unknown as Record<string, unknown>;
}

describe('an entry of the list of failures', () => {
  test.each([
    '"worker":""',
    '"worker":"h:1:q","payload":{"class":"A","args":[1]}',
    '"worker":"h:1:q","payload":"text"',
    '"worker":"h:1:q","payload":null,"backtrace":[]',
    '"worker":"h:1:q","failed_at":"2026-11-24T15:20:19Z"',
    '"worker":"h:1:q","failed_at":"2026/11/24 15:20:19 CST"',
    '"worker":"h:1:q","failed_at":"2026-11-24 15:20:19.123456 +0100","retried_at":"2026/11/24 15:20:19"',
    '"worker":"h:1:q","text":"\\\\ud800, \\ud83d\\ude00"',
  ])('is left alone where resque-web shows it: %s', (members) => {
    expect(diagnoseFailure(entry(members))).toBeNull();
  });

  test('keeps the bytes of members that are fine, and what was replaced', () => {
    const record = entry('"worker":null,"payload":{"class":"A","args":[12345678901234567890]}');
    const bytes = diagnoseFailure(record)?.repaired ?? Buffer.of();
    expect(bytes.toString()).toContain('"payload":{"class":"A","args":[12345678901234567890]}');
    expect(bytes.toString()).toContain('"before_repair":{"worker":null}');
    expect(repaired(record).worker).toBe('unknown');
  });

  test('can be retried with the payload as it was, where that could not be shown', () => {
    const bytes = diagnoseFailure(entry('"worker":"h:1:q","payload":[1,2]'))?.repaired ?? Buffer.of();
    assertSafeForResqueWeb(bytes);
    expect(retryOf(bytes, new Date())?.payload.toString()).toBe('[1,2]');
  });

  test('that is no JSON is kept as text, one that is empty is not', () => {
    expect(repaired(Buffer.from('{"worker":'))).toMatchObject({ raw_record: '{"worker":' });
    expect(repaired(Buffer.from('\xff', 'latin1'))).toMatchObject({ raw_record_base64: '/w==' });
    expect(diagnoseFailure(Buffer.of())).toEqual({ problem: 'empty', repaired: null });
  });

  test('names its first problem, and repairs all of them', () => {
    const record = entry('"worker":1,"backtrace":"a","payload":[]');
    expect(diagnoseFailure(record)?.problem).toBe('worker');
    expect(repaired(record).before_repair).toEqual({ worker: 1, backtrace: 'a', payload: [] });
  });
});
