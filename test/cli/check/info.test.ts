/** What `check` says of a Redis that keeps INFO or ROLE from it: the runner does without, and can't know all. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { useRedis } from '../../helpers/redis.ts';
import { useDirectory } from '../directory.ts';
import { runCommand } from '../run-command.ts';

const directory = useDirectory();

const unknown = 'version and memory policy are unknown';

describe.each([
  ['permitted', {}, 'ask an administrator to allow it with ACL SETUSER … +INFO'],
  [
    'known to this server',
    { without: ['INFO'] },
    'ask an administrator to check rename-command in redis.conf',
  ],
])('INFO that is not %s', (what, options, advice) => {
  const redis = useRedis(options);

  afterEach(() => redis.client.replicaof('NO', 'ONE'));

  async function check(denied: readonly string[]): Promise<{ code: number | undefined; lines: string[] }> {
    await redis.client.acl('SETUSER', 'low', 'reset', 'on', '>pw', '~resque:*', '+@all', ...denied);
    const config = {
      redis: `redis://low:pw@127.0.0.1:${redis.port}`,
      runners: { mail: 1 },
      script: '/bin/true',
    };
    writeFileSync(join(directory.path, 'cfg.json'), JSON.stringify(config));
    const { code, stdout } = await runCommand(['check'], { cwd: directory.path });
    return { code, lines: stdout.split('\n') };
  }

  const denied = what === 'permitted' ? ['-info'] : [];

  test('is a warning, since the runner does without', async () => {
    const { code, lines } = await check(denied);
    expect(lines.slice(2, 4)).toEqual([
      `warn version    INFO is not ${what}: ${unknown}; ${advice}`,
      expect.stringMatching(/^ok {3}permission all \d+ commands/),
    ]);
    expect(code).toBe(0);
  });

  test('leaves it to ROLE to tell a replica', async () => {
    await redis.client.replicaof('127.0.0.1', 1);
    const { code, lines } = await check(denied);
    expect(code).toBe(1);
    expect(lines).toContain('FAIL role       it is a replica of 127.0.0.1:1; use the master instead');
  });

  test('and ROLE too, is a warning more', async () => {
    const { code, lines } = await check([...denied, '-role']);
    expect(code).toBe(0);
    expect(lines).toContain(
      "warn role       ROLE is not permitted: a replica can't be told from a master; ask an administrator to allow it with ACL SETUSER … +ROLE",
    );
  });
});
