/** Payloads over Redis' `client-output-buffer-limit`: Redis closes the connection instead of sending such a reply. */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { waitFor } from '../helpers/wait-for.ts';
import type { ConfigObject } from '../helpers/workbench.ts';

const e2e = useEndToEnd({ isInProcess: true });
const deliveries = ['at-most-once', 'at-least-once'] as const;
const clean = { code: 0, signal: undefined };

beforeEach(() => limitReplies('1mb 1mb 1'));
// The stage reads everything that is left, in replies of any size.
afterEach(() => limitReplies('0 0 0'));

async function limitReplies(limit: string): Promise<void> {
  await e2e.client.config('SET', 'client-output-buffer-limit', `normal ${limit}`);
}

function payload(name: string, size = 0): string {
  return JSON.stringify({ class: name, args: ['x'.repeat(size)] });
}

const small = (count: number) => Array.from({ length: count }, (_, n) => payload(`Small${n}`));
const big = (name = 'Big') => payload(name, 2 * 1024 * 1024);

/** Shell code that records STDIN. */
function seen(bytes: string): string {
  return `${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Records STDIN, then waits for `$D/go` if the payload is large. */
function script(tail = ''): string {
  return e2e.script(`cat > "$D/in-$$"
size=$(stat -c %s "$D/in-$$"); sum=$(sha256sum < "$D/in-$$"); rm "$D/in-$$"
echo "$size \${sum%% *}" >> "$D/seen"
${tail}`);
}

async function waitsWith(command: 'blmove' | 'blpop', count: number): Promise<void> {
  await waitFor(
    async () => String(await e2e.client.client('LIST')).split(`cmd=${command}`).length - 1 === count,
    { message: `${count} × ${command.toUpperCase()} waits` },
  );
}

describe.each(deliveries)('%s', (delivery) => {
  const config = (more: ConfigObject = {}) => ({ script: script(), runners: { mail: 2 }, delivery, ...more });

  test('a large job between small ones runs once, and so do the small ones', async () => {
    const jobs = [...small(10), big(), ...small(10)];
    await e2e.enqueue('mail', ...jobs);
    const runner = await e2e.run(config(), { args: ['--drain'] });
    expect(await runner.waitForExit(20_000)).toEqual(clean);
    expect(e2e.fileLines('seen').sort()).toEqual(jobs.map(seen).sort());
    expect(await e2e.stat('processed')).toBe(jobs.length);
    expect(await e2e.stat('failed')).toBe(0);
    expect(runner.all('redis.down')).toEqual([]);
  });

  test('several large jobs that are taken in one step run', async () => {
    const jobs = [big('A'), big('B'), payload('C', 400_000), payload('D', 400_000), payload('E', 400_000)];
    await e2e.enqueue('mail', ...jobs);
    const runner = await e2e.run(config({ runners: { mail: 8 } }), { args: ['--drain'] });
    expect(await runner.waitForExit(20_000)).toEqual(clean);
    expect(e2e.fileLines('seen').sort()).toEqual(jobs.map(seen).sort());
    expect(runner.all('redis.down')).toEqual([]);
  });

  test('a large job that arrives while the runner waits runs once, and so do later jobs', async () => {
    const runner = await e2e.run(config({ runners: { mail: 2, video: 1 } }));
    await waitsWith('blmove', 2);
    const jobs = [payload('First'), big(), payload('Last'), big('Again')];
    for (const job of jobs.slice(0, 3)) await e2e.enqueue('mail', job);
    await e2e.waitForFileLines('seen', 3);
    await waitsWith('blmove', 2);
    await e2e.enqueue('mail', ...jobs.slice(3));
    await e2e.waitForStat('processed', jobs.length);
    expect(e2e.fileLines('seen').sort()).toEqual(jobs.map(seen).sort());
    const { reason } = await runner.waitForLine('redis.down', ({ reason }) => /buffer/.test(reason ?? ''));
    expect(reason).toMatch(/client-output-buffer-limit.*raise/);
  });

  test('jobs of many queues run once, in the order of each queue, while the runner waits for them', async () => {
    await e2e.client.sadd(e2e.key('queues'), 'm1', 'm2', 'm3');
    const order = e2e.script('echo "$1 $(cut -c 10-18)" >> "$D/order"');
    await e2e.run({ script: order, runners: { 'm*': 1, other: 1 }, delivery });
    await waitsWith('blmove', 5);
    const queues = ['m1', 'm2', 'm3', 'other'];
    for (let round = 0; round < 5; round += 1) {
      for (const queue of queues)
        await e2e.enqueue(queue, ...[1, 2].map((n) => payload(`Round_${round}${n}`)));
    }
    await e2e.waitForStat('processed', 40);
    for (const queue of queues) {
      const runs = e2e.fileLines('order').filter((line) => line.startsWith(`${queue} `));
      expect(runs).toHaveLength(10);
      expect(runs).toEqual(runs.toSorted());
    }
  });

  test('it runs once if several runners wait for it', async () => {
    const runners = [await e2e.run(config()), await e2e.run(config())];
    await waitsWith('blmove', 2);
    await e2e.enqueue('mail', big('A'));
    await e2e.enqueue('mail', big('B'), ...small(5));
    await e2e.waitForStat('processed', 7, 20_000);
    expect(e2e.fileLines('seen').sort()).toEqual([big('A'), big('B'), ...small(5)].map(seen).sort());
    for (const runner of runners) expect(await runner.stop()).toEqual(clean);
  });

  test('if its runner is killed, the next runner recovers the large job', async () => {
    const runs = script('[ -e "$D/go" ] || sleep 300');
    await e2e.enqueue('mail', big());
    const first = await e2e.run(config({ script: runs }), { isProgram: true });
    await e2e.waitForFileLines('seen', 1);
    first.signal('SIGKILL');
    await first.waitForExit();
    e2e.write('go');

    await e2e.enqueue('mail', ...small(3));
    const second = await e2e.run(config({ script: runs }), { args: ['--drain'] });
    expect(await second.waitForExit(20_000)).toEqual(clean);
    const again = delivery === 'at-least-once' ? [big()] : [];
    expect(e2e.fileLines('seen').sort()).toEqual([big(), ...again, ...small(3)].map(seen).sort());
    expect(second.all('redis.down')).toEqual([]);
    await limitReplies('0 0 0');
    const failures = await e2e.failures(1 - again.length);
    for (const { payload: kept } of failures) expect(JSON.stringify(kept) === big()).toBe(true);
  });

  test('a large job that is taken before the runner knows the limit runs after Redis closes the connection', async () => {
    await limitReplies('0 0 0');
    const hold = e2e.script('while [ ! -e "$D/go" ]; do sleep 0.1; done');
    const runners = { mail: { script: script() }, hold: { script: hold, concurrency: 1 } };
    const runner = await e2e.run({ runners, delivery });
    await e2e.enqueue('hold', payload('Hold'));
    await runner.waitForLine('job.started');
    await limitReplies('1mb 1mb 1');
    const before = [payload('First'), payload('Second')];
    // With a backlog, the runner reads the reply of a wait before the reply of a step.
    await e2e.enqueue('mail', ...before, big(), ...small(3));
    await e2e.waitForFileLines('seen', 6, 20_000);
    expect(e2e.fileLines('seen').sort()).toEqual([...before, big(), ...small(3)].map(seen).sort());
    e2e.write('go');
    await e2e.waitForStat('processed', 7);
  });
});

describe('a user without permission to read the limit', () => {
  async function user(more: string): Promise<ConfigObject> {
    await e2e.client.call(
      'ACL',
      'SETUSER',
      'runner',
      ...`reset on >pass ~* &* +@all -config ${more}`.split(' '),
    );
    return { server: '127.0.0.1', port: e2e.redis.port, username: 'runner', password: 'pass' };
  }

  test('gets large jobs in pieces too', async () => {
    const redis = await user('+info');
    const jobs = [...small(3), big(), ...small(3)];
    await e2e.enqueue('mail', ...jobs);
    const runner = await e2e.run({ redis, script: script(), runners: { mail: 2 } }, { args: ['--drain'] });
    expect(await runner.waitForExit(20_000)).toEqual(clean);
    expect(e2e.fileLines('seen').sort()).toEqual(jobs.map(seen).sort());
    expect(runner.all('redis.down')).toEqual([]);
  });

  test('gets them whole if reading in pieces is not permitted', async () => {
    await limitReplies('0 0 0');
    const redis = await user('-getrange');
    await e2e.enqueue('mail', big());
    const runner = await e2e.run({ redis, script: script(), runners: { mail: 2 } }, { args: ['--drain'] });
    expect(await runner.waitForExit(20_000)).toEqual(clean);
    expect(e2e.fileLines('seen')).toEqual([seen(big())]);
    expect(runner.all('redis.down')).toEqual([]);
  });
});

test('without a limit, the runner waits for at-most-once queues together', async () => {
  await limitReplies('0 0 0');
  const runner = await e2e.run({ script: script(), runners: { mail: 2, video: 1 } });
  await waitsWith('blpop', 1);
  await e2e.enqueue('mail', big());
  await e2e.waitForStat('processed', 1);
  expect(e2e.fileLines('seen')).toEqual([seen(big())]);
  expect(runner.all('redis.down')).toEqual([]);
});
