/** Odd payloads: only JSON objects are run, and they arrive byte for byte. Other payloads are recorded as failed. */
import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { assertSafeWorkerRecord, type FailureRecord } from '../helpers/resque-web.ts';
import { waitFor } from '../helpers/wait-for.ts';

const e2e = useEndToEnd({ isInProcess: true });
const wrapper = 'ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper';

/** The payload that a retry would read from the failure. */
function recordedPayload(raw: Buffer, record: FailureRecord, original: Buffer): Buffer | null {
  if (typeof record.raw_payload_base64 === 'string') return Buffer.from(record.raw_payload_base64, 'base64');
  if (typeof record.raw_payload === 'string') return Buffer.from(record.raw_payload, 'utf8');
  return raw.includes(Buffer.concat([Buffer.from('"payload":'), original])) ? original : null;
}

function bytes(...parts: (string | number[])[]): Buffer {
  return Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))),
  );
}

describe('a payload that is not a JSON object', () => {
  const payloads: readonly [string, Buffer][] = [
    ['text', bytes('hello')],
    ['an empty string', bytes('')],
    ['white space', bytes(' \n')],
    ['an array', bytes('[{"class":"A","args":[]}]')],
    ['a number', bytes('42')],
    ['a string', bytes('"class"')],
    ['null', bytes('null')],
    ['true', bytes('true')],
    ['cut off', bytes('{"class":"A","args":[1')],
    ['two objects', bytes('{"class":"A"}{"class":"B"}')],
    ['single quotes', bytes("{'class':'A'}")],
    ['PHP serialized', bytes('a:1:{s:5:"class";s:1:"A";}')],
    ['Ruby Marshal, binary', bytes([4, 8, 0x7b, 6, 0xff, 0xfe, 0])],
    ['a raw control character', bytes('{"class":"A\u0000"}')],
    ['markup', bytes('<script>alert(1)</script>')],
    ['a lone surrogate as bytes', bytes('"', [0xed, 0xa0, 0x80], '"')],
    ['text of 1 MB', bytes('x'.repeat(1024 * 1024))],
  ];

  test('is recorded with its raw text and not run', async () => {
    const script = e2e.script('echo ran >> "$D/ran"');
    const between = payloads.flatMap(([, payload]) => [payload, { class: 'Next', args: [] }]);
    await e2e.enqueue('mail', ...between);
    await e2e.run({ runners: { mail: 1 }, script });
    await e2e.waitForStat('processed', between.length);
    const failures = await e2e.failures(payloads.length);
    const records = await e2e.rawFailures();
    for (const [n, [name, payload]] of payloads.entries()) {
      const failure = failures[n];
      const raw = records[n];
      if (failure === undefined || raw === undefined) throw new Error(`no record of ${name}`);
      const { exception, queue, payload: kept } = failure;
      expect.soft({ exception, queue, class: kept.class }, name).toEqual({
        ...{ exception: 'InvalidPayloadError', queue: 'mail', class: 'InvalidPayload' },
      });
      expect.soft(recordedPayload(raw, failure, payload)?.equals(payload), name).toBe(true);
      if (isUtf8(payload)) expect.soft(failure.raw_payload === payload.toString(), name).toBe(true);
    }
    expect(await e2e.stat('failed')).toBe(payloads.length);
    expect(e2e.fileLines('ran')).toHaveLength(payloads.length);
    expect(await e2e.backlog('mail')).toEqual([]);
  });

  test('is reported in the log', async () => {
    await e2e.enqueue('mail', 'hello');
    const runner = await e2e.run({ runners: { mail: 1 }, script: '/bin/true' });
    const { failure, level } = await runner.waitForLine('failure.recorded', undefined, { timeoutMs: 3000 });
    expect(failure).toMatchObject({ exception: 'InvalidPayloadError', queue: 'mail', jobClass: null });
    expect(level).not.toBe('info');
  });

  test('a backlog of such payloads loses none', async () => {
    const script = e2e.script('exit 0');
    const backlog = Array.from({ length: 100 }, (_, n) => (n % 2 === 0 ? `broken ${n}` : `{"n":${n}}`));
    await e2e.enqueue('mail', ...backlog);
    await e2e.run({ runners: { mail: 3 }, script });
    await e2e.waitForStat('processed', 100);
    const failures = await e2e.failures(50);
    expect(failures.map((failure) => String(failure.raw_payload)).sort()).toEqual(
      backlog.filter((text) => text.startsWith('broken')).sort(),
    );
  });
});

describe('an odd payload that is an object', () => {
  const deep = `{"class":"Deep","args":${'['.repeat(200)}${']'.repeat(200)}}`;
  const payloads: readonly [string, Buffer][] = [
    ['with unusual white space', bytes(' {\n\t"class" : "A" ,\r\n "args":[ 1,2 ] }\n')],
    ['without class and args', bytes('{}')],
    ['with args that are not an array', bytes('{"class":"A","args":{"a":1}}')],
    ['with a class that is not a string', bytes('{"class":{"name":"A"},"args":[]}')],
    [
      'with additional members',
      bytes('{"class":"A","args":[],"id":"x-1","retry":true,"nested":{"a":[null]}}'),
    ],
    ['with integers above 2^53', bytes('{"class":"A","args":[9007199254740993,12345678901234567890123]}')],
    ['with numbers in odd forms', bytes('{"class":"A","args":[1.0,1e3,-0,1E-7,0.10,1e400]}')],
    ['with duplicate keys', bytes('{"class":"A","class":"B","args":[1],"args":[2]}')],
    ['with escapes in odd forms', bytes('{"class":"\\u0041\\/b","args":["\\u00e9\\ud83d\\ude80"]}')],
    ['with a lone surrogate escape', bytes('{"class":"A","args":["\\ud800 x \\udc00"]}')],
    ['with a lone surrogate escape in its class', bytes('{"class":"A\\udfff","args":[]}')],
    ['with a lone surrogate in a key', bytes('{"class":"A","args":[],"\\ud800":1}')],
    ['with one in a duplicate member', bytes('{"class":"A","args":["\\ud800"],"args":[1]}')],
    ['with an escaped backslash before "ud800"', bytes('{"class":"A","args":["\\\\ud800"]}')],
    ['with invalid UTF-8', bytes('{"class":"A","args":["caf', [0xe9, 0xff], '"]}')],
    ['with a surrogate encoded as UTF-8', bytes('{"class":"A","args":["', [0xed, 0xa0, 0x80], '"]}')],
    ['with a NUL escape', bytes('{"class":"A\\u0000","args":["\\u0000"]}')],
    ['with unicode', bytes('{"class":"Ä::队列","args":["🚀\u2028\u2029\u200b"]}')],
    ['200 levels deep', bytes(deep)],
    ['ActiveJob without args', bytes(`{"class":"${wrapper}","args":[]}`)],
    ['ActiveJob with args that are not a job', bytes(`{"class":"${wrapper}","args":[null]}`)],
    ['ActiveJob without the member args', bytes(`{"class":"${wrapper}"}`)],
    ['a correct ActiveJob', bytes(`{"class":"${wrapper}","args":[{"job_class":"Mail","arguments":[1]}]}`)],
    ['with a member __proto__', bytes('{"class":"A","args":[],"__proto__":{"isObject":false}}')],
    [
      'with text that looks like the record around it',
      bytes('{"class":"A","args":[",\\"payload\\":{}}"],"run_at":1}'),
    ],
    ['with markup', bytes('{"class":"<b>A</b>","args":["</script>"]}')],
    ['of 10 MB', bytes(`{"class":"Big","args":["${'b'.repeat(10 * 1024 * 1024)}"]}`)],
  ];

  test('reaches STDIN and its failure byte for byte', async () => {
    const script = e2e.script(`
      read -r n < "$D/number"
      cat > "$D/stdin-$n"; echo read > "$D/read-$n"; while [ ! -e "$D/go-$n" ]; do sleep 0.1; done; exit 1`);
    const runner = await e2e.run({ runners: { mail: 1 }, script });
    for (const [n, [name, payload]] of payloads.entries()) {
      e2e.write('number', `${n}\n`);
      await e2e.enqueue('mail', payload);
      const { job } = await waitFor(() => runner.all('job.started')[n], {
        message: `a payload ${name} is run`,
      });
      const key = e2e.key(`worker:${job?.worker}`);
      const record = await waitFor(() => e2e.client.getBuffer(key), {
        message: `the worker says what it runs: a payload ${name}`,
      });
      expect.soft(assertSafeWorkerRecord(record).queue, name).toBe('mail');
      expect.soft(job?.payloadBytes, name).toBe(payload.length);
      await e2e.waitForFileLines(`read-${n}`);
      e2e.write(`go-${n}`);
      await e2e.waitForStat('processed', n + 1);

      const stdin = readFileSync(e2e.path(`stdin-${n}`));
      expect.soft(stdin.equals(payload), `STDIN is what lay on the list: ${name}`).toBe(true);
    }
    const failures = await e2e.failures(payloads.length);
    const records = await e2e.rawFailures();
    for (const [n, [name, payload]] of payloads.entries()) {
      const failure = failures[n];
      const raw = records[n];
      if (failure === undefined || raw === undefined) throw new Error(`no record of a payload ${name}`);
      const kept = recordedPayload(raw, failure, payload);
      expect.soft(kept?.equals(payload), `the record keeps the payload ${name}`).toBe(true);
      expect.soft(failure.exit_code, name).toBe(1);
    }
  });
});
