/** How a step takes jobs, and that what it records of them is harmless whatever they are. */
import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { randomCases } from '../../helpers/random-cases.ts';
import { useRedis } from '../../helpers/redis.ts';
import { assertSafeWorkerRecord } from '../../helpers/resque-web.ts';
import { useClient } from '../client.ts';
import { anyBytes, jsonObjects, nested, wrapper } from '../payloads.ts';

const stage = useClient(useRedis());
const workers = (count: number) => Array.from({ length: count }, (_, at) => `h.runner:1-${at}:mail`);

/** Has a worker of its own take each payload, and checks what is recorded. @returns which are embedded */
async function take(payloads: readonly Buffer[], queue = 'mail'): Promise<boolean[]> {
  await stage.redis.del(`resque:queue:${queue}`);
  await stage.redis.rpush(`resque:queue:${queue}`, ...payloads);
  const ids = workers(payloads.length);
  const { jobs } = await stage.takeStep({ reservations: [{ queues: [queue], workers: ids }] });
  expect(jobs.map((job) => job.worker)).toEqual(ids);
  const records = await stage.redis.mgetBuffer(ids.map((id) => `resque:worker:${id}`));
  const beside = await stage.redis.mgetBuffer(ids.map((id) => `resque:worker:${id}:payload`));
  for (const [at, bytes] of payloads.entries()) {
    const job = jobs[at];
    const record = records[at] ?? Buffer.alloc(0);
    expect(job?.payload.equals(bytes)).toBe(true);
    expect(assertSafeWorkerRecord(record).queue).toBe(queue.replace(/[<>]/g, ''));
    expect(assertSafeWorkerRecord(record).worker).toBe(`h.runner:1-${at}`);
    if (job?.isEmbedded) {
      expect(isJsonObject(bytes)).toBe(true);
      expect(record.includes(Buffer.concat([Buffer.from(',"payload":'), bytes, Buffer.from('}')]))).toBe(
        true,
      );
      expect(beside[at]).toBeNull();
    } else {
      expect(record.toString().endsWith(',"payload":{}}')).toBe(true);
      expect(beside[at]?.equals(bytes)).toBe(true);
    }
    const recorded = await stage.client.recordedJob(ids[at] ?? '', stage.lastStep, false);
    expect(recorded?.payload.bytes.equals(bytes)).toBe(true);
    expect(recorded?.queue).toBe(queue.replace(/[<>]/g, ''));
  }
  await stage.redis.del(...ids.flatMap((id) => [`resque:worker:${id}`, `resque:worker:${id}:payload`]));
  return jobs.map((job) => job.isEmbedded);
}

function isJsonObject(bytes: Buffer): boolean {
  if (!isUtf8(bytes)) return false;
  const value: unknown = JSON.parse(bytes.toString());
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

describe('the record of a worker embeds', () => {
  test.each([
    ['a plain job', '{"class":"Mail","args":[1,"a",null,true,-1.5,1e9,0.5,[],{}]}'],
    [
      'a job with more members',
      '{"class":"A","args":[{"a":{"b":[0]}}],"queue":"q","id":"x","created_at":17.25}',
    ],
    ['big integers', '{"class":"A","args":[9007199254740993,-12345678901234567890]}'],
    ['text of other languages', '{"class":"Grüße","args":["日本語","😀","\u2028"]}'],
    ['escapes', String.raw`{"class":"A\/B","args":["\"\\\n\u00e9\u0000"]}`],
    ['spaces between the tokens', '{"class": "A", "args": [0, -1, "x"]}'],
    ['an ActiveJob job', `{"class":"${wrapper}","args":[{"job_class":"A","arguments":[1]}]}`],
  ])('%s', async (_, text) => {
    expect(await take([Buffer.from(text)])).toEqual([true]);
  });

  test.each<[string, string | Buffer]>([
    ['nothing', ''],
    ['[', '['],
    ['an array', '[{"class":"A"}]'],
    ['a string', '"x"'],
    ['JSON that is cut off', '{"class":"A","args":['],
    ['two objects', '{}{}'],
    ['a NUL behind it', '{}\0'],
    ['NaN', '{"args":[NaN]}'],
    ['a negative infinity', '{"args":[-Infinity]}'],
    ['a plus sign', '{"args":[+1]}'],
    ['a plus sign alone', '{"args":[+]}'],
    ['a plus sign and hexadecimal', '{"args":[+0x10]}'],
    ['hexadecimal', '{"args":[0x10]}'],
    ['a leading zero', '{"args":[01]}'],
    ['a point without digits', '{"args":[1.]}'],
    ['a raw tab in a string', '{"args":["\t"]}'],
    ['a lone surrogate', String.raw`{"args":["\ud800"]}`],
    ['invalid UTF-8', Buffer.from('{"args":["\xe9"]}', 'latin1')],
    ['an encoded surrogate', Buffer.from('7b2261223a22eda08022 7d'.replace(' ', ''), 'hex')],
    ['1,000 levels', nested(1_000)],
    ['100 KB', JSON.stringify({ class: 'Big', args: ['x'.repeat(100_000)] })],
    ['a wrapper without a job', `{"class":"${wrapper}","args":[]}`],
    ['a wrapper with a space for a job', `{"class":"${wrapper}","args":[ ]}`],
    ['a wrapper that hides', `{"class":"${wrapper.slice(0, -1)}\\u0072","args":[]}`],
    ['a wrapper with a job in the wrong place', `{"class":"${wrapper}","args":[],"x":{"args":[{"a":1}]}}`],
  ])('only harmless objects: not %s', async (_, text) => {
    expect(await take([Buffer.from(text as string)])).toEqual([false]);
  });

  test('only what a strict parser accepts, whatever is on the queue', async () => {
    const payload = fc.oneof({ weight: 3, arbitrary: anyBytes }, { weight: 1, arbitrary: jsonObjects });
    await fc.assert(
      fc.asyncProperty(fc.array(payload, { minLength: 1, maxLength: 60 }), async (payloads) => {
        await take(payloads);
      }),
      { numRuns: randomCases(150) },
    );
  }, 60_000);
});

test.each(['a"b', 'a\\b', 'ä€😀', 'a\nb\x1f', 'a/b', '<b>', '","payload":{"x":1},"', ' ', 'a:b'])(
  'a job of a queue with the name %j is taken and recorded',
  async (queue) => {
    await take([Buffer.from('{"class":"A"}'), Buffer.from('junk')], queue);
  },
);

describe('jobs are taken', () => {
  const read = async () =>
    (await stage.takeStep({ reservations: [{ queues: ['high', 'low'], workers: workers(3) }] })).jobs.map(
      ({ queue, payload }) => `${queue} ${payload.toString()}`,
    );

  test('in the order of the queues, and within each in that of its list', async () => {
    await stage.redis.rpush('resque:queue:low', '1', '2');
    await stage.redis.rpush('resque:queue:high', '3', '4');
    expect(await read()).toEqual(['high 3', 'high 4', 'low 1']);
    expect(await read()).toEqual(['low 2']);
    expect(await read()).toEqual([]);
  });

  test('for no more workers than given', async () => {
    await stage.redis.rpush('resque:queue:low', '1', '2', '3', '4', '5');
    expect(await read()).toHaveLength(3);
    expect(await stage.redis.lrange('resque:queue:low', 0, -1)).toEqual(['4', '5']);
  });

  test('for several runners at once', async () => {
    await stage.redis.rpush('resque:queue:a', '1');
    await stage.redis.rpush('resque:queue:b', '2');
    const { jobs } = await stage.takeStep({
      reservations: [
        { queues: ['b'], workers: ['h:1-0:b'] },
        { queues: ['none'], workers: ['h:1-0:none'] },
        { queues: ['a', 'b'], workers: ['h:1-0:a', 'h:1-1:a'] },
      ],
    });
    expect(jobs.map(({ reservation, worker, queue }) => [reservation, worker, queue])).toEqual([
      [0, 'h:1-0:b', 'b'],
      [2, 'h:1-0:a', 'a'],
    ]);
    expect(await stage.redis.exists('resque:worker:h:1-1:a')).toBe(0);
  });
});

test('a queue whose key is not a list is reported, and the others are served', async () => {
  await stage.redis.set('resque:queue:bad', 'text');
  await stage.redis.rpush('resque:queue:good', '{"class":"A"}', '{"class":"B"}');
  const { jobs, unreadable } = await stage.takeStep({
    reservations: [
      { queues: ['bad', 'good'], workers: ['h:1-0:a'] },
      { queues: ['good'], workers: ['h:1-0:b'] },
    ],
  });
  expect(unreadable).toEqual([{ queue: 'bad', error: expect.stringContaining('WRONGTYPE') }]);
  expect(jobs.map(({ worker }) => worker)).toEqual(['h:1-0:a', 'h:1-0:b']);
});
