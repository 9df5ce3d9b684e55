import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { freePort, useRedis } from '../../helpers/redis.ts';
import { useDirectory } from '../directory.ts';
import { runCommand } from '../run-command.ts';
import { serveAll } from './stage.ts';

const redis = useRedis();
const directory = useDirectory();
let server: Server | null = null;

afterEach(() => {
  server?.close();
  server = null;
});

function enqueue(...args: string[]) {
  serveAll(directory.path);
  return runCommand(['enqueue', ...args], { cwd: directory.path });
}

function url(): string {
  return `redis://127.0.0.1:${redis.port}`;
}

describe('enqueue', () => {
  test('writes what a Resque client writes, and says so in one line', async () => {
    const { code, stdout, stderr } = await enqueue('mail', 'SendMail', 'bob', '3', '--redis', url());
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(
      `enqueued {"class":"SendMail","args":["bob",3]} in mail; 1 job is waiting there now (${url()}/0)`,
    );
    expect(await redis.client.smembers('resque:queues')).toEqual(['mail']);
    expect(await redis.client.lrange('resque:queue:mail', 0, -1)).toEqual([
      '{"class":"SendMail","args":["bob",3]}',
    ]);
  });

  test('says that nothing takes the queue, and enqueues the job', async () => {
    const unserved = async (...args: string[]) => {
      const { code, stderr } = await runCommand(['enqueue', ...args, '--redis', url()], {
        cwd: directory.path,
      });
      expect(code).toBe(0);
      return stderr.replace('resque-runner: ', '');
    };
    expect(await unserved('mial', 'A')).toBe('no registered worker serves the queue "mial" yet');
    await redis.client.sadd('resque:workers', 'ruby1:7:mail,low_*', 'web.runner:5-0:!mial,x');
    expect(await unserved('mial', 'A')).toBe(
      'no registered worker serves the queue "mial" yet; did you mean "mail"?',
    );
    expect(await unserved('low_1', 'A')).toBe('');
    const config = { runners: { 'news,feed_*': 1 }, script: '/bin/true' };
    writeFileSync(join(directory.path, 'cfg.json'), JSON.stringify(config));
    expect(await unserved('feed_7', 'A')).toBe('');
    expect(await unserved('new', 'A')).toBe(
      'neither an entry of cfg.json nor a registered worker serves the queue "new" yet; did you mean "news"?',
    );
    expect(await redis.client.llen('resque:queue:mial')).toBe(2);
  });

  test('warns of an argument that looks like JSON and became a string', async () => {
    const args = ['{"format": pdf}', '[1, 2,]', '{curly}', '[draft', 'plain', '{}', '[1]'];
    const { code, stderr } = await enqueue('q', 'C', '--redis', url(), '--', ...args);
    expect(code).toBe(0);
    const warning = (text: string, place: string) =>
      `resque-runner: ${text} is not valid JSON, so it is passed as a string: at column ${place}`;
    expect(stderr.split('\n')).toEqual([
      expect.stringContaining(warning('{"format": pdf}', '12, an unquoted word')),
      warning('[1, 2,]', '6, a trailing comma; remove it'),
      expect.stringContaining(warning('{curly}', '2, ')),
    ]);
    const [job = ''] = await redis.client.lrange('resque:queue:q', 0, -1);
    expect(JSON.parse(job).args).toEqual([...args.slice(0, 5), {}, [1]]);
  });

  test('appends, so that the first job in is the first out', async () => {
    await enqueue('q', 'A', '--redis', url());
    await enqueue('q', 'B', '--redis', url());
    expect(await redis.client.lrange('resque:queue:q', 0, -1)).toEqual([
      '{"class":"A","args":[]}',
      '{"class":"B","args":[]}',
    ]);
  });

  test('takes arguments as JSON where they are JSON, digit for digit, else as strings', async () => {
    const args = [
      '9007199254740993123',
      '1.50',
      '{"a": [1]}',
      'true',
      'null',
      '"3"',
      '007',
      '',
      'it\'s "x"\n',
      ' 5 ',
    ];
    await enqueue('q', 'C', '--redis', url(), '--', ...args, '-5', '--foo');
    expect(await redis.client.lindex('resque:queue:q', 0)).toBe(
      '{"class":"C","args":[9007199254740993123,1.50,{"a": [1]},true,null,"3","007","","it\'s \\"x\\"\\n",5,-5,"--foo"]}',
    );
  });

  test('takes queue names of every kind', async () => {
    const names = ['a b', 'a:b', 'ä/*"\''];
    await Promise.all(names.map((name) => enqueue(name, 'C', '--redis', url())));
    expect((await redis.client.smembers('resque:queues')).sort()).toEqual(names);
    for (const name of names) expect(await redis.client.llen(`resque:queue:${name}`)).toBe(1);
  });

  test('takes Redis and namespace from the config, or from the flags', async () => {
    const config = { redis: url(), namespace: 'app', runners: { q: 1 }, script: '/bin/true' };
    writeFileSync(join(directory.path, 'cfg.json'), JSON.stringify(config));
    writeFileSync(join(directory.path, 'other.json'), JSON.stringify({ ...config, namespace: 'other' }));
    await Promise.all([
      enqueue('q', 'C'),
      enqueue('q', 'C', '--config', 'other.json'),
      enqueue('q', 'C', '--namespace', 'third'),
    ]);
    expect((await redis.client.keys('*:queue:q')).sort()).toEqual(
      ['app', 'other', 'third'].map((namespace) => `${namespace}:queue:q`),
    );
  });
});

describe('enqueue without a Redis to write to', () => {
  test('says so when nothing listens', async () => {
    const port = await freePort();
    const { code, stderr } = await enqueue('q', 'C', '--redis', `redis://me:hunter2@127.0.0.1:${port}/3`);
    expect(code).toBe(1);
    expect(stderr).toBe(
      `resque-runner: redis://me@127.0.0.1:${port}/3: connect ECONNREFUSED 127.0.0.1:${port}; is Redis running there?`,
    );
  });

  test('gives up when nothing answers', async () => {
    const port = await freePort();
    server = createServer((socket) => socket.on('error', () => {})).listen(port, '127.0.0.1');
    const { code, stderr } = await enqueue('q', 'C', '--redis', `redis://127.0.0.1:${port}`);
    expect(code).toBe(1);
    expect(stderr).toContain('no answer within 4 s');
  });

  test('says so when the other side is no Redis', async () => {
    const port = await freePort();
    server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    }).listen(port, '127.0.0.1');
    const { code, stderr } = await enqueue('q', 'C', '--redis', `redis://127.0.0.1:${port}`);
    expect(code).toBe(1);
    expect(stderr).not.toContain('internal error in resque-runner');
  });

  test('tells the refusal of a database that is not there, and writes to no other', async () => {
    const { code, stderr } = await enqueue('q', 'C', '--redis', `${url()}/99`);
    expect(code).toBe(1);
    expect(stderr).toContain('DB index is out of range');
    expect(await redis.client.keys('*')).toEqual([]);
  });

  test('tells that the queue is no list', async () => {
    await redis.client.set('resque:queue:q', 'text');
    const { code, stderr } = await enqueue('q', 'C', '--redis', url());
    expect(code).toBe(1);
    expect(stderr).toContain('WRONGTYPE');
  });

  test('tells that the embedded one does not run', async () => {
    const { code, stderr } = await enqueue('q', 'C', '--redis', 'embedded');
    expect(code).toBe(1);
    expect(stderr).toContain('is not running');
    expect(stderr).toContain('start resque-runner first');
  });
});
