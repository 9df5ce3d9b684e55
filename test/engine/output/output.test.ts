/** Output of real jobs, as whoever looks at one reads it. */
import { readdirSync, readlinkSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { OutputPiece, OutputReader } from '../../../src/protocol/job.ts';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { type TestEngine, useEngines } from '../stage.ts';

const stage = useEngines(useRedis());

interface Heard {
  readonly stdout: string;
  readonly stderr: string;
  readonly pieces: readonly OutputPiece[];
  readonly skippedLines: number;
}

/** Reads until this holds, or to the end. */
async function hear(
  reader: OutputReader | null,
  isEnough: (heard: Heard) => boolean = () => false,
): Promise<Heard> {
  if (reader === null) throw new Error('nothing is kept');
  let heard: Heard = { stdout: '', stderr: '', pieces: [], skippedLines: 0 };
  let isEnd = false;
  await waitFor(
    () => {
      const batch = reader.read(64 * 1_024);
      isEnd = batch.isEnd;
      const of = (stream: string) =>
        batch.pieces.flatMap((piece) => (piece.stream === stream ? [piece.text] : [])).join('');
      heard = {
        stdout: heard.stdout + of('stdout'),
        stderr: heard.stderr + of('stderr'),
        pieces: [...heard.pieces, ...batch.pieces],
        skippedLines: heard.skippedLines + batch.skippedLines,
      };
      return isEnd || isEnough(heard);
    },
    { message: () => `enough output: ${JSON.stringify(heard).slice(-2_000)}` },
  );
  return heard;
}

async function startedJob(engine: TestEngine, count = 1): Promise<string> {
  return (await engine.wait('job.started', count)).job.id;
}

/** Unnamed files of ours that are open, in whichever process. */
function filesOf(pid: number | 'self'): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/${pid}/fd/${fd}`);
      return target.includes('resque-runner-') ? [`${fd} ${target}`] : [];
    } catch {
      return []; // The one that listed them.
    }
  });
}

test('a job is read from its start and then as it prints, by as many as want to, each at their pace', async () => {
  const script = stage.script(
    'echo first; while [ ! -e "$D/go" ]; do sleep 0.1; done; echo second; echo third >&2',
  );
  const engine = await stage.start([stage.runner('mail', script)]);
  await stage.enqueue('mail', 1);
  const jobId = await startedJob(engine);
  const early = engine.engine.openOutput(jobId);
  expect((await hear(early, ({ stdout }) => stdout === 'first\n')).stdout).toBe('first\n');
  const late = engine.engine.openOutput(jobId);
  stage.write('go');
  expect(await hear(early)).toMatchObject({ stdout: 'second\n', stderr: 'third\n' });
  expect(await hear(late)).toMatchObject({ stdout: 'first\nsecond\n', stderr: 'third\n', skippedLines: 0 });
  early?.close();
  late?.close();
});

test('pieces say when they came and on which stream', async () => {
  const script = stage.script('echo out; while [ ! -e "$D/go" ]; do sleep 0.1; done; echo err >&2');
  const engine = await stage.start([stage.runner('mail', script)]);
  const before = Date.now();
  await stage.enqueue('mail', 1);
  const output = engine.engine.openOutput(await startedJob(engine));
  const first = await hear(output, ({ stdout }) => stdout !== '');
  const between = Date.now();
  stage.write('go');
  const pieces = [...first.pieces, ...(await hear(output)).pieces];
  expect(pieces.map(({ stream, text }) => [stream, text])).toEqual([
    ['stdout', 'out\n'],
    ['stderr', 'err\n'],
  ]);
  const [out, err] = pieces.map(({ atMs }) => atMs);
  expect(out).toBeGreaterThanOrEqual(before);
  expect(out).toBeLessThanOrEqual(between);
  expect(err).toBeGreaterThanOrEqual(between);
});

test('characters come whole however the job writes them', async () => {
  // é in two writes.
  const script = stage.script(String.raw`printf 'caf\303'; sleep 0.2; printf '\251 ok\n'`);
  const engine = await stage.start([stage.runner('mail', script)]);
  await stage.enqueue('mail', 1);
  expect((await hear(engine.engine.openOutput(await startedJob(engine)))).stdout).toBe('café ok\n');
});

test('jobs that have ended can still be read, the last hundred of them', async () => {
  const script = stage.script('read -r job; echo "$job"');
  const engine = await stage.start([stage.runner('mail', script, { concurrency: 4 })]);
  await stage.enqueue('mail', ...Array.from({ length: 110 }, (_, at) => at));
  await engine.wait('job.finished', 110, 20_000);
  const ended = engine.all('job.finished').map(({ jobId }) => jobId);
  for (const jobId of ended.slice(0, 10)) expect(engine.engine.openOutput(jobId)).toBeNull();
  for (const jobId of ended.slice(10)) {
    const { job } = engine.all('job.started').find((event) => event.job.id === jobId) ?? {};
    expect((await hear(engine.engine.openOutput(jobId))).stdout).toContain(`"args":${job?.args}`);
  }
});

test('of a job that never was there is nothing', async () => {
  const engine = await stage.start([stage.runner('mail', stage.script(':'))]);
  expect(engine.engine.openOutput('1')).toBeNull();
  expect(engine.engine.openOutput('__proto__')).toBeNull();
});

describe('of a job that prints without end', () => {
  const flood = 'seq 1 2000000; echo the end >&2';

  test('the newest is kept, and who comes late learns about how much is missing', async () => {
    const engine = await stage.start([stage.runner('mail', stage.script(flood))]);
    await stage.enqueue('mail', 1);
    await engine.wait('job.finished', 1, 20_000);
    const { stdout, stderr, skippedLines } = await hear(engine.engine.openOutput('1'));
    expect(stderr).toBe('the end\n');
    expect(stdout.endsWith('\n1999999\n2000000\n')).toBe(true);
    expect(stdout.length).toBeGreaterThan(4_000_000);
    expect(stdout.length).toBeLessThan(8_400_000);
    const missing = 2_000_000 - (stdout.split('\n').length - 1);
    expect(Math.abs(skippedLines - missing) / missing).toBeLessThan(0.2);
  });

  test('who was there from the start knows how many lines were lost', async () => {
    const engine = await stage.start([stage.runner('mail', stage.script(flood))]);
    await stage.enqueue('mail', 1);
    const reader = engine.engine.openOutput(await startedJob(engine));
    await engine.wait('job.finished', 1, 20_000);
    expect(reader?.behindBytes).toBeGreaterThan(4_000_000);
    const { stdout, skippedLines } = await hear(reader);
    expect(skippedLines + stdout.split('\n').length - 1).toBe(2_000_000);
  });

  test('another skips to the end of it', async () => {
    const engine = await stage.start([stage.runner('mail', stage.script(flood))]);
    await stage.enqueue('mail', 1);
    const reader = engine.engine.openOutput(await startedJob(engine));
    await engine.wait('job.finished', 1, 20_000);
    reader?.skipTo(1_000);
    const { stdout, stderr, skippedLines } = await hear(reader);
    expect(stdout.length + stderr.length).toBe(1_000);
    expect(skippedLines + `${stdout}${stderr}`.split('\n').length - 1).toBe(2_000_001);
  });
});

test('no file of it gets into a job, and none is left when the engine has stopped', async () => {
  const chatty = stage.script('seq 1 100000; while [ ! -e "$D/go" ]; do sleep 0.1; done');
  const curious = stage.script('ls -l /proc/$$/fd > "$D/fds.new"; mv "$D/fds.new" "$D/fds"');
  const engine = await stage.start([stage.runner('chatty', chatty), stage.runner('curious', curious)]);
  const held = filesOf('self').length;
  await stage.enqueue('chatty', 1);
  const reader = engine.engine.openOutput(await startedJob(engine));
  await hear(reader, ({ stdout }) => stdout.endsWith('\n100000\n'));
  expect(filesOf('self').length).toBe(held + 1);
  await stage.enqueue('curious', 2);
  await waitFor(() => stage.lines('fds').length > 0, { message: 'the job has listed its descriptors' });
  // Its STDIN is such a file, too.
  expect(stage.lines('fds').filter((line) => line.includes('resque-runner'))).toEqual([
    expect.stringContaining(' 0 -> '),
  ]);
  stage.write('go');
  await engine.wait('job.finished', 2);
  await engine.stop();
  expect(filesOf('self').length).toBe(held);
  expect(reader?.read(100)).toMatchObject({ isEnd: true });
});
