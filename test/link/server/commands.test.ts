import { describe, expect, test, vi } from 'vitest';
import type { CommandReply } from '../../../src/protocol/commands.ts';
import { clientFrameLimit, serverFrameLimit } from '../../../src/protocol/frames.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { fact } from '../fake-host.ts';
import { startStage } from '../stage.ts';

const filter = { queue: null, jobClass: null, exception: null, exit: null, text: null };

describe('a command', () => {
  test('reaches the host with the name of its sender, and is answered once', async () => {
    const { host, join } = await startStage();
    const reply: CommandReply = { ok: true, message: 'read', data: { kind: 'backlog', queues: { mail: 3 } } };
    host.onExecute = () => Promise.resolve(reply);
    const client = await join({ name: 'ann@pts/3' });
    client.command(7, { type: 'read-backlog' });
    expect(await client.reply(7)).toEqual(reply);
    client.command(8, { type: 'pause-all' });
    await client.reply(8);
    expect(client.of('reply').map(({ id }) => id)).toEqual([7, 8]);
    expect(host.executed).toEqual([
      { command: { type: 'read-backlog' }, by: 'ann@pts/3' },
      { command: { type: 'pause-all' }, by: 'ann@pts/3' },
    ]);
  });

  test('carries at most 64 characters of the name of its sender', async () => {
    const { host, join } = await startStage();
    // The 64th would be half of a character.
    const client = await join({ name: `${'x'.repeat(63)}🚂${'y'.repeat(100)}` });
    client.command(1, { type: 'pause-all' });
    await client.reply(1);
    expect(host.executed[0]?.by).toBe(`${'x'.repeat(63)}\ufffd`);
  });

  test('is answered when it is done, in any order', async () => {
    const { host, join } = await startStage();
    const waiting = new Map<string, (reply: CommandReply) => void>();
    host.onExecute = (command) =>
      new Promise((resolve) => waiting.set('queue' in command ? command.queue : '', resolve));
    const client = await join();
    client.command(1, { type: 'pause-queue', queue: 'a' });
    client.command(2, { type: 'pause-queue', queue: 'b' });
    await waitFor(() => waiting.size === 2, { message: 'both commands' });
    waiting.get('b')?.({ ok: true, message: 'b' });
    expect((await client.reply(2)).message).toBe('b');
    waiting.get('a')?.({ ok: false, code: 'unknown-queue', message: 'a' });
    expect(await client.reply(1)).toEqual({ ok: false, code: 'unknown-queue', message: 'a' });
  });

  test('is answered after the events that it caused', async () => {
    const { host, join } = await startStage();
    host.onExecute = () => {
      host.publish(fact());
      return Promise.resolve({ ok: true, message: 'done' });
    };
    const client = await join();
    // The second one while the interval of the first one's events runs.
    client.command(1, { type: 'pause-all' });
    await client.reply(1);
    client.command(2, { type: 'pause-all' });
    await client.reply(2);
    expect(client.frames.slice(2).map(({ type }) => type)).toEqual(['events', 'reply', 'events', 'reply']);
  });

  test('that fails in the host is answered and published as a warning, and the link stays', async () => {
    const { host, join } = await startStage();
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    try {
      const client = await join();
      host.onExecute = () => Promise.reject(new Error('a fault'));
      client.command(1, { type: 'pause-all' });
      expect(await client.reply(1)).toMatchObject({ ok: false, message: expect.stringContaining('a fault') });
      host.onExecute = () => {
        throw new Error('another');
      };
      client.command(2, { type: 'pause-all' });
      expect(await client.reply(2)).toMatchObject({ ok: false, message: expect.stringContaining('another') });
      expect(warning.mock.calls.map(([error]) => String(error))).toEqual([
        'Error: a fault',
        'Error: another',
      ]);
    } finally {
      warning.mockRestore();
    }
  });

  test('is harmless if its client leaves before the reply', async () => {
    const { host, join } = await startStage();
    let answer: (reply: CommandReply) => void = () => {};
    host.onExecute = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    const gone = await join();
    gone.command(1, { type: 'pause-all' });
    await waitFor(() => host.executed.length === 1, { message: 'the command' });
    gone.socket.destroy();
    await waitFor(() => host.watching === 0, { message: 'nobody looks' });
    answer({ ok: true, message: 'late' });
    const next = await join();
    host.onExecute = () => Promise.resolve({ ok: true, message: 'done' });
    next.command(1, { type: 'pause-all' });
    expect((await next.reply(1)).message).toBe('done');
    expect(next.of('reply')).toHaveLength(1);
  });
});

describe('the host never sees', () => {
  test.each([
    ['a command of an unknown type', { type: 'format-disk' }],
    ['a command without its field', { type: 'pause-queue' }],
    ['a command with a field of a wrong type', { type: 'set-concurrency', runner: 'mail', concurrency: '3' }],
    ['a command with an unknown field', { type: 'pause-all', queue: 'mail' }],
    ['a string', 'pause-all'],
    ['null', null],
  ])('%s', async (_, command) => {
    const { host, join } = await startStage();
    const client = await join();
    client.say({ type: 'command', id: 1, command });
    expect(await client.reply(1)).toMatchObject({ ok: false, code: 'out-of-range' });
    client.command(2, { type: 'pause-all' });
    await client.reply(2);
    expect(host.executed.map(({ command: { type } }) => type)).toEqual(['pause-all']);
    expect(client.of('reply')).toHaveLength(2);
  });

  test('a command that changes something from a read-only client', async () => {
    const { host, join } = await startStage();
    const client = await join({ isReadOnly: true });
    const changing = [
      { type: 'pause-queue', queue: 'mail' },
      { type: 'resume-queue', queue: 'mail' },
      { type: 'pause-all' },
      { type: 'resume-all' },
      { type: 'reset-queue', queue: 'mail' },
      { type: 'reset-all' },
      { type: 'set-concurrency', runner: 'mail', concurrency: 3 },
      { type: 'kill-job', jobId: 'a', signal: 'SIGTERM' },
      { type: 'retry-failures', entries: [{ index: 0, recordBase64: '' }] },
      { type: 'remove-failures', entries: [{ index: 0, recordBase64: '' }] },
      { type: 'retry-matching', filter, within: 1 },
      { type: 'remove-matching', filter, within: 1 },
      { type: 'reload-config' },
      { type: 'stop', mode: 'quit' },
    ];
    const reading = [
      { type: 'read-backlog' },
      { type: 'find-failures', filter, before: null, count: 1 },
      { type: 'count-failures', filter },
    ];
    const all = [...changing, ...reading];
    for (const [id, command] of all.entries()) client.command(id, command);
    for (const [id, { type }] of all.entries()) {
      const reply = await client.reply(id);
      if (id >= changing.length) expect(reply.ok, type).toBe(true);
      else expect(reply, type).toMatchObject({ ok: false, code: 'read-only' });
    }
    expect(host.executed.map(({ command }) => command)).toEqual(reading);
  });

  test('more than 64 commands of one client at a time, while another client can send more', async () => {
    const { host, join } = await startStage();
    const answers: ((reply: CommandReply) => void)[] = [];
    host.onExecute = () => new Promise((resolve) => answers.push(resolve));
    const client = await join();
    for (let id = 1; id <= 66; id += 1) client.command(id, { type: 'pause-all' });
    for (const id of [65, 66]) {
      expect(await client.reply(id)).toMatchObject({ ok: false, code: 'out-of-range' });
    }
    expect([client.of('reply').length, answers.length]).toEqual([2, 64]);
    const other = await join();
    other.command(1, { type: 'pause-all' });
    await waitFor(() => answers.length === 65, { message: "the other's command" });
    for (const answer of answers) answer({ ok: true, message: 'done' });
    await client.reply(64);
    client.command(67, { type: 'pause-all' });
    await waitFor(() => answers.length === 66, { message: 'the next command' });
    expect(client.of('reply')).toHaveLength(66);
  });
});

describe('the size', () => {
  test('of a reply is bounded: a refusal replaces a reply that is too long', async () => {
    const { host, join } = await startStage();
    const client = await join();
    host.onExecute = () => Promise.resolve({ ok: true, message: 'x'.repeat(serverFrameLimit) });
    client.command(1, { type: 'pause-all' });
    expect(await client.reply(1)).toMatchObject({
      ok: false,
      message: expect.stringContaining('ask for less'),
    });
    host.onExecute = () => Promise.resolve({ ok: true, message: 'x'.repeat(5_000_000) });
    client.command(2, { type: 'pause-all' });
    expect((await client.reply(2)).ok).toBe(true);
  });

  test('of unread replies is bounded, too', async () => {
    const { host, join } = await startStage();
    const client = await join();
    const answers: ((reply: CommandReply) => void)[] = [];
    host.onExecute = () => new Promise((resolve) => answers.push(resolve));
    for (let id = 1; id <= 10; id += 1) client.command(id, { type: 'pause-all' });
    await waitFor(() => answers.length === 10, { message: 'ten commands' });
    client.socket.pause();
    for (const answer of answers) answer({ ok: true, message: 'x'.repeat(20_000_000) });
    client.socket.resume();
    await client.reply(10);
    const sent = client.of('reply').filter(({ reply }) => reply.ok);
    expect(client.of('reply')).toHaveLength(10);
    expect(sent.length).toBeGreaterThanOrEqual(3);
    expect(sent.length).toBeLessThanOrEqual(5);
  });

  test('of a frame may be large, for example to select many failures', async () => {
    const { host, join } = await startStage();
    const client = await join();
    const entries = [{ index: 0, recordBase64: 'x'.repeat(clientFrameLimit - 1_000) }];
    client.command(1, { type: 'retry-failures', entries });
    expect((await client.reply(1)).ok).toBe(true);
    expect(host.executed[0]?.command).toEqual({ type: 'retry-failures', entries });
  });
});

test('an unknown frame is refused with its name, and the link ends', async () => {
  const { join } = await startStage();
  const client = await join();
  client.say({ type: 'dance', id: 1, steps: [1, 2, 3] });
  expect((await client.first('refused')).message).toBe('there is no frame "dance"');
  await client.closed();
});
