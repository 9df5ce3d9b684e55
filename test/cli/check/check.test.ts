import { chmodSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { freePort, type RedisServer, useRedis } from '../../helpers/redis.ts';
import { useDirectory } from '../directory.ts';
import { runCommand } from '../run-command.ts';

const redis = useRedis();
const directory = useDirectory();
const replica = useRedis({ isOwn: true });

function url(server: RedisServer = redis): string {
  return `redis://127.0.0.1:${server.port}`;
}

interface Verdicts {
  readonly code: number | undefined;
  readonly lines: readonly string[];
}

async function check(config: object | string, ...args: string[]): Promise<Verdicts> {
  const text = typeof config === 'string' ? config : JSON.stringify(config);
  writeFileSync(join(directory.path, 'cfg.json'), text);
  const { code, stdout, stderr } = await runCommand(['check', ...args], { cwd: directory.path });
  expect(stderr).toBe('');
  return { code, lines: stdout.split('\n') };
}

function config(changes: object = {}): object {
  return { redis: url(), runners: { mail: 2, 'low,*': 1 }, script: '/bin/true', ...changes };
}

describe('check', () => {
  beforeEach(() => redis.client.config('SET', 'maxmemory-policy', 'noeviction'));

  test('gives a verdict a line and exits 0 when all is well', async () => {
    const { code, lines } = await check(config());
    expect(lines).toEqual([
      'ok   config     cfg.json: 2 entries, 3 slots',
      expect.stringMatching(
        new RegExp(`^ok {3}redis {6}${url()}/0 (version|Valkey) \\d+\\.\\d+\\.\\d+, \\d+\\.\\d ms$`),
      ),
      expect.stringMatching(
        /^ok {3}permission all \d+ commands that the runner uses are permitted on its keys$/,
      ),
      'ok   script     /bin/true (for mail, low,*)',
      expect.stringMatching(/^ok {3}start {6}\S/),
      'ok   data       0 workers, 0 failures: nothing to repair',
    ]);
    expect(code).toBe(0);
  });

  test('counts the entries of included files', async () => {
    writeFileSync(join(directory.path, 'more.json'), '{ "runners": { "more": 4 } }');
    const { code, lines } = await check(config({ include: '*re.json' }));
    expect(lines[0]).toBe('ok   config     cfg.json with 1 included file: 3 entries, 7 slots');
    expect(code).toBe(0);
  });

  test('gives the same as one JSON document', async () => {
    const good = await check(config(), '--json');
    expect(good.code).toBe(0);
    const { ok, verdicts } = JSON.parse(good.lines.join('\n'));
    expect(ok).toBe(true);
    expect(verdicts).toHaveLength((await check(config())).lines.length);
    expect(verdicts[0]).toEqual({ level: 'ok', subject: 'config', text: 'cfg.json: 2 entries, 3 slots' });

    const bad = await check(config({ script: '/nowhere' }), '--json');
    expect(bad.code).toBe(1);
    expect(JSON.parse(bad.lines.join('\n'))).toMatchObject({
      ok: false,
      verdicts: expect.arrayContaining([expect.objectContaining({ level: 'fail', subject: 'script' })]),
    });
  });

  test('tells in which way jobs are started', async () => {
    const natively = process.platform === 'linux' ? 'natively, with posix_spawn' : 'through Node';
    const { lines } = await check(config());
    expect(lines.find((line) => line.includes(' start '))).toContain(natively);
  });

  test('writes nothing', async () => {
    await check(config());
    expect(await redis.client.keys('*')).toEqual([]);
  });

  test('puts each problem of the config on a line', async () => {
    const { code, lines } = await check(config({ runners: { mail: 0 }, redis: { port: 'x' } }));
    expect(code).toBe(1);
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toMatch(/^FAIL config {5}cfg\.json: /);
  });

  test('exits 2 when there is no config to check', async () => {
    const { code, stderr } = await runCommand(['check'], { cwd: directory.path });
    expect(code).toBe(2);
    expect(stderr).toContain('no config');
  });

  test('tells that Redis is not there, and looks at the scripts all the same', async () => {
    const port = await freePort();
    const { code, lines } = await check(config(), '--redis', `redis://127.0.0.1:${port}`);
    expect(code).toBe(1);
    expect(lines[1]).toContain(`FAIL redis      redis://127.0.0.1:${port}/0: connect ECONNREFUSED`);
    expect(lines[2]).toContain('ok   script');
  });

  test('tells a port of another kind of server', async () => {
    const http = createServer((_, response) => response.end('<html>'));
    const port = await freePort();
    await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve));
    const { code, lines } = await check(config(), '--redis', `redis://127.0.0.1:${port}`);
    http.close();
    expect(code).toBe(1);
    expect(lines[1]).toBe(`FAIL redis      redis://127.0.0.1:${port}/0: not a Redis; check host and port`);
    expect(lines.join()).not.toMatch(/RESP|report/);
  });

  test('tells wrong credentials, without the password', async () => {
    const { code, lines } = await check(
      config(),
      '--redis',
      `redis://nobody:hunter2@127.0.0.1:${redis.port}`,
    );
    expect(code).toBe(1);
    expect(lines[1]).toContain('WRONGPASS');
    expect(lines.join()).not.toContain('hunter2');
  });

  test('tells which commands are not permitted', async () => {
    await redis.client.acl(
      'SETUSER',
      'low',
      'reset',
      'on',
      '>pw',
      '~resque:*',
      '+@all',
      '-blpop',
      '-client|unblock',
      '-acl',
    );
    const { code, lines } = await check(config(), '--redis', `redis://low:pw@127.0.0.1:${redis.port}`);
    expect(code).toBe(1);
    expect(lines[2]).toContain('FAIL permission BLPOP, CLIENT UNBLOCK: no permission');
  });

  test('tells which commands lack the permission for their keys', async () => {
    await redis.client.acl('SETUSER', 'low', 'reset', 'on', '>pw', '~resque:queue:*', '+@all');
    const { code, lines } = await check(config(), '--redis', `redis://low:pw@127.0.0.1:${redis.port}`);
    expect(code).toBe(1);
    expect(lines[2]).toMatch(/^FAIL permission SADD, .*: no permission for its keys; .*~resque:\*/);
  });

  test('warns of a policy that evicts queues, and exits 0', async () => {
    await redis.client.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const { code, lines } = await check(config());
    expect(code).toBe(0);
    expect(lines).toContainEqual(
      expect.stringContaining('warn memory     maxmemory-policy allkeys-lru evicts queues'),
    );
  });

  test('warns of a limit that closes connections over large jobs', async () => {
    await redis.client.config('SET', 'client-output-buffer-limit', 'normal 1mb 1mb 1');
    const { code, lines } = await check(config());
    await redis.client.config('SET', 'client-output-buffer-limit', 'normal 0 0 0');
    expect(code).toBe(0);
    expect(lines).toContainEqual(
      expect.stringContaining('warn limit      client-output-buffer-limit closes connections'),
    );
  });

  test('tells that it is a read-only replica, and of whom', async () => {
    await replica.client.replicaof('127.0.0.1', redis.port);
    const { code, lines } = await check(config({ redis: url(replica) }));
    await replica.client.replicaof('NO', 'ONE');
    expect(code).toBe(1);
    expect(lines).toContainEqual(
      `FAIL role       it is a read-only replica of 127.0.0.1:${redis.port}; use the master instead`,
    );
  });

  test('tells of each script why it could not be started', async () => {
    const script = join(directory.path, 'job.sh');
    writeFileSync(script, '#!/bin/sh\r\nexit 0\r\n');
    chmodSync(script, 0o755);
    const runners = {
      mail: { concurrency: 1, script },
      import: { concurrency: 1, script: ['/bin/sh', '/no/such/import.sh'] },
      reports: { concurrency: 1, script: '/no/such/report.sh' },
    };
    const { code, lines } = await check(config({ runners, script: undefined }));
    expect(code).toBe(1);
    expect(lines.slice(3, -2)).toEqual([
      expect.stringMatching(/^FAIL script {5}.*job\.sh has Windows line endings.* \(for mail\)$/),
      'warn script     /bin/sh /no/such/import.sh: /no/such/import.sh does not exist (for import)',
      'FAIL script     /no/such/report.sh does not exist (for reports)',
    ]);
  });

  test('says the same of programs that hear of failures', async () => {
    const runners = {
      mail: { onFailure: '/no/such/notify' },
      news: { onFailure: ['/bin/cat', '/no/such/file'] },
      quiet: { onFailure: null },
      rest: 1,
    };
    const { code, lines } = await check(config({ runners, onFailure: '/bin/false' }));
    expect(code).toBe(1);
    expect(lines.filter((line) => line.includes('onFailure'))).toEqual([
      'FAIL onFailure  /no/such/notify does not exist (for mail)',
      'warn onFailure  /bin/cat /no/such/file: /no/such/file does not exist (for news)',
      'ok   onFailure  /bin/false (for rest)',
    ]);
  });

  test('says of an embedded Redis that does not run what would start it', async () => {
    const { code, lines } = await check(config({ redis: 'embedded' }));
    expect(code).toBe(0);
    expect(lines[1]).toMatch(
      /^ok {3}redis {6}embedded in .*\.resque-runner, not running; the runner starts \//,
    );
  });
});
