import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Failure, failureRecord } from '../../../src/resque/format/failure-record.ts';
import { readPayload, refusalText } from '../../../src/resque/format/payload.ts';
import { randomCases } from '../../helpers/random-cases.ts';
import { assertSafeForResqueWeb, type FailureRecord } from '../../helpers/resque-web.ts';
import { anyBytes, jsonObjects, nested, wrapper } from '../payloads.ts';

const failedAt = new Date('2026-11-24T15:20:19.123Z');

type Facts = Partial<Failure> & { readonly text?: string | Buffer };

function failureOf({ text = '{"class":"A","args":[1]}', ...rest }: Facts = {}): Failure {
  return {
    failedAt,
    worker: 'h.runner:1-0:mail',
    queue: 'mail',
    payload: readPayload(Buffer.from(text as string)),
    exception: 'E',
    error: 'x',
    backtrace: [],
    exitCode: 1,
    signal: null,
    stderr: '',
    stdout: '',
    ...rest,
  };
}

/** A record as it is read back, checked for all that breaks other clients. */
function recordOf(facts: Facts = {}): FailureRecord {
  return assertSafeForResqueWeb(Buffer.from(failureRecord(failureOf(facts))));
}

test("a record has Resque's members and the exit code, and nothing else", () => {
  expect(recordOf({ backtrace: ['at a', 'at b'] })).toEqual({
    failed_at: '2026/11/24 15:20:19 UTC',
    payload: { class: 'A', args: [1] },
    exception: 'E',
    error: 'x',
    backtrace: ['at a', 'at b'],
    worker: 'h.runner:1-0:mail',
    queue: 'mail',
    exit_code: 1,
  });
});

test('the signal replaces the exit code', () => {
  const record = recordOf({ exitCode: null, signal: 'SIGKILL' });
  expect(record.signal).toBe('SIGKILL');
  expect(record).not.toHaveProperty('exit_code');
});

test('a job that never ran has an exit code of null', () => {
  expect(recordOf({ exitCode: null }).exit_code).toBeNull();
});

test('what the job used is included if it is known', () => {
  expect(recordOf({ cpuMs: 12.5, peakMemoryBytes: 1_048_576 })).toMatchObject({
    cpu_ms: 12.5,
    peak_memory_bytes: 1_048_576,
  });
});

test('output is included if there is any', () => {
  expect(recordOf({ stderr: 'err', stdout: 'out' })).toMatchObject({ stderr: 'err', stdout: 'out' });
});

test("an absent backtrace is empty, because null stops node-resque's scheduler", () => {
  expect(recordOf().backtrace).toEqual([]);
});

describe('the record has the payload as JavaScript writes it, and its exact bytes:', () => {
  test.each([
    ['slashes as PHP escapes them', String.raw`{"class":"A\/B","args":[]}`, '{"class":"A/B","args":[]}'],
    ['blanks as Python writes them', '{"class": "A", "args": [1, 2]}', '{"class":"A","args":[1,2]}'],
    ['a float', '{"class":"A","args":[1.0,1e3,-0.0]}', '{"class":"A","args":[1,1000,0]}'],
    ['letters that Python escapes', String.raw`{"class":"\u00e9\ud83d\ude80"}`, '{"class":"é🚀"}'],
    ['a member twice', '{"class":"A","class":"B"}', '{"class":"B"}'],
    ['names that are numbers', '{"class":"A","2":1,"1":2}', '{"1":2,"2":1,"class":"A"}'],
    ['__proto__', '{"class":"A","__proto__": {"a":1}}', '{"class":"A","__proto__":{"a":1}}'],
    ['digits in a string', '{"class":"A" ,"a":"9007199254740993"}', '{"class":"A","a":"9007199254740993"}'],
    [
      'many digits of a fraction',
      '{"class":"A","a":0.12345678901234567890}',
      '{"class":"A","a":0.12345678901234568}',
    ],
    ['white space around it', ' {"class":"A"}\n', '{"class":"A"}'],
  ])('%s', (_, text, canonical) => {
    const record = recordOf({ text });
    expect(JSON.stringify(record.payload)).toBe(canonical);
    expect(record.raw_payload).toBe(text);
  });

  // Rounded, Ruby's retry would run the job of another id.
  test.each(['9007199254740993', '-12345678901234567890', '1e400'])(
    'but as it is if JavaScript would change the number %s',
    (number) => {
      const text = `{"class": "A", "args": [${number}]}`;
      const json = failureRecord(failureOf({ text }));
      expect(json).toContain(`"payload":${text},`);
      expect(json).not.toContain('raw_payload');
    },
  );

  test('megabytes of it', () => {
    const strings = '"\\"0123456789012345\\u00e9", 1.0, '.repeat(20_000);
    const text = `{"class": "A", "args": [${strings}"${'0'.repeat(2_000_000)}"]}`;
    expect(recordOf({ text }).raw_payload).toBe(text);
  });
});

describe('what is not a job has a stand-in:', () => {
  test.each([
    ['text', 'not JSON'],
    ['nothing', ''],
    ['control characters', '\0\x1b[31m\x7f'],
    ['an array', '[1]'],
    ['16 KiB', 'é'.repeat(8 * 1024)],
  ])('%s, all of it', (_, text) => {
    const { payload, raw_payload: raw } = recordOf({ text });
    expect({ payload, raw }).toEqual({ payload: { class: 'InvalidPayload', args: [text] }, raw: text });
  });

  test('what is not UTF-8, as text and in base64', () => {
    const bytes = Buffer.from('caf\xe9', 'latin1');
    const { payload } = recordOf({ text: bytes });
    const args = ['caf\ufffd', { raw_payload_base64: bytes.toString('base64') }];
    expect(payload).toEqual({ class: 'InvalidPayload', args });
  });

  // Ruby enqueues no job without a class; of the others, "Retry all" would enqueue another job.
  test.each([
    ['a job without a class', '{"args":[1]}'],
    ['a class of null', '{"class":null,"args":[]}'],
    ['an empty class', '{"class":"","args":[]}'],
    ['a job nested too deeply for Ruby', nested(200)],
    ['a wrapper of ActiveJob without its job', `{"class":"${wrapper}","args":[]}`],
  ])("%s, which other clients can't retry", (_, text) => {
    const { payload, raw_payload: raw } = recordOf({ text });
    expect({ payload, raw }).toEqual({ payload: { class: 'InvalidPayload', args: [text] }, raw: text });
  });

  test('only the beginning of what is larger, and its size', () => {
    const text = '😀'.repeat(10_000);
    const { payload, raw_payload: raw } = recordOf({ text });
    const [shown, more] = payload.args as [string, unknown];
    expect(shown).toMatch(/^(?:😀)+…$/u);
    expect(Buffer.byteLength(shown)).toBeLessThanOrEqual(16 * 1024);
    expect(more).toEqual({ bytes: 40_000 });
    expect(raw).toBe(text);
  });
});

describe('a stand-in that another client put back on a queue is recorded with the bytes behind it:', () => {
  /** As Ruby and node-resque enqueue `class` and `args` of a record. */
  const retried = (text: string | Buffer, more: object = {}) => {
    const { class: jobClass, args } = recordOf({ text }).payload;
    return Buffer.from(JSON.stringify({ class: jobClass, ...more, args }));
  };

  test.each([
    ['text', Buffer.from('not JSON')],
    ['nothing', Buffer.of()],
    ['an array', Buffer.from('[{"class":"A"}]')],
    ['what is not UTF-8', Buffer.from([4, 8, 0x7b, 6, 0xff, 0xfe, 0])],
  ])('%s', (_, bytes) => {
    for (const more of [{}, { queue: 'mail' }]) {
      const job = readPayload(retried(bytes, more));
      expect(job.isObject).toBe(false);
      expect(recordOf({ payload: job })).toEqual(recordOf({ text: bytes }));
    }
  });

  test('what is larger, with its beginning', () => {
    const once = readPayload(retried('x'.repeat(20_000)));
    const record = recordOf({ payload: once });
    expect(record.raw_payload).toMatch(/^x{16000,}…$/);
    expect(recordOf({ payload: readPayload(retried(record.raw_payload ?? '')) })).toEqual(record);
  });

  test.each(['{"class":"InvalidPayload"}', '{"class":"InvalidPayload","args":[7]}'])(
    'one that nobody recorded, with its own bytes: %s',
    (text) => {
      expect(recordOf({ text })).toMatchObject({
        payload: { class: 'InvalidPayload', args: [text] },
        raw_payload: text,
      });
      const job = readPayload(retried(text));
      expect(job).toMatchObject({ isObject: false, original: Buffer.from(text) });
      expect(job.isObject || refusalText(job)).toBe(
        'the payload is a job of class InvalidPayload, which never runs',
      );
    },
  );
});

describe("a payload that the record can't embed is kept as raw_payload:", () => {
  test.each([
    ['text', 'not JSON'],
    ['nothing', ''],
    ['an array', '[1]'],
    ['a number', '42'],
    ['control characters', '\0\x1b[31m\x7f'],
    ['a lone surrogate', String.raw`{"class":"A","args":["\ud800"]}`],
    ['a wrapper without a job', `{"class":"${wrapper}","args":[]}`],
    ['deep JSON', nested(300)],
  ])('%s', (_, text) => {
    const record = recordOf({ text });
    expect(record.raw_payload).toBe(text);
    expect(record).not.toHaveProperty('raw_payload_base64');
  });

  test('in base64 if it is not UTF-8', () => {
    const bytes = Buffer.from('{"args":["\xe9\xff"]}', 'latin1');
    const record = recordOf({ text: bytes });
    expect(Buffer.from(record.raw_payload_base64 ?? '', 'base64').equals(bytes)).toBe(true);
    expect(record).not.toHaveProperty('raw_payload');
  });
});

test('removes markup from exception and queue, and keeps it in error', () => {
  const record = recordOf({ exception: 'A<b>', queue: 'q<i>', error: '<b>' });
  expect(record).toMatchObject({ exception: 'Ab', queue: 'qi', error: '<b>' });
});

test('an exception that is only markup gets a name', () => {
  expect(recordOf({ exception: '<>' }).exception).not.toBe('');
});

test('no record breaks resque-web, and none loses the payload, whatever is in it', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\ud800', 'a\udc00', '</script>', '\0', '\u2028'),
  );
  const failure = fc.record({
    payload: fc.oneof(jsonObjects, anyBytes).map(readPayload),
    worker: text,
    queue: text,
    exception: text.filter((name) => /[^<>]/.test(name)),
    error: text,
    backtrace: fc.array(text, { maxLength: 3 }),
    exitCode: fc.option(fc.nat(255)),
    signal: fc.option(fc.constantFrom('SIGKILL', 'SIGTERM')),
    stderr: text,
    stdout: text,
  });
  fc.assert(
    fc.property(failure, (rest) => {
      const record = recordOf(rest);
      const { raw_payload: raw, raw_payload_base64: base64 } = record;
      const bytes = rest.payload.bytes;
      if (typeof raw === 'string') expect(Buffer.from(raw).equals(bytes)).toBe(true);
      else if (typeof base64 === 'string') expect(Buffer.from(base64, 'base64').equals(bytes)).toBe(true);
      else expect(JSON.stringify(record.payload)).toBe(JSON.stringify(JSON.parse(bytes.toString())));
    }),
    { numRuns: randomCases(500) },
  );
});
