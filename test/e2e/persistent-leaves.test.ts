/** Persistent children that exit between two jobs, or are ended during a job. */
import { describe, expect, test } from 'vitest';
import {
  begunBy,
  children,
  job,
  livingChildren,
  oddScript,
  persistentScript,
  sayOk,
  waitForChildren,
  waitForEnd,
  waitForNewChild,
} from '../helpers/children.ts';
import { useEndToEnd } from '../helpers/end-to-end.ts';

const e2e = useEndToEnd({ isInProcess: true });
const mail = { concurrency: 1, mode: 'persistent', killAfter: 0.3 };

describe('a child that exits by itself between two jobs', () => {
  const small = job('second');
  const large = job('x'.repeat(1_048_576));

  /** After its first job, it waits for the file `leave`. For the second child, the file already exists. */
  function leaving(how: string): string {
    return e2e.script(
      // Looks before its result: after that, the test may write the file at any moment.
      persistentScript(`[ -e "$D/leave" ] && stays=1 || stays=; echo "$$ $job" >> "$D/ran"; ${sayOk}
        [ -n "$stays" ] || { while [ ! -e "$D/leave" ]; do sleep 0.1; done; ${how}; }`),
    );
  }

  test.each([
    ['with exit code 0', 'exit 0', small],
    ['with exit code 0 and an unread megabyte', 'exit 0', large],
    ['with another exit code', 'exit 7', small],
    ['by a signal', 'kill -KILL $$', small],
    ['slowly, after closing its descriptor', 'exec 3>&-; sleep 0.5; exit 0', small],
    ['slowly, with an unread megabyte', 'exec 3>&-; sleep 0.5; exit 0', large],
  ])('%s: another child does the job that it left unread', async (_how, how, second) => {
    const runner = await e2e.run({ runners: { mail }, script: leaving(how) });
    const [child] = await waitForChildren(e2e, 1);
    await e2e.enqueue('mail', job('first'));
    await runner.waitForFinished(1);
    await e2e.enqueue('mail', second);
    const { job: view } = await runner.waitForLine('job.started', ({ job: started }) => started?.id === '2');
    expect(view?.pid).toBe(child?.pid);
    e2e.write('leave');
    const [, finished] = await runner.waitForFinished(2);
    expect(finished?.outcome).toBe('succeeded');
    expect(begunBy(e2e).length).toBe(2);
    await e2e.waitForStat('processed', 2);
    expect(await e2e.stat('failed')).toBe(0);
  });

  test('while its own child holds its pipes open: another child does the next job', async () => {
    const script = leaving('sleep 60 & echo $! > "$D/grandchild"; exit 0');
    const runner = await e2e.run({ runners: { mail }, script });
    const [child] = await waitForChildren(e2e, 1);
    await e2e.enqueue('mail', job('first'));
    await runner.waitForFinished(1);
    e2e.write('leave');
    if (child !== undefined) await waitForEnd(child);
    await e2e.enqueue('mail', job('second'));
    await runner.waitForFinished(2);
    await e2e.failures(0);
    expect(begunBy(e2e)).toHaveLength(2);
  });

  test('twice without reading the same job: the job fails', async () => {
    const script = e2e.script(
      `echo "$$ $1 $1 -" >> "$D/born"; while [ ! -e "$D/leave" ]; do sleep 0.1; done; exit 0`,
    );
    const runner = await e2e.run({ runners: { mail }, script });
    await waitForChildren(e2e, 1);
    await e2e.enqueue('mail', job(1));
    await runner.waitForLine('job.started');
    e2e.write('leave');
    expect(await e2e.failure()).toMatchObject({
      exception: 'InvalidResultError',
      exit_code: 0,
      payload: job(1),
    });
    await e2e.waitForStat('processed', 1);
    expect(children(e2e).length).toBeGreaterThanOrEqual(2);
  });
});

describe('USR1', () => {
  test('ends the running job, and leaves children without a job alone', async () => {
    const script = oddScript(e2e, 'echo $$ > "$D/began"; sleep 60');
    const runner = await e2e.run({ runners: { mail: { ...mail, concurrency: 2 } }, script });
    const both = await waitForChildren(e2e, 2);
    await e2e.enqueue('mail', job('odd'));
    const [began] = await e2e.waitForFileLines('began');
    runner.signal('SIGUSR1');
    expect(await e2e.failure()).toMatchObject({ exception: 'Resque::DirtyExit', signal: 'SIGTERM' });
    await waitForNewChild(e2e, both);
    const [idle] = both.filter(({ pid }) => pid !== Number(began));
    expect(livingChildren(e2e).map(({ pid }) => pid)).toContain(idle?.pid);
    expect(runner.all('job.killed')).toMatchObject([{ signal: 'SIGTERM', reason: 'signal' }]);
    expect(runner.all('runner.throttled')).toEqual([]);
  });
});

describe('a TERM while a job runs', () => {
  const quick = { shutdownTimeout: 0.3, script: '' };
  const ways = [
    ['ends', 'echo $$ > "$D/began"; sleep 60', 'SIGTERM'],
    ['is killed', 'trap "" TERM; echo $$ > "$D/began"; while :; do sleep 0.1; done', 'SIGKILL'],
  ] as const;

  test.each(ways)('records the job if the child %s', async (_how, odd, signal) => {
    const runner = await e2e.run({ ...quick, runners: { mail }, script: oddScript(e2e, odd) });
    await e2e.enqueue('mail', job('odd'));
    await e2e.waitForFileLines('began');
    expect(await runner.stop()).toEqual({ code: 0, signal: undefined });
    expect(await e2e.failure()).toMatchObject({ exception: 'Resque::TermException', signal });
    expect(livingChildren(e2e)).toEqual([]);
  });

  test.each(ways)('puts the job back with interrupted: requeue if the child %s', async (_how, odd) => {
    const script = oddScript(e2e, odd);
    const runner = await e2e.run({ ...quick, runners: { mail }, script, interrupted: 'requeue' });
    await e2e.enqueue('mail', job('odd'), job('behind'));
    e2e.mayLeaveKeys('queue:mail');
    await e2e.waitForFileLines('began');
    expect(await runner.stop()).toEqual({ code: 0, signal: undefined });
    expect(await e2e.backlog('mail')).toEqual(
      [job('odd'), job('behind')].map((each) => JSON.stringify(each)),
    );
    await e2e.failures(0);
    expect(await e2e.stat('processed')).toBe(0);
    expect(livingChildren(e2e)).toEqual([]);
  });

  test('waits for a job that ends in time, and then its child ends with its STDIN', async () => {
    const script = oddScript(
      e2e,
      `echo $$ > "$D/began"; while [ ! -e "$D/go" ]; do sleep 0.1; done; ${sayOk}`,
    );
    const runner = await e2e.run({ shutdownTimeout: 60, runners: { mail }, script });
    await e2e.enqueue('mail', job('odd'), job('behind'));
    e2e.mayLeaveKeys('queue:mail');
    await e2e.waitForFileLines('began');
    runner.signal('SIGTERM');
    await runner.waitForLine('engine.stopping');
    e2e.write('go');
    expect(await runner.waitForExit()).toEqual({ code: 0, signal: undefined });
    expect(await e2e.backlog('mail')).toEqual([JSON.stringify(job('behind'))]);
    expect(await e2e.stat('processed')).toBe(1);
    await e2e.failures(0);
  });
});
