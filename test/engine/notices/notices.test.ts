/** How many programs hear of failures, for how long, and what happens to the rest: with real programs, without Redis. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PoolConfig } from '../../../src/config/config.ts';
import { type NoticeLimits, Notices, noticeLimits } from '../../../src/engine/notices/notices.ts';
import { QueueRouter } from '../../../src/engine/pools/queue-router.ts';
import type { EngineEvent, EngineFact, ShutdownMode } from '../../../src/protocol/events.ts';
import { markVariable, processesMarked } from '../../helpers/processes.ts';
import { runnerDefaults } from '../../helpers/runner-config.ts';
import { waitFor } from '../../helpers/wait-for.ts';

let directory = '';
let mark = '';
let facts: EngineFact[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rr-notices-'));
  mark = `notices-${Math.random()}`;
  facts = [];
});

afterEach(async () => {
  await waitFor(() => processesMarked(mark).length === 0, { message: 'no program is left' });
  rmSync(directory, { recursive: true, force: true });
});

const path = (name: string) => join(directory, name);
const files = (prefix: string) => readdirSync(directory).filter((name) => name.startsWith(prefix));

function program(body: string): string[] {
  return ['/bin/sh', '-c', `D='${directory}'; ${body}`, 'notify'];
}

function entry(key: string, onFailure: readonly string[] | null, rest: Partial<PoolConfig> = {}): PoolConfig {
  return { ...runnerDefaults, key, onFailure, env: { [markVariable]: mark }, ...rest };
}

function noticesOf(runners: readonly PoolConfig[], limits: Partial<NoticeLimits> = {}): Notices {
  const router = new QueueRouter(() => {}, 'h.runner:1');
  router.configure(runners);
  router.expand(['mail', 'news']);
  const publish = (fact: EngineFact) => facts.push(fact);
  return new Notices({ router, mark: 'm', publish, limits: { ...noticeLimits, ...limits } });
}

function record(error: string, queue = 'mail', worker = `h.runner:1-0:${queue}`): string {
  return JSON.stringify({ failed_at: '2026/11/28 00:00:00 UTC', error, queue, worker });
}

function stop(notices: Notices, mode: ShutdownMode, hasJobs = false): void {
  notices.heard({ type: 'engine.stopping', mode, running: 0, seq: 1, atMs: 0 } as EngineEvent);
  if (!hasJobs) notices.jobsGone();
}

function counted(type: 'notice.failed' | 'notice.dropped'): number {
  return facts.reduce((sum, fact) => sum + (fact.type === type ? fact.count : 0), 0);
}

const gated = 'touch "$D/began-$$"; while [ ! -e "$D/go" ]; do sleep 0.02; done; cat > "$D/over-$$"';

describe('programs', () => {
  test('run a few at a time, the rest waits in order, and what is too much is counted', async () => {
    const notices = noticesOf([entry('mail', program(gated))], { running: 2, waiting: 3 });
    for (let n = 1; n <= 9; n += 1) notices.recorded(record(String(n)));
    await waitFor(() => files('began').length === 2, { message: 'two have begun' });
    writeFileSync(path('go'), '');
    await waitFor(() => files('over').length === 5, { message: 'five are over' });
    stop(notices, 'quit');
    await notices.finish();
    const heard = files('over').map(
      (name) => JSON.parse(readFileSync(path(name), 'utf8')) as { error: string },
    );
    expect(heard.map(({ error }) => error).sort()).toEqual(['1', '2', '3', '4', '5']);
    // The first at once, the others with the next.
    expect(facts).toEqual([
      { type: 'notice.dropped', runner: 'mail', count: 1, reason: 'busy' },
      { type: 'notice.dropped', runner: 'mail', count: 3, reason: 'busy' },
    ]);
  });

  test('wait with no more bytes than they may, but a single record always has room', async () => {
    const notices = noticesOf([entry('mail', program(gated))], { running: 1, waitingBytes: 1_000 });
    notices.recorded(record('runs'));
    const large = 'x'.repeat(2_000);
    notices.recorded(record(large));
    notices.recorded(record('no room'));
    writeFileSync(path('go'), '');
    stop(notices, 'quit');
    await notices.finish();
    expect(files('over')).toHaveLength(2);
    expect(counted('notice.dropped')).toBe(1);
  });

  test('are those of the entry that ran the job, or that takes its queue', async () => {
    const note = (name: string) => program(`printf '%s %s\\n' "$(cat)" "$1" >> "$D/${name}"`);
    const notices = noticesOf([
      entry('mail', note('mail')),
      entry('n*', note('pattern')),
      entry('quiet', null),
    ]);
    const told = [
      record('own', 'mail'),
      record('of a pattern', 'news', 'h.runner:1-0:n*'),
      // Dead runners of other configs.
      record('of another entry', 'mail', 'other:2-0:mail,news'),
      record('of Ruby', 'mail', 'other:2:mail,news'),
    ];
    for (const each of told) notices.recorded(Buffer.from(each));
    notices.recorded(record('not wanted', 'quiet'));
    notices.recorded(record('of no entry here', 'others', 'other:2-0:others'));
    notices.recorded('not JSON');
    notices.recorded('{"worker":1}');
    stop(notices, 'quit');
    await notices.finish();
    const lines = (name: string) => readFileSync(path(name), 'utf8').trim().split('\n').sort();
    expect(lines('mail')).toEqual([0, 2, 3].map((at) => `${told[at]} mail`).sort());
    expect(lines('pattern')).toEqual([`${told[1]} news`]);
    expect(facts).toEqual([]);
  });

  test('may hear of a record of megabytes, and need not read it', async () => {
    const notices = noticesOf([
      entry('mail', program('cat | wc -c > "$D/size"')),
      entry('news', program('exit 0')),
    ]);
    const large = record('x'.repeat(5_000_000));
    notices.recorded(large);
    notices.recorded(record('x'.repeat(5_000_000), 'news'));
    stop(notices, 'quit');
    await notices.finish();
    expect(Number(readFileSync(path('size'), 'utf8'))).toBe(large.length);
    expect(facts).toEqual([]);
  });
});

describe('a program that', () => {
  test.each<[string, string[], string]>([
    [
      'fails',
      ['/bin/sh', '-c', 'echo progress; echo "no such host" >&2; exit 3'],
      'exit code 3: progress\nno such host',
    ],
    ['fails without a word', ['/bin/false'], 'exit code 1'],
    ['is killed', ['/bin/sh', '-c', 'kill -SEGV $$'], 'SIGSEGV'],
    ['does not exist', ['/no/such/notify'], '/no/such/notify does not exist'],
    ['is not on PATH', ['no-such-notify'], 'no-such-notify is not on PATH'],
  ])('%s is an event with the reason', async (_, onFailure, reason) => {
    const notices = noticesOf([entry('mail', onFailure)]);
    notices.recorded(record('x'));
    stop(notices, 'quit');
    await notices.finish();
    expect(facts).toHaveLength(1);
    expect(facts[0]).toMatchObject({ type: 'notice.failed', runner: 'mail', count: 1, queue: 'mail' });
    const { reason: given } = facts[0] as EngineFact & { type: 'notice.failed' };
    // The two streams may come in either order.
    expect(
      given
        .split(/[:\n]/)
        .map((part) => part.trim())
        .sort(),
    ).toEqual(
      reason
        .split(/[:\n]/)
        .map((part) => part.trim())
        .sort(),
    );
  });

  test('prints megabytes on its way to a failure holds up nothing, and its last words are told', async () => {
    const notices = noticesOf([entry('mail', program('yes | head -c 5000000; echo the end; exit 1'))]);
    notices.recorded(record('x'));
    stop(notices, 'quit');
    await notices.finish();
    const [fact] = facts;
    expect(fact).toMatchObject({ reason: expect.stringMatching(/^exit code 1: [\s\S]*the end$/) });
    expect(JSON.stringify(fact).length).toBeLessThan(800);
  });

  test('fails for every failure is told at once, and then with a count', async () => {
    const notices = noticesOf([entry('mail', ['/bin/false'])]);
    for (let n = 0; n < 60; n += 1) notices.recorded(record(String(n)));
    stop(notices, 'quit');
    await notices.finish();
    expect(facts).toHaveLength(2);
    expect(counted('notice.failed')).toBe(60);
  });

  test('runs too long gets TERM', async () => {
    const notices = noticesOf([entry('mail', program('trap "echo asked; exit 0" TERM; sleep 300 & wait'))], {
      runMs: 200,
    });
    notices.recorded(record('x'));
    await waitFor(() => facts.length > 0, { message: 'it is ended' });
    expect(facts).toMatchObject([{ type: 'notice.failed', reason: 'it ran for more than 0.2 s: asked' }]);
    await notices.finish();
  });

  test('ignores TERM gets KILL, and so does all that it has started', async () => {
    const body = 'trap "" TERM; (trap "" TERM; exec sleep 300) & exec sleep 300';
    const notices = noticesOf([entry('mail', program(body))], { runMs: 200, killAfterMs: 200 });
    notices.recorded(record('x'));
    await waitFor(() => facts.length > 0, { message: 'it is ended' });
    expect(facts).toMatchObject([{ type: 'notice.failed', reason: 'it ran for more than 0.2 s' }]);
    await notices.finish();
    expect(processesMarked(mark)).toEqual([]);
  });

  test('leaves something behind loses that', async () => {
    const notices = noticesOf([entry('mail', program('sleep 300 > /dev/null 2>&1 & echo $! > "$D/pid"'))], {
      killAfterMs: 200,
    });
    notices.recorded(record('x'));
    await waitFor(() => existsSync(path('pid')), { message: 'it has run' });
    stop(notices, 'quit');
    await notices.finish();
    expect(processesMarked(mark)).toEqual([]);
    expect(facts).toEqual([]);
  });
});

describe('a stop', () => {
  const hanging = () => program('touch "$D/began-$$"; sleep 300');

  async function started(limits: Partial<NoticeLimits>, body = hanging()): Promise<Notices> {
    const notices = noticesOf([entry('mail', body)], { running: 2, ...limits });
    for (let n = 0; n < 5; n += 1) notices.recorded(record(String(n)));
    await waitFor(() => files('began').length === 2, { message: 'two have begun' });
    return notices;
  }

  test.each(['drained', 'quit', 'terminate'] as const)(
    '%s gives programs some time, then ends them and counts those that could not run',
    async (mode) => {
      const graceMs = { ...noticeLimits.graceMs, [mode]: 200 };
      const notices = await started({ graceMs });
      stop(notices, mode);
      await notices.finish();
      expect(processesMarked(mark)).toEqual([]);
      expect(counted('notice.dropped')).toBe(3);
      // They were ended by us, which is told as well.
      expect(counted('notice.failed')).toBe(2);
    },
  );

  test('that kills takes no time', async () => {
    const stubborn = program('trap "" TERM; touch "$D/began-$$"; while :; do sleep 300; done');
    const notices = await started({ killAfterMs: 60_000 }, stubborn);
    stop(notices, 'kill');
    await notices.finish();
    expect(processesMarked(mark)).toEqual([]);
    expect(counted('notice.dropped')).toBe(3);
  });

  test('that becomes harsher shortens the time', async () => {
    const notices = await started({});
    stop(notices, 'quit');
    stop(notices, 'kill', true);
    await notices.finish();
    expect(processesMarked(mark)).toEqual([]);
  });

  test('waits for programs only once the jobs have ended', async () => {
    const notices = noticesOf([entry('mail', program(gated))]);
    notices.recorded(record('1'));
    stop(notices, 'terminate', true);
    notices.recorded(record('2'));
    await waitFor(() => files('began').length === 2, { message: 'both have begun' });
    writeFileSync(path('go'), '');
    await waitFor(() => files('over').length === 2, { message: 'both are over' });
    notices.jobsGone();
    await notices.finish();
    expect(facts).toEqual([]);
  });

  test('lets programs finish that do in time, and those that wait run', async () => {
    const notices = await started({}, program(gated));
    stop(notices, 'quit');
    const finished = notices.finish();
    writeFileSync(path('go'), '');
    await finished;
    expect(files('over')).toHaveLength(5);
    expect(facts).toEqual([]);
  });

  test('without any program is over at once', async () => {
    const notices = noticesOf([entry('mail', null)]);
    notices.recorded(record('x'));
    stop(notices, 'terminate');
    await notices.finish();
    expect(facts).toEqual([]);
  });

  test('counts what is recorded after the programs were ended', async () => {
    const notices = noticesOf([entry('mail', hanging())]);
    stop(notices, 'kill');
    notices.recorded(record('late'));
    await notices.finish();
    expect(facts).toEqual([{ type: 'notice.dropped', runner: 'mail', count: 1, reason: 'stopping' }]);
  });

  test('that leaves no time at all leaves no program', async () => {
    const notices = await started({});
    notices.abandon();
    await waitFor(() => processesMarked(mark).length === 0 || files('began').length > 2, {
      message: 'what ran is dead',
    });
    stop(notices, 'kill');
    await notices.finish();
  });
});
