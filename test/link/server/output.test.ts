import { describe, expect, test, vi } from 'vitest';
import type { OutputBatch } from '../../../src/protocol/job.ts';
import { staysTrue, waitFor } from '../../helpers/wait-for.ts';
import { FakeOutput } from '../fake-output.ts';
import type { RawClient } from '../raw-client.ts';
import { type Stage, startStage } from '../stage.ts';

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

async function startOutputStage(): Promise<Stage & { readonly jobs: Map<string, FakeOutput> }> {
  const stage = await startStage();
  const jobs = new Map<string, FakeOutput>([['a', new FakeOutput()]]);
  stage.host.onOpenOutput = (jobId) => jobs.get(jobId)?.open() ?? null;
  return { ...stage, jobs };
}

function outputOf(jobs: Map<string, FakeOutput>, jobId: string): FakeOutput {
  const output = jobs.get(jobId) ?? new FakeOutput();
  jobs.set(jobId, output);
  return output;
}

function batches(client: RawClient, jobId = 'a'): (OutputBatch | null)[] {
  return client.of('output').flatMap((frame) => (frame.jobId === jobId ? [frame.batch] : []));
}

function textOf(client: RawClient, jobId = 'a'): string {
  return batches(client, jobId)
    .flatMap((batch) => batch?.pieces ?? [])
    .map(({ text }) => text)
    .join('');
}

describe('a watch', () => {
  test('sends the kept output, then new output, then the end, and closes its reader', async () => {
    const { jobs, join } = await startOutputStage();
    const output = outputOf(jobs, 'a');
    output.print('one\n', 'two\n');
    const client = await join();
    client.say({ type: 'watch', jobId: 'a' });
    await client.first('output');
    expect(batches(client)).toEqual([
      {
        pieces: [
          { stream: 'stdout', atMs: 0, text: 'one\n' },
          { stream: 'stdout', atMs: 1, text: 'two\n' },
        ],
        skippedLines: 0,
        isEnd: false,
      },
    ]);
    output.print('three\n');
    await waitFor(() => textOf(client) === 'one\ntwo\nthree\n', { message: () => textOf(client) });
    output.isEnded = true;
    await waitFor(() => batches(client).at(-1)?.isEnd, { message: 'the end' });
    expect(output.readers.map(({ isClosed }) => isClosed)).toEqual([true]);
    expect(batches(client).filter((batch) => batch?.isEnd)).toHaveLength(1);
  });

  test('sends nothing while there is no new output', async () => {
    const { jobs, join } = await startOutputStage();
    const output = outputOf(jobs, 'a');
    const client = await join();
    client.say({ type: 'watch', jobId: 'a' });
    await waitFor(() => (output.readers[0]?.reads.length ?? 0) > 3, { message: 'some looks' });
    expect(batches(client)).toEqual([]);
    output.print('x');
    await client.first('output');
    expect(textOf(client)).toBe('x');
  });

  test('of a job without kept output is answered by null, and ends', async () => {
    const { join } = await startOutputStage();
    const client = await join();
    client.say({ type: 'watch', jobId: 'unknown' });
    expect(await client.first('output')).toEqual({ type: 'output', jobId: 'unknown', batch: null });
    client.say({ type: 'unwatch', jobId: 'unknown' });
    client.command(1, { type: 'pause-all' });
    await client.reply(1);
    expect(client.of('output')).toHaveLength(1);
  });

  test('of the same job by the same client is one watch', async () => {
    const { jobs, join } = await startOutputStage();
    const output = outputOf(jobs, 'a');
    output.print('x');
    const client = await join();
    client.say({ type: 'watch', jobId: 'a' });
    await client.first('output');
    client.say({ type: 'watch', jobId: 'a' });
    output.print('y');
    await waitFor(() => textOf(client).includes('y'), { message: 'what came later' });
    expect([textOf(client), output.readers.length]).toEqual(['xy', 1]);
    client.say({ type: 'unwatch', jobId: 'a' });
    await waitFor(() => output.readers[0]?.isClosed, { message: 'the reader is closed' });
  });

  test('of the same job by two clients is two watches, each at its own pace', async () => {
    const { jobs, join } = await startOutputStage();
    const output = outputOf(jobs, 'a');
    output.print('x');
    const first = await join();
    first.say({ type: 'watch', jobId: 'a' });
    await first.first('output');
    const second = await join();
    second.say({ type: 'watch', jobId: 'a' });
    output.print('y');
    await waitFor(() => textOf(first) === 'xy' && textOf(second) === 'xy', { message: 'both' });
    expect(output.readers).toHaveLength(2);
  });

  test('that is cancelled closes its reader, sends null and then nothing', async () => {
    const { jobs, join } = await startOutputStage();
    const output = outputOf(jobs, 'a');
    output.print('x');
    const client = await join();
    client.say({ type: 'watch', jobId: 'a' });
    await client.first('output');
    client.say({ type: 'unwatch', jobId: 'a' });
    await waitFor(() => batches(client).at(-1) === null, { message: 'the end of the watch' });
    expect(output.readers[0]?.isClosed).toBe(true);
    output.print('y');
    client.say({ type: 'watch', jobId: 'a' });
    await waitFor(() => textOf(client) === 'xxy', { message: () => textOf(client) });
    expect(output.readers.map(({ isClosed }) => isClosed)).toEqual([true, false]);
  });

  test('ends with its client', async () => {
    const { jobs, join } = await startOutputStage();
    const output = outputOf(jobs, 'a');
    const other = outputOf(jobs, 'b');
    const client = await join();
    client.say({ type: 'watch', jobId: 'a' });
    client.say({ type: 'watch', jobId: 'b' });
    await waitFor(() => output.readers.length + other.readers.length === 2, { message: 'readers' });
    client.socket.destroy();
    await waitFor(() => output.readers[0]?.isClosed && other.readers[0]?.isClosed, {
      message: 'closed ones',
    });
  });

  test('also ends if its client is disconnected', async () => {
    const { jobs, join } = await startOutputStage();
    const output = outputOf(jobs, 'a');
    const client = await join();
    client.say({ type: 'watch', jobId: 'a' });
    await waitFor(() => output.readers.length === 1, { message: 'a reader' });
    client.sayText('garbage\n');
    await waitFor(() => output.readers[0]?.isClosed, { message: 'a closed one' });
  });

  test('beyond 16 of one client is answered by null, until another one ends', async () => {
    const { jobs, join } = await startOutputStage();
    const client = await join();
    const ids = Array.from({ length: 17 }, (_, index) => `job${index}`);
    for (const jobId of ids) {
      outputOf(jobs, jobId).print(jobId);
      client.say({ type: 'watch', jobId });
    }
    await waitFor(() => client.of('output').length === 17, { message: '17 answers' });
    expect(batches(client, 'job16')).toEqual([null]);
    expect(textOf(client, 'job15')).toBe('job15');
    client.say({ type: 'unwatch', jobId: 'job0' });
    client.say({ type: 'watch', jobId: 'job16' });
    await waitFor(() => textOf(client, 'job16') === 'job16', { message: 'the 17th' });
  });

  test('is never read again after its end', async () => {
    const { jobs, join } = await startOutputStage();
    const output = outputOf(jobs, 'a');
    const client = await join();
    client.say({ type: 'watch', jobId: 'a' });
    await waitFor(() => (output.readers[0]?.reads.length ?? 0) > 1, { message: 'a look' });
    client.say({ type: 'unwatch', jobId: 'a' });
    await client.first('output');
    const timers = vi.spyOn(globalThis, 'setTimeout');
    // Other files in this process may still set timers of their own.
    const looks = () => timers.mock.calls.filter(([, delayMs = 0]) => delayMs > 0 && delayMs <= 50);
    try {
      // The running timer may still fire once.
      await staysTrue(() => looks().length === 0, { message: 'no timer', forMs: 150 });
      client.say({ type: 'watch', jobId: 'a' });
      await waitFor(() => (output.readers[1]?.reads.length ?? 0) > 1, { message: 'a look again' });
      expect(looks().length).toBeGreaterThan(0);
    } finally {
      timers.mockRestore();
    }
  });

  test('gets the remaining output when the server closes', async () => {
    const { jobs, join, server } = await startOutputStage();
    const output = outputOf(jobs, 'a');
    output.print('one');
    const client = await join();
    client.say({ type: 'watch', jobId: 'a' });
    await client.first('output');
    output.print('two');
    await server.close();
    expect([textOf(client), output.readers[0]?.isClosed]).toEqual(['onetwo', true]);
  });
});

describe('the pace', () => {
  test('is at most about 200 KiB a step, so that a flood does not arrive all at once', async () => {
    const { jobs, join } = await startOutputStage();
    const output = outputOf(jobs, 'a');
    output.print(...Array.from({ length: 100 }, () => 'x'.repeat(10 * kibibyte)));
    const client = await join();
    client.say({ type: 'watch', jobId: 'a' });
    await waitFor(() => textOf(client).length === 1_000 * kibibyte, { message: 'all of it' });
    expect(output.readers[0]?.reads.every((maxBytes) => maxBytes <= 200 * kibibyte)).toBe(true);
    for (const { batch } of client.of('output')) {
      const bytes = (batch?.pieces ?? []).reduce((sum, { text }) => sum + text.length, 0);
      expect(bytes).toBeLessThanOrEqual(200 * kibibyte);
    }
  });

  test('is shared between the watches of a client, so a flood does not delay a quiet job', async () => {
    const { jobs, join } = await startOutputStage();
    const flood = outputOf(jobs, 'flood');
    const quiet = outputOf(jobs, 'quiet');
    flood.print(...Array.from({ length: 400 }, () => 'x'.repeat(10 * kibibyte)));
    quiet.print('here');
    const client = await join();
    client.sayText('{"type":"watch","jobId":"flood"}\n{"type":"watch","jobId":"quiet"}\n');
    await client.first('output');
    await waitFor(() => textOf(client, 'quiet') === 'here', { message: 'the quiet one' });
    // Both are in the first step: the 200 KiB are for both, and the flood gets the rest.
    expect(client.of('output')[0]?.jobId).toBe('quiet');
    expect(flood.readers[0]?.reads[0]).toBe(200 * kibibyte - 4);
  });

  test('of two floods is the same for both, 200 KiB a step in all', async () => {
    const { jobs, join } = await startOutputStage();
    const client = await join();
    for (const jobId of ['a', 'b']) {
      outputOf(jobs, jobId).print(...Array.from({ length: 200 }, () => 'x'.repeat(10 * kibibyte)));
    }
    client.sayText('{"type":"watch","jobId":"a"}\n{"type":"watch","jobId":"b"}\n');
    await waitFor(() => client.of('output').length >= 4, { message: 'some output' });
    for (const jobId of ['a', 'b']) {
      expect(outputOf(jobs, jobId).readers[0]?.reads[0]).toBe(100 * kibibyte);
    }
  });

  test('drops to zero while the client does not read, and no output is lost', async () => {
    const { jobs, join } = await startOutputStage();
    const output = outputOf(jobs, 'a');
    const client = await join();
    client.socket.pause();
    client.say({ type: 'watch', jobId: 'a' });
    output.print(...Array.from({ length: 300 }, () => 'x'.repeat(10 * kibibyte)));
    const reads = () => output.readers[0]?.reads.length ?? 0;
    // The kernel buffers some hundred KiB; then the server stops.
    let before = -1;
    await waitFor(
      async () => {
        before = reads();
        await staysTrue(() => reads() === before, { message: 'no read', forMs: 150 }).catch(() => {});
        return before > 0 && reads() === before;
      },
      { message: 'it stands still' },
    );
    expect(reads()).toBeLessThan(10);
    client.socket.resume();
    await waitFor(() => textOf(client).length === 3_000 * kibibyte, { message: 'all of it' });
  });
});

describe('a reader that is far behind', () => {
  test('skips to the newest output, after the client has all output that was kept at the beginning', async () => {
    const { jobs, join } = await startOutputStage();
    const output = outputOf(jobs, 'a');
    const beginning = Array.from({ length: 60 }, (_, index) => `${index} `.padEnd(10 * kibibyte, 'k'));
    output.print(...beginning);
    const client = await join();
    client.say({ type: 'watch', jobId: 'a' });
    await client.first('output');
    // Far more than 4 MiB, while most of the kept output is not sent yet.
    output.print(...Array.from({ length: 1_000 }, (_, index) => `new ${index} `.padEnd(10 * kibibyte, 'n')));
    await waitFor(() => textOf(client).includes('new 999 '), { message: 'the newest' });
    const reader = output.readers[0];
    expect(reader?.skips).toHaveLength(1);
    const pieces = batches(client).flatMap((batch) => batch?.pieces ?? []);
    expect(pieces.slice(0, 60).map(({ text }) => text)).toEqual(beginning);
    const skipped = batches(client).reduce((sum, batch) => sum + (batch?.skippedLines ?? 0), 0);
    expect(pieces.length + skipped).toBe(1_060);
    expect(skipped).toBeGreaterThan(900);
    // Only its last 256 KiB are sent.
    const after = batches(client).findIndex((batch) => (batch?.skippedLines ?? 0) > 0);
    const left = batches(client)
      .slice(after)
      .flatMap((batch) => batch?.pieces ?? []);
    expect(left).toHaveLength(25);
  });

  test('reads all output that was kept when the watch began, regardless of its size', async () => {
    const { jobs, join } = await startOutputStage();
    const output = outputOf(jobs, 'a');
    output.print(...Array.from({ length: 50 }, () => 'x'.repeat(100 * kibibyte)));
    const client = await join();
    client.say({ type: 'watch', jobId: 'a' });
    await waitFor(() => textOf(client).length === 5_000 * kibibyte, { message: 'all of it' });
    expect(output.readers[0]?.skips).toEqual([]);
  });

  test('does not skip below 4 MiB', async () => {
    const { jobs, join } = await startOutputStage();
    const output = outputOf(jobs, 'a');
    const client = await join();
    client.say({ type: 'watch', jobId: 'a' });
    await waitFor(() => output.readers.length === 1, { message: 'a reader' });
    output.print(...Array.from({ length: 64 }, () => 'x'.repeat(64 * kibibyte)));
    await waitFor(() => textOf(client).length === 4 * mebibyte, { message: 'all of it' });
    expect(output.readers[0]?.skips).toEqual([]);
  });
});
