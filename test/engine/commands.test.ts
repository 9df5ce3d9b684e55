/** Every command, what it does and what it answers. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/cli/files/load-config.ts';
import type { RefusalCode } from '../../src/protocol/commands.ts';
import { emptySnapshot, reduce } from '../../src/store/reduce.ts';
import { useRedis } from '../helpers/redis.ts';
import { waitFor } from '../helpers/wait-for.ts';
import { startProxy } from './proxies.ts';
import { useEngines } from './stage.ts';

const stage = useEngines(useRedis());
const mail = (concurrency = 1) => stage.runner('mail', stage.script('sleep 30'), { concurrency });
const done = (message = expect.any(String)) => ({ ok: true, message });
const refused = (code: RefusalCode) => ({ ok: false, code, message: expect.stringMatching(/\S/) });

describe('pausing', () => {
  test('holds a queue until it is resumed', async () => {
    const engine = await stage.start([stage.runner('mail', stage.script(':'))]);
    expect(await engine.do({ type: 'pause-queue', queue: 'mail' })).toEqual(done());
    await stage.enqueue('mail', 1);
    expect(engine.all('queue.paused')).toMatchObject([
      { queue: 'mail', pauses: [{ kind: 'operator', detail: '' }] },
    ]);
    // A sign of life from Redis behind which it would have started.
    await engine.do({ type: 'read-backlog' });
    expect(engine.all('job.started')).toEqual([]);
    expect(await engine.do({ type: 'resume-queue', queue: 'mail' })).toEqual(done('mail is resumed'));
    await engine.wait('job.finished');
  });

  test('all holds every queue, and a queue stays paused for a reason of its own', async () => {
    const engine = await stage.start([mail(), stage.runner('news', stage.script(':'))]);
    await engine.do({ type: 'pause-queue', queue: 'mail' });
    expect(await engine.do({ type: 'pause-all' })).toEqual(done());
    expect(await engine.do({ type: 'resume-queue', queue: 'mail' })).toEqual(
      done('mail is still paused: all queues are paused'),
    );
    expect(await engine.do({ type: 'resume-all' })).toEqual(done());
    expect(engine.all('queue.resumed').map(({ queue }) => queue)).toEqual(['mail', 'news']);
  });
});

describe('pausing an entry with a pattern', () => {
  test('holds all of its queues, and those that appear later, until it is resumed', async () => {
    const engine = await stage.start([stage.runner('tenant_*', stage.script(':'), { concurrency: 4 })]);
    await stage.enqueue('tenant_1', 1);
    await engine.wait('job.finished');
    const by = 'ann@pts/3';
    const reply = await engine.engine.execute({ type: 'pause-queue', queue: 'tenant_*' }, by);
    expect(reply).toEqual(done('every queue of tenant_* is paused'));
    await stage.enqueue('tenant_1', 2);
    await stage.enqueue('tenant_2', 3);
    await waitFor(() => engine.all('queue.added').some(({ queue }) => queue.name === 'tenant_2'), {
      message: 'the new queue is known',
    });
    // A sign of life from Redis, after which both would have started.
    await engine.do({ type: 'read-backlog' });
    await engine.do({ type: 'read-backlog' });
    expect(engine.all('job.started')).toHaveLength(1);
    expect(engine.all('queue.added').at(-1)?.queue.pauses).toMatchObject([
      { kind: 'operator', detail: by, entry: 'tenant_*' },
    ]);
    expect(await engine.do({ type: 'resume-queue', queue: 'tenant_2' })).toEqual(
      done('tenant_2 is still paused with tenant_*'),
    );
    expect(await engine.do({ type: 'resume-queue', queue: 'tenant_*' })).toEqual(
      done('every queue of tenant_* is resumed'),
    );
    await engine.wait('job.finished', 3);
  });

  test('leaves the pauses of single queues alone, and says so', async () => {
    const engine = await stage.start([stage.runner('mail,news', stage.script(':'))]);
    await engine.do({ type: 'pause-queue', queue: 'mail' });
    await engine.do({ type: 'pause-queue', queue: 'mail,news' });
    expect(await engine.do({ type: 'resume-queue', queue: 'mail,news' })).toEqual(
      done('mail,news is resumed; 1 of its 2 queues are still paused'),
    );
  });

  test('is refused for one of several patterns, which would pause nothing', async () => {
    const engine = await stage.start([stage.runner('a_*,b_*', stage.script(':'))]);
    expect(await engine.do({ type: 'pause-queue', queue: 'a_*' })).toMatchObject({
      ...{ ok: false, code: 'unknown-queue' },
      message: 'a_* is a pattern; use the whole entry, a_*,b_*, or a queue',
    });
  });

  test('is one event in the list of events, whatever the number of its queues', async () => {
    const engine = await stage.start([stage.runner('a,b,c', stage.script(':'))]);
    const by = 'ann@pts/3';
    await engine.engine.execute({ type: 'pause-queue', queue: 'a,b,c' }, by);
    await engine.engine.execute({ type: 'pause-all' }, by);
    const { history } = engine.events.reduce(reduce, emptySnapshot);
    expect(history.slice(-2)).toMatchObject([
      { type: 'queues.paused', runner: 'a,b,c', operator: by },
      { type: 'queues.paused', runner: null, operator: by },
    ]);
    expect(history.slice(-3, -2)).not.toMatchObject([{ type: 'queue.paused' }]);
  });
});

test.each([1, 10_000])('concurrency can be %i', async (concurrency) => {
  const engine = await stage.start([mail(2)]);
  const reply = await engine.do({ type: 'set-concurrency', runner: 'mail', concurrency });
  expect(reply).toEqual(done(`mail: 2 → ${concurrency} slots`));
  expect(engine.all('runner.changed')).toMatchObject([{ runner: { concurrency, configuredConcurrency: 2 } }]);
});

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'a job can be killed with %s, and is a failure then',
  async (signal) => {
    const engine = await stage.start([mail()]);
    await stage.enqueue('mail', 1);
    const { job } = await engine.wait('job.started');
    expect(await engine.do({ type: 'kill-job', jobId: job.id, signal })).toEqual(done());
    expect(await engine.wait('job.finished')).toMatchObject({
      ...{ jobId: job.id, outcome: 'failed', signal, exitCode: null },
      failure: { exception: 'Resque::DirtyExit', jobId: job.id },
    });
    expect(engine.all('job.killed')).toMatchObject([{ jobId: job.id, signal, reason: 'operator' }]);
    expect(await engine.do({ type: 'kill-job', jobId: job.id, signal })).toEqual(refused('unknown-job'));
  },
);

test('the backlog is told for every queue, -1 where there is no list', async () => {
  const engine = await stage.start([
    stage.runner('a,b', stage.script(':')),
    stage.runner('c', stage.script(':')),
  ]);
  await engine.do({ type: 'pause-all' });
  await stage.enqueue('a', 1, 2, 3);
  await stage.redis.set('resque:queue:c', 'text');
  stage.mayLeaveKeys('queue:a', 'queue:c');
  const reply = await engine.do({ type: 'read-backlog' });
  expect(reply).toEqual({ ...done(), data: { kind: 'backlog', queues: { a: 3, b: 0, c: -1 } } });
  expect(engine.all('queue.backlog').map(({ queue, backlog }) => [queue, backlog])).toEqual([
    ['a', 3],
    ['b', 0],
    ['c', -1],
  ]);
});

test('what makes no sense is refused, with its code', async () => {
  const engine = await stage.start([mail()]);
  const unknown = { type: 'pause-queue', queue: 'other' } as const;
  expect(await engine.do(unknown)).toEqual(refused('unknown-queue'));
  expect(await engine.do({ ...unknown, type: 'resume-queue' })).toEqual(refused('unknown-queue'));
  expect(await engine.do({ type: 'read-statistics', queue: 'other' })).toEqual(refused('unknown-queue'));
  expect(await engine.do({ type: 'kill-job', jobId: 'x', signal: 'SIGKILL' })).toEqual(
    refused('unknown-job'),
  );
  expect(await engine.do({ type: 'set-concurrency', runner: 'other', concurrency: 1 })).toEqual(
    refused('unknown-runner'),
  );
  for (const concurrency of [0, -1, 1.5, 10_001, Number.NaN, Number.POSITIVE_INFINITY]) {
    const reply = await engine.do({ type: 'set-concurrency', runner: 'mail', concurrency });
    expect(reply).toEqual(refused('out-of-range'));
  }
  expect(engine.all('runner.changed')).toEqual([]);
});

test('what needs Redis is refused while it is away', async () => {
  const proxy = await startProxy(stage.server.port);
  const engine = await stage.start([mail()], { port: proxy.port });
  proxy.judge = () => 'cut';
  proxy.cut();
  await engine.wait('redis.down');
  expect(await engine.do({ type: 'read-backlog' })).toEqual(refused('redis-down'));
  // What doesn't need it goes on.
  expect(await engine.do({ type: 'pause-queue', queue: 'mail' })).toEqual(done());
  expect(await engine.do({ type: 'set-concurrency', runner: 'mail', concurrency: 2 })).toEqual(done());
  proxy.judge = () => 'pass';
  await engine.wait('redis.up', 2);
});

test('nothing can be resumed while it stops', async () => {
  const engine = await stage.start([mail()]);
  await stage.enqueue('mail', 1);
  const { job } = await engine.wait('job.started');
  engine.engine.stop('quit');
  expect(await engine.do({ type: 'resume-all' })).toEqual(refused('stopping'));
  expect(await engine.do({ type: 'resume-queue', queue: 'mail' })).toEqual(refused('stopping'));
  expect(await engine.do({ type: 'kill-job', jobId: job.id, signal: 'SIGKILL' })).toEqual(done());
  await waitFor(() => engine.all('engine.stopped').length > 0, { message: 'it has stopped' });
});

describe('a stop', () => {
  test.each(['quit', 'terminate', 'kill'] as const)('%s does as its signal', async (mode) => {
    const engine = await stage.start([stage.runner('mail', stage.script('sleep 0.3'))]);
    await stage.enqueue('mail', 1);
    await engine.wait('job.started');
    expect(await engine.do({ type: 'stop', mode })).toEqual(done(expect.stringContaining('the runner')));
    await engine.engine.stopped;
    expect(engine.all('engine.stopping')).toMatchObject([{ mode, running: 1 }]);
    const outcome = mode === 'kill' ? 'failed' : 'succeeded';
    expect(engine.all('job.finished')).toMatchObject([{ outcome }]);
  });

  test('can become harsher, never milder', async () => {
    const engine = await stage.start([mail()]);
    await stage.enqueue('mail', 1);
    await engine.wait('job.started');
    await engine.do({ type: 'stop', mode: 'terminate' });
    expect(await engine.do({ type: 'stop', mode: 'quit' })).toEqual(done('the runner is stopping already'));
    await engine.do({ type: 'stop', mode: 'kill' });
    await engine.engine.stopped;
    expect(engine.all('engine.stopping').map(({ mode }) => mode)).toEqual(['terminate', 'kill']);
  });
});

describe('reloading the config', () => {
  test('applies what has changed, and says so', async () => {
    const config = stage.config([mail(3)]);
    const engine = await stage.start([mail(2)], { readConfig: () => ({ ok: true, config }) });
    expect(await engine.do({ type: 'reload-config' })).toEqual(
      done(expect.stringMatching(/^the config is reloaded: .*mail/)),
    );
    expect(engine.all('config.reloaded')).toHaveLength(1);
    expect(await engine.do({ type: 'reload-config' })).toEqual(
      done('the config is reloaded; nothing changed'),
    );
  });

  test('says what has changed about metrics, once', async () => {
    const config = { ...stage.config([mail()]), metrics: { listen: null, hasClassLabel: true } };
    const engine = await stage.start([mail()], { readConfig: () => ({ ok: true, config }) });
    await engine.do({ type: 'reload-config' });
    await engine.do({ type: 'reload-config' });
    const changes = engine.all('config.reloaded').map((event) => event.changes);
    expect(changes).toEqual([expect.arrayContaining(['metrics.classLabel: false → true']), []]);
  });

  test('reads included files and variables again, and says what has changed', async () => {
    const write = (name: string, content: object) => writeFileSync(stage.path(name), JSON.stringify(content));
    const io = { cwd: stage.path('.'), env: { SLOTS: '2', TOKEN: 'hunter2' } };
    const read = () => readConfig(io, stage.path('cfg.json'), null);
    write('cfg.json', {
      include: 'conf.d/*.json',
      script: '/bin/true',
      worker: { host: 'test.runner' },
    });
    mkdirSync(stage.path('conf.d'));
    write('conf.d/mail.json', { runners: { mail: '${SLOTS}' }, timeout: 60 });
    const engine = await stage.start([mail(2)], { readConfig: read });
    await engine.do({ type: 'reload-config' });
    write('conf.d/mail.json', {
      runners: { mail: { concurrency: 3, env: { TOKEN: '${TOKEN}' } } },
      timeout: 90,
    });
    write('conf.d/news.json', { runners: { news: 1 } });
    await engine.do({ type: 'reload-config' });
    write('conf.d/news.json', { runners: { mail: 1 } });
    await engine.do({ type: 'reload-config' });
    write('conf.d/news.json', {});
    await engine.do({ type: 'reload-config' });
    expect(
      engine
        .all('config.reloaded')
        .map(({ changes }) => changes)
        .slice(1),
    ).toEqual([
      [
        ...['mail.concurrency: 2 → 3', 'mail.timeout: 60 → 90', 'mail.env.TOKEN: added'],
        'news: added, 1 slot',
      ],
      ['news: removed'],
    ]);
    expect(engine.all('config.rejected')).toMatchObject([
      {
        problems: [
          expect.stringContaining('conf.d/news.json:1:20: runners.mail: the queue "mail" is already in'),
        ],
      },
    ]);
  });

  test('changes nothing if it is invalid, or if there is none', async () => {
    const engine = await stage.start([mail(2)], {
      readConfig: () => ({ ok: false, problems: ['it is empty', 'it has no runners'] }),
    });
    expect(await engine.do({ type: 'reload-config' })).toEqual({
      ...refused('invalid-config'),
      message: 'the config was not reloaded: it is empty (and 1 more; see Events)',
    });
    expect(engine.all('config.rejected')).toHaveLength(1);
    const other = await stage.start([mail(2)]);
    expect(await other.do({ type: 'reload-config' })).toEqual(refused('invalid-config'));
  });
});

describe('who gave a command is told', () => {
  test('with what came of it', async () => {
    const engine = await stage.start([mail(2)]);
    const by = 'ann@pts/3';
    await engine.engine.execute({ type: 'set-concurrency', runner: 'mail', concurrency: 3 }, by);
    await engine.engine.execute({ type: 'kill-job', jobId: 'x', signal: 'SIGKILL' }, by);
    expect(engine.all('command.executed')).toMatchObject([
      { by, command: 'set-concurrency', isDone: true, outcome: 'mail: 2 → 3 slots' },
      { by, command: 'kill-job', isDone: false, outcome: 'job #x is not running' },
    ]);
    // Behind what it did.
    expect(engine.events.map(({ type }) => type).slice(-3, -1)).toEqual([
      'runner.changed',
      'command.executed',
    ]);
  });

  test('but not where nobody says so, nor of commands that only look', async () => {
    const engine = await stage.start([mail()]);
    await engine.do({ type: 'pause-all' });
    await engine.engine.execute({ type: 'read-backlog' }, 'ann');
    const filter = { queue: null, jobClass: null, exception: null, exit: null, text: null };
    await engine.engine.execute({ type: 'find-failures', filter, before: null, count: 1 }, 'ann');
    await engine.engine.execute({ type: 'count-failures', filter }, 'ann');
    expect(engine.all('command.executed')).toEqual([]);
  });
});
