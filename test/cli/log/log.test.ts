import { closeSync, fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isJournal } from '../../../src/cli/log/journal.ts';
import { createLog, type LogOptions, lossLine } from '../../../src/cli/log/log.ts';
import type { LogFormat } from '../../../src/cli/log/log-line.ts';
import { duration } from '../../../src/messages/quantities.ts';
import type { EngineEvent, EngineFact, FailureSummary } from '../../../src/protocol/events.ts';
import type { JobView } from '../../../src/protocol/job.ts';
import { randomCases } from '../../helpers/random-cases.ts';

const atMs = new Date(2026, 10, 24, 16, 5, 9).getTime();

/** What the log writes for these facts, all at the same time of day. */
function logged(format: LogFormat, facts: readonly EngineFact[], options: Partial<LogOptions> = {}): string {
  let text = '';
  const stream = {
    write: (line: string) => {
      text += line;
    },
  };
  const log = createLog({ format, stream, ...options });
  facts.forEach((fact, index) => {
    log({ ...fact, seq: index + 1, atMs } as EngineEvent);
  });
  return text;
}

function pretty(...facts: EngineFact[]): string[] {
  return logged('pretty', facts).split('\n').slice(0, -1);
}

const job: JobView = {
  id: 'a9',
  queue: 'mail',
  runner: 'mail',
  worker: 'host.runner:1-0:mail',
  jobClass: 'SendMail',
  args: '["bob@example.org",3]',
  payloadBytes: 50,
  startedAtMs: atMs,
  pid: 4711,
};

const failure: FailureSummary = {
  queue: 'mail',
  jobId: 'a9',
  jobClass: 'SendMail',
  exception: 'SmtpError',
  error: 'no such user\n',
  exitCode: 1,
  signal: null,
};

const finished = {
  type: 'job.finished',
  jobId: 'a9',
  queue: 'mail',
  jobClass: 'SendMail',
  outcome: 'succeeded',
  durationMs: 650.2,
  exitCode: 0,
  signal: null,
  failure: null,
} as const satisfies EngineFact;

describe('the pretty log', () => {
  test('tells start and success of a job with its arguments', () => {
    expect(pretty({ type: 'job.started', job }, finished)).toEqual([
      '16:05:09 ▸ mail       #a9   started SendMail ["bob@example.org",3]',
      '16:05:09 ✓ mail       #a9   done SendMail ["bob@example.org",3] in 650 ms',
    ]);
  });

  test('tells a failure with exception, error and exit code', () => {
    const [line] = pretty({ ...finished, outcome: 'failed', exitCode: 1, failure });
    expect(line).toBe(
      '16:05:09 ✗ mail       #a9   failed SendMail after 650 ms: SmtpError: no such user (exit code 1)',
    );
  });

  test('tells a kill and why', () => {
    expect(
      pretty({ type: 'job.killed', jobId: 'a9', queue: 'mail', signal: 'SIGTERM', reason: 'timeout' }),
    ).toEqual(['16:05:09 ! mail       #a9   sent SIGTERM: it reached its timeout']);
  });

  test('tells the failure of a job that never ran, and no recorded failure twice', () => {
    expect(pretty({ type: 'failure.recorded', failure })).toEqual([]);
    const neverRan = { ...failure, jobId: null, jobClass: null, exitCode: null };
    expect(pretty({ type: 'failure.recorded', failure: neverRan })).toEqual([
      '16:05:09 ✗ mail             failed (no class) before it ran: SmtpError: no such user',
    ]);
  });

  test('tells that an entry has fewer children than it should have, and when that is over', () => {
    const throttled = {
      exitCode: 3,
      signal: null,
      lastWords: '',
      shortage: null,
      pauseMs: 2_000,
      sinceMs: atMs,
    };
    const refused = {
      ...throttled,
      exitCode: null,
      shortage: 'too many open files (EMFILE): lower concurrency',
    };
    const killed = { ...throttled, exitCode: null, signal: 'SIGKILL', lastWords: 'out of\nmemory' };
    expect(
      pretty(
        { type: 'runner.throttled', runner: 'mail', throttled },
        { type: 'runner.throttled', runner: 'mail', throttled: killed },
        { type: 'runner.throttled', runner: 'mail', throttled: refused },
        { type: 'runner.unthrottled', runner: 'mail' },
      ).map((line) => line.slice(9)),
    ).toEqual([
      '! mail             throttled: a waiting child ended (exit code 3); next start in 2.0 s',
      '! mail             throttled: a waiting child ended (SIGKILL: out of\\nmemory); next start in 2.0 s',
      "! mail             throttled: can't start more jobs; too many open files (EMFILE): lower concurrency",
      '● mail             no longer throttled',
    ]);
  });

  test('tells every reason of a pause', () => {
    const pauses = [
      { kind: 'operator', detail: '', sinceMs: atMs },
      { kind: 'unstartable', detail: '/srv/job does not exist', sinceMs: atMs },
    ] as const;
    expect(pretty({ type: 'queue.paused', queue: 'mail', pauses })).toEqual([
      "16:05:09 ‖ mail             paused: by hand; its script can't be started (/srv/job does not exist)",
    ]);
  });

  test('tells the start with version, pid, Redis and the slots of each queue', () => {
    const [line] = pretty({
      type: 'engine.started',
      version: '1.2.3',
      pid: 4711,
      workerHost: 'web1.runner',
      namespace: 'resque',
      redis: 'redis://db1:6379/0',
      runners: [
        { key: 'mail', concurrency: 5, configuredConcurrency: 5, throttled: null },
        { key: 'low,*', concurrency: 2, configuredConcurrency: 2, throttled: null },
      ],
    });
    expect(line).toContain(
      'resque-runner 1.2.3 started, pid 4711, as web1.runner, redis://db1:6379/0, queues: mail (5), low,* (2)',
    );
  });

  test('tells how long Redis was away', () => {
    expect(
      pretty(
        { type: 'redis.down', reason: 'the connection was closed' },
        { type: 'redis.up', serverVersion: '7.0.15', awayMs: 83_000 },
      ).map((line) => line.slice(28)),
    ).toEqual([
      'not usable: the connection was closed; running jobs continue, reconnecting',
      'back after 1 min 23 s, version 7.0.15',
    ]);
  });

  test('keeps the start of a job with long names within 100 columns', () => {
    const long = { ...job, jobClass: 'C'.repeat(500), args: `["${'x'.repeat(1_990)}"]` };
    const [line = ''] = pretty({ type: 'job.started', job: long });
    expect(line.length).toBeLessThanOrEqual(100);
    expect(line.match(/…/g)).toHaveLength(2);
  });

  test('tells which failures were retried or removed', () => {
    const one = { count: 1, queues: ['mail'], jobClass: 'SendMail' };
    const some = { count: 12, queues: ['mail', 'news'], jobClass: null };
    expect(
      pretty(
        { type: 'failures.retried', ...one },
        { type: 'failures.removed', ...one, jobClass: null },
        { type: 'failures.retried', ...some, queues: ['mail'] },
        { type: 'failures.removed', ...some },
        { type: 'failures.removed', ...some, count: 2, queues: [] },
      ).map((line) => line.slice(9)),
    ).toEqual([
      '↺ mail             retried the failed SendMail',
      '● mail             removed the failed (no class)',
      '↺ mail             retried 12 failures',
      '● failures         removed 12 failures of mail; news',
      '● failures         removed 2 failures',
    ]);
  });

  test('tells how many old failures went, and how the programs that hear of failures did', () => {
    const dropped = { type: 'notice.dropped', runner: 'mail' } as const;
    const notice = { type: 'notice.failed', runner: 'mail', queue: 'mail' } as const;
    const trimmed = { type: 'failures.trimmed', day: '2026-11-27' } as const;
    expect(
      pretty(
        { ...trimmed, count: 1_234, limit: 10_000 },
        { ...trimmed, count: 1, limit: 5 },
        { ...notice, count: 1, reason: 'exit code 1: no \u001b[31m host\nat all' },
        { ...notice, count: 60, reason: 'SIGSEGV' },
        { ...dropped, count: 1, reason: 'busy' },
        { ...dropped, count: 2_000, reason: 'stopping' },
      ).map((line) => line.slice(9)),
    ).toEqual([
      '● failures         the 1,234 oldest failures were removed on 2026-11-27 (UTC): "failedLimit" is 10,000',
      '● failures         the oldest failure was removed on 2026-11-27 (UTC): "failedLimit" is 5',
      '! mail             "onFailure" failed: exit code 1: no \\u001b[31m host\\nat all',
      '! mail             "onFailure" failed 60 times, most recently: SIGSEGV',
      '! mail             "onFailure" was not run for 1 failure: too many jobs fail at the same time',
      '! mail             "onFailure" was not run for 2,000 failures: the runner stops before it could run',
    ]);
  });

  test('tells who gave a command, and whether it was carried out', () => {
    const executed = { type: 'command.executed', by: 'ann@pts/3', command: 'set-concurrency' } as const;
    expect(
      pretty(
        { ...executed, isDone: true, outcome: 'mail: 2 → 3 slots' },
        { ...executed, isDone: false, outcome: 'no runner mail' },
      ).map((line) => line.slice(9)),
    ).toEqual([
      '● command          ann@pts/3: mail: 2 → 3 slots',
      '! command          ann@pts/3: set-concurrency refused: no runner mail',
    ]);
  });

  test('leaves out what a job prints and what only counts', () => {
    expect(
      pretty(
        { type: 'job.printed', jobId: 'a9', stream: 'stdout', line: 'hello' },
        { type: 'failures.counted', total: 3 },
        { type: 'delayed.counted', jobs: 3, isComplete: true, hasSchedules: false },
        { type: 'counters.changed', processed: 1, failed: 0, unwritten: 0 },
        { type: 'queue.backlog', queue: 'mail', backlog: 3 },
        { type: 'queues.measured', queues: [] },
      ),
    ).toEqual([]);
  });

  test('has colours only where asked for', () => {
    expect(logged('pretty', [finished])).not.toContain('\u001b');
    expect(logged('pretty', [finished], { colors: true })).toContain('\u001b[32m✓');
  });
});

describe('the JSON log', () => {
  test("gives time, level, event, the event's own fields, and the words", () => {
    const text = logged('json', [{ ...finished, outcome: 'failed', exitCode: 1, failure }]);
    expect(JSON.parse(text)).toEqual({
      time: new Date(atMs).toISOString(),
      level: 'error',
      event: 'job.finished',
      jobId: 'a9',
      queue: 'mail',
      jobClass: 'SendMail',
      outcome: 'failed',
      durationMs: 650.2,
      exitCode: 1,
      signal: null,
      failure,
      message: '✗ mail #a9 failed SendMail after 650 ms: SmtpError: no such user (exit code 1)',
    });
  });

  test('cuts a text of megabytes', () => {
    const text = logged('json', [{ ...finished, jobClass: 'C'.repeat(5_000_000) }]);
    expect(text.length).toBeLessThan(10_000);
  });
});

describe('the output of a job', () => {
  const about = { jobId: 'a9', queue: 'mail', jobClass: 'SendMail' };
  const printed = { type: 'output.logged', ...about, stream: 'stderr', line: 'no \u001b[31mway\t' } as const;

  test('is a line for each of its lines', () => {
    expect(
      pretty(
        printed,
        { ...printed, line: 'x'.repeat(3_999) },
        { type: 'output.left-out', ...about, lines: null },
        { type: 'output.left-out', ...about, lines: 1_200 },
      ).map((line) => line.slice(9, 70)),
    ).toEqual([
      '· mail       #a9   no \\u001b[31mway\\t',
      `· mail       #a9   ${'x'.repeat(42)}`,
      '· mail       #a9   further output is left out of the log',
      '· mail       #a9   1,200 lines of output left out of the log',
    ]);
  });

  test('is the message for programs, with the level of the end of the job', () => {
    const lines = logged('json', [
      printed,
      { ...printed, outcome: 'failed' },
      { ...printed, outcome: 'retried' },
    ]);
    const [first, ...others] = lines.split('\n').slice(0, -1);
    expect(JSON.parse(first ?? '')).toEqual({
      ...{ time: new Date(atMs).toISOString(), level: 'info', event: 'output.logged' },
      ...{ ...about, stream: 'stderr', message: 'no \\u001b[31mway\\t' },
    });
    expect(others.map((line) => JSON.parse(line).level)).toEqual(['error', 'warn']);
    expect(logged('logfmt', [printed])).toContain(' jobClass=SendMail stream=stderr message="no ');
  });
});

test('all lines about a job have the ID of its trace', () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const facts: EngineFact[] = [
    { type: 'job.started', job: { ...job, traceId } },
    { type: 'job.killed', jobId: 'a9', queue: 'mail', signal: 'SIGTERM', reason: 'timeout' },
    finished,
    { type: 'queue.resumed', queue: 'mail' },
  ];
  const lines = logged('json', facts).split('\n').slice(0, -1);
  expect(lines.map((line) => JSON.parse(line).traceId)).toEqual([traceId, traceId, traceId, undefined]);
  expect(logged('logfmt', facts).split(` traceId=${traceId} `)).toHaveLength(4);
});

describe('logfmt', () => {
  test('has the members of the JSON line, with a dot in the names of nested ones', () => {
    const text = logged('logfmt', [
      { type: 'job.started', job: { ...job, args: '["a b"]' } },
      { ...finished, outcome: 'failed', exitCode: 1, failure: { ...failure, exception: '' } },
      { type: 'config.rejected', problems: ['a "b"', 'c'] },
    ]);
    const time = `time=${new Date(atMs).toISOString()}`;
    expect(text.split('\n')).toEqual([
      `${time} level=info event=job.started job.id=a9 job.queue=mail job.runner=mail job.worker=host.runner:1-0:mail ` +
        String.raw`job.jobClass=SendMail job.args="[\"a b\"]" job.payloadBytes=50 job.startedAtMs=${atMs} job.pid=4711 ` +
        String.raw`message="▸ mail #a9 started SendMail [\"a b\"]"`,
      `${time} level=error event=job.finished jobId=a9 queue=mail jobClass=SendMail outcome=failed durationMs=650.2 ` +
        'exitCode=1 failure.queue=mail failure.jobId=a9 failure.jobClass=SendMail failure.exception="" ' +
        String.raw`failure.error="no such user\n" failure.exitCode=1 ` +
        String.raw`message="✗ mail #a9 failed SendMail [\"a b\"] after 650 ms: : no such user (exit code 1)"`,
      `${time} level=error event=config.rejected ` +
        String.raw`problems="[\"a \\\"b\\\"\",\"c\"]" ` +
        String.raw`message="! config not reloaded, the old one is still in use: a \"b\"; c"`,
      '',
    ]);
  });

  test('cuts a text of megabytes', () => {
    const text = logged('logfmt', [{ ...finished, jobClass: 'C D'.repeat(2_000_000) }]);
    expect(text.length).toBeLessThan(10_000);
  });
});

test.each([
  ['info', ['info', 'info', 'warn', 'error']],
  ['warn', ['warn', 'error']],
  ['error', ['error']],
] as const)('--log-level %s leaves out the lines below', (level, levels) => {
  const facts: EngineFact[] = [
    { type: 'job.started', job },
    finished,
    { ...finished, outcome: 'requeued' },
    { ...finished, outcome: 'failed', failure },
  ];
  const lines = logged('json', facts, { level }).split('\n').slice(0, -1);
  expect(lines.map((line) => JSON.parse(line).level)).toEqual(levels);
});

test('lines that were lost are one line of the log', () => {
  expect(lossLine({ format: 'pretty' })(1).slice(9)).toBe(
    '! log              1 line is missing here: STDOUT did not accept them\n',
  );
  expect(JSON.parse(lossLine({ format: 'json' })(1_200))).toMatchObject({
    level: 'warn',
    event: 'log.lost',
    lines: 1_200,
    message: '! log 1,200 lines are missing here: STDOUT did not accept them',
  });
});

/** Texts that a job or a client may have made to forge lines or drive a terminal. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  // UTF-16 units of any kind: also halves of surrogate pairs.
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  fc.constantFrom(
    'done\n16:05:09 ✓ mail #a9 done',
    '\r\u001b[2K\u001b]0;title\u0007',
    '\u009b31m\u007f\u0085\u2028\u2029',
    '\u202e\u2066\u200b\ufeff\u{e0041}',
    '\ud83d',
    '"}\n{"level":"info"}',
  ),
);

const outcome = fc.constantFrom('succeeded', 'failed', 'requeued');
const hostileFailure = fc.record({
  queue: hostile,
  jobId: fc.constant(null),
  jobClass: fc.option(hostile),
  exception: hostile,
  error: hostile,
  exitCode: fc.option(fc.nat()),
  signal: fc.option(hostile),
});

/** Every fact that makes a line, with hostile text wherever text can be. */
const hostileFact = fc.oneof(
  fc.record({
    type: fc.constant('job.started'),
    job: fc.record({ id: hostile, queue: hostile, jobClass: fc.option(hostile), args: hostile }),
  }),
  fc.record({
    type: fc.constant('job.finished'),
    jobId: hostile,
    queue: hostile,
    jobClass: fc.option(hostile),
    outcome,
    durationMs: fc.nat(),
    failure: fc.option(hostileFailure),
  }),
  fc.record({
    type: fc.constant('job.killed'),
    jobId: hostile,
    queue: hostile,
    signal: fc.constantFrom('SIGTERM', 'SIGKILL'),
    reason: fc.constantFrom('operator', 'signal', 'timeout', 'shutdown'),
  }),
  fc.record({ type: fc.constant('failure.recorded'), failure: hostileFailure }),
  fc.record({ ...{ type: fc.constant('output.logged'), jobId: hostile, queue: hostile }, line: hostile }),
  fc.record({
    type: fc.constantFrom('failures.retried', 'failures.removed'),
    count: fc.nat(),
    queues: fc.array(hostile),
    jobClass: fc.option(hostile),
  }),
  fc.record({
    type: fc.constant('command.executed'),
    by: hostile,
    command: fc.constantFrom('pause-all', 'kill-job'),
    isDone: fc.boolean(),
    outcome: hostile,
  }),
  fc.record({
    type: fc.constant('queue.paused'),
    queue: hostile,
    pauses: fc.array(
      fc.record({
        kind: fc.constantFrom('operator', 'all', 'cluster', 'unstartable', 'unreadable'),
        detail: hostile,
        sinceMs: fc.nat(),
      }),
    ),
  }),
  fc.record({ type: fc.constant('queue.resumed'), queue: hostile }),
  fc.record({ type: fc.constant('redis.down'), reason: hostile }),
  fc.record({ type: fc.constant('redis.up'), serverVersion: hostile, awayMs: fc.option(fc.nat()) }),
  fc.record({
    type: fc.constant('config.reloaded'),
    changes: fc.array(hostile),
    needsRestart: fc.array(hostile),
    restartChanges: fc.array(hostile),
  }),
  fc.record({ type: fc.constant('config.rejected'), problems: fc.array(hostile) }),
  fc.record({
    type: fc.constant('overrides.kept'),
    kept: fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant('pause'), queue: fc.option(hostile), by: hostile, sinceMs: fc.nat() }),
        fc.record({
          kind: fc.constant('slots'),
          runner: hostile,
          slots: fc.nat(),
          configured: fc.nat(),
          by: hostile,
          sinceMs: fc.nat(),
        }),
      ),
    ),
  }),
  fc.record({ type: fc.constant('overrides.refused'), reason: hostile }),
  fc.record({
    type: fc.constant('runner.throttled'),
    runner: hostile,
    throttled: fc.record({
      exitCode: fc.option(fc.nat(255)),
      signal: fc.option(hostile),
      lastWords: hostile,
      shortage: fc.option(hostile),
      pauseMs: fc.nat(),
      sinceMs: fc.nat(),
    }),
  }),
  fc.record({
    type: fc.constant('runner.changed'),
    runner: fc.record({ key: hostile, concurrency: fc.nat(), configuredConcurrency: fc.nat() }),
  }),
  fc.record({
    type: fc.constant('engine.started'),
    version: hostile,
    pid: fc.nat(),
    workerHost: hostile,
    namespace: hostile,
    redis: hostile,
    runners: fc.array(fc.record({ key: hostile, concurrency: fc.nat(), configuredConcurrency: fc.nat() })),
  }),
  fc.record({
    type: fc.constant('engine.stopping'),
    mode: fc.constantFrom('quit', 'terminate', 'kill', 'drained'),
    running: fc.nat(),
  }),
  fc.record({
    type: fc.constant('engine.stopped'),
    processed: fc.nat(),
    failed: fc.nat(),
    unwritten: fc.nat(),
  }),
);

/** Controls, bidi and other format characters, line separators, halves of surrogate pairs. */
const dangerous = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u115f\u1160\u3164]|\u034f/u;

describe('for the journal', () => {
  test.each<LogFormat>(['pretty', 'json', 'logfmt'])('each %s line begins with its priority', (format) => {
    const facts: EngineFact[] = [
      { ...finished, failure: null },
      { type: 'peer.recovered', peer: 'other:1', failed: 1, requeued: 0 },
      { ...finished, outcome: 'failed', failure: { ...failure, error: 'no\n<0>such user' } },
    ];
    const lines = logged(format, facts, { hasPriorities: true }).split('\n').slice(0, -1);
    expect(lines.map((line) => line.slice(0, 3))).toEqual(['<6>', '<4>', '<3>']);
    expect(lossLine({ format, hasPriorities: true })(3)).toMatch(/^<4>/);
  });

  test('a stream is its own only if device and inode are the ones that systemd names', () => {
    const directory = mkdtempSync(join(tmpdir(), 'rr-journal-'));
    const descriptor = openSync(join(directory, 'log'), 'w');
    try {
      const { dev, ino } = fstatSync(descriptor);
      expect(isJournal({ JOURNAL_STREAM: `${dev}:${ino}` }, descriptor)).toBe(true);
      expect(isJournal({ JOURNAL_STREAM: `${dev}:${ino + 1}` }, descriptor)).toBe(false);
      expect(isJournal({}, descriptor)).toBe(false);
      expect(isJournal({ JOURNAL_STREAM: '' }, descriptor)).toBe(false);
    } finally {
      closeSync(descriptor);
      rmSync(directory, { recursive: true });
    }
    expect(isJournal({ JOURNAL_STREAM: '1:2' }, descriptor)).toBe(false);
  });
});

describe('a hostile event', () => {
  test('gives exactly one line free of control characters, pretty', () => {
    fc.assert(
      fc.property(hostileFact, (fact) => {
        const text = logged('pretty', [fact as EngineFact]);
        expect(text.at(-1)).toBe('\n');
        expect(text.slice(0, -1)).not.toMatch(dangerous);
        expect(text.length).toBeLessThan(3_000);
      }),
      { numRuns: randomCases(2_000) },
    );
  });

  test('gives exactly one line free of control characters, logfmt', () => {
    fc.assert(
      fc.property(hostileFact, (fact) => {
        const text = logged('logfmt', [fact as EngineFact]);
        expect(text.at(-1)).toBe('\n');
        expect(text.slice(0, -1)).not.toMatch(dangerous);
        // Words, and quoted words: nothing else is between the spaces.
        expect(text.slice(0, -1).replace(/"(?:[^"\\]|\\.)*"/g, 'x')).toMatch(/^(?:[^ ="]+=[^ ="]+(?: |$))+$/);
      }),
      { numRuns: randomCases(2_000) },
    );
  });

  test('gives exactly one line free of control characters that parses, JSON', () => {
    fc.assert(
      fc.property(hostileFact, (fact) => {
        const text = logged('json', [fact as EngineFact]);
        expect(text.at(-1)).toBe('\n');
        expect(text.slice(0, -1)).not.toMatch(dangerous);
        const { time: _time, level: _level, message: _message, event, ...fields } = JSON.parse(text);
        // Where an event has a message of its own, the line's says it.
        const { message: _own, line: _line, ...own } = fact as { message?: string; line?: string };
        expect({ type: event, ...fields }).toEqual(own);
      }),
      { numRuns: randomCases(2_000) },
    );
  });
});

test.each([
  [0.4, '0 ms'],
  [650.2, '650 ms'],
  [999.6, '1.0 s'],
  [59_940, '59.9 s'],
  [59_960, '1 min 0 s'],
  [184_000, '3 min 4 s'],
  [7_500_000, '2 h 5 min'],
])('%d ms are told as %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});
