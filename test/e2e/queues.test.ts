/** Queue names of every kind, patterns, and priority. */
import { describe, expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';

const e2e = useEndToEnd({ isInProcess: true });

/** Writes the queue's name from its argument, and exits with 1. */
const reporting = 'printf "%s\\n" "$1" >> "$D/argv"; printf "%s\\n" "$RESQUE_QUEUE" >> "$D/env"; exit 1';

const plainNames = [
  'with space',
  ' leading and trailing ',
  'a:b:c',
  'a/b',
  '../up',
  "it's",
  'say "hi"',
  'back\\slash',
  '$HOME',
  '`id`',
  'a;b|c&d',
  '-n',
  '--help',
  '%s%d',
  '#1',
  'naïve-ключ-队列-🚀',
  'e\u0301 composed',
  'x'.repeat(300),
  '.hidden',
  'UPPER',
  '0',
  'constructor',
  '__proto__',
];

const oddNames = ['what*', 'a?', '[ab]', '{a,b}', '!not', 'a,b', 'tab\there', '<b>bold</b>', 'workers'];

describe('queue names', () => {
  test('may contain any characters, as keys of the config', async () => {
    const script = e2e.script(reporting);
    // In the config's keys, leading and trailing spaces are part of the list syntax.
    const names = plainNames.filter((name) => name.trim() === name);
    for (const name of names) await e2e.enqueue(name, { class: 'Job', args: [name] });
    // Written as text: `__proto__` is a member in JSON, but not in an object literal.
    const entries = names.map((name) => `${JSON.stringify(name)}: 1`).join(', ');
    const runners: unknown = JSON.parse(`{ ${entries} }`);
    const runner = await e2e.run({ runners, script });
    await runner.waitForFinished(names.length);
    const failures = await e2e.failures(names.length);
    expect(e2e.fileLines('argv').sort()).toEqual([...names].sort());
    expect(e2e.fileLines('env').sort()).toEqual([...names].sort());
    expect(failures.map(({ queue }) => queue).sort()).toEqual([...names].sort());
    for (const { queue, worker, payload } of failures) {
      expect(payload).toEqual({ class: 'Job', args: [queue] });
      expect(worker).toMatch(/^[^:]+:\d+-\d+:/);
      expect(worker.endsWith(`:${queue}`)).toBe(true);
    }
  });

  test('may contain any characters, found by a pattern', async () => {
    const script = e2e.script(reporting);
    const names = [...plainNames.filter((name) => !name.startsWith('.')), ...oddNames];
    for (const name of names) await e2e.enqueue(name, { class: 'Job', args: [name] });
    const runner = await e2e.run({ runners: { '*': 3 }, script });
    await runner.waitForFinished(names.length);
    await e2e.failures(names.length);
    expect(e2e.fileLines('argv').sort()).toEqual([...names].sort());
    expect(e2e.fileLines('env').sort()).toEqual([...names].sort());
  });

  test('of a worker may contain line breaks and other special characters', async () => {
    const script = e2e.script('printf %s "$1" > "$D/argv"; exit 1');
    const name = 'line\nbreak\r\u001b[31m\u2028';
    await e2e.enqueue(name, { class: 'Job', args: [] });
    const runner = await e2e.run({ runners: { '*': 1 }, script });
    await runner.waitForFinished(1);
    expect(e2e.read('argv')).toBe(name);
    await e2e.failures(1);
  });
});

test('queues of one entry are served in order; each entry has its own slots', async () => {
  const script = e2e.script(
    `echo "$1" >> "$D/ran"; [ "$1" = own ] || while ! grep -q own "$D/ran"; do sleep 0.1; done`,
  );
  for (const name of ['low', 'high', 'high', 'own']) await e2e.enqueue(name, { class: 'Job', args: [] });
  const runner = await e2e.run({ runners: { 'high,low': 1, own: 1 }, script }, { args: ['--drain'] });
  expect(await runner.waitForExit()).toEqual({ code: 0, signal: undefined });
  expect(e2e.fileLines('ran').filter((name) => name !== 'own')).toEqual(['high', 'high', 'low']);
});

describe('patterns', () => {
  test('take matching queues only, and share their slots', async () => {
    const script = e2e.script('echo "$1" >> "$D/ran"');
    for (const name of ['mail_a', 'mail_b', 'mail_no', 'video', 'MAIL_c', '.mail_d']) {
      await e2e.enqueue(name, { class: 'Job', args: [] });
    }
    e2e.mayLeaveKeys('queue:mail_no', 'queue:video', 'queue:MAIL_c', 'queue:.mail_d');
    const runner = await e2e.run({ runners: { 'mail_*,!mail_no': 1 }, script }, { args: ['--drain'] });
    expect(await runner.waitForExit()).toEqual({ code: 0, signal: undefined });
    expect(e2e.fileLines('ran')).toEqual(['mail_a', 'mail_b']);
    expect(await e2e.backlog('mail_no')).toHaveLength(1);
  });

  test('include queues that are created later', async () => {
    const script = e2e.script('echo "$1" >> "$D/ran"');
    const runner = await e2e.run({ runners: { 'mail_*': 1 }, script });
    await e2e.enqueue('mail_new', { class: 'Job', args: [] });
    await runner.waitForFinished(1, 15_000);
    expect(e2e.fileLines('ran')).toEqual(['mail_new']);
  });

  test('exclude a queue that another entry names', async () => {
    const named = e2e.script('echo named >> "$D/ran"');
    const any = e2e.script('echo any >> "$D/ran"');
    await e2e.enqueue('mail', { class: 'Job', args: [] }, { class: 'Job', args: [] });
    const runners = { '*': { concurrency: 2, script: any }, mail: { concurrency: 1, script: named } };
    const runner = await e2e.run({ runners }, { args: ['--drain'] });
    await runner.waitForExit();
    expect(e2e.fileLines('ran')).toEqual(['named', 'named']);
  });
});

test.each([
  ['high,low,mid', 'high high low low mid mid'],
  // A pattern expands at its position, in alphabetical order.
  ['mid,*', 'mid mid high high low low'],
])('queues of the entry "%s" are served in its order', async (key, order) => {
  const script = e2e.script('echo "$1" >> "$D/ran"');
  for (const name of ['low', 'high', 'mid']) {
    await e2e.enqueue(name, ...[1, 2].map((n) => ({ class: 'Job', args: [n] })));
  }
  const runner = await e2e.run({ runners: { [key]: 1 }, script }, { args: ['--drain'] });
  await runner.waitForExit();
  expect(e2e.fileLines('ran').join(' ')).toBe(order);
});

test('jobs of a queue start in the order of enqueueing', async () => {
  const script = e2e.script('read -r p; echo "$p" >> "$D/ran"');
  const payloads = Array.from({ length: 50 }, (_, n) => JSON.stringify({ class: 'Job', args: [n] }));
  const runner = await e2e.run({ runners: { mail: 1 }, script });
  await e2e.enqueue('mail', ...payloads.slice(0, 25));
  for (const payload of payloads.slice(25)) await e2e.enqueue('mail', payload);
  await runner.waitForFinished(50);
  expect(e2e.fileLines('ran')).toEqual(payloads);
});

test('a queue whose key is not a list is paused with a reason, and resumes', async () => {
  const script = e2e.script('echo "$1" >> "$D/ran"');
  await e2e.client.set(e2e.key('queue:broken'), 'a string');
  const runner = await e2e.run({ runners: { broken: 1, fine: 1 }, script });
  const { pauses } = await runner.waitForLine('queue.paused', ({ queue }) => queue === 'broken');
  expect(pauses).toMatchObject([{ kind: 'unreadable' }]);
  await e2e.enqueue('fine', { class: 'Job', args: [] });
  await runner.waitForFinished(1);
  await e2e.client.del(e2e.key('queue:broken'));
  await e2e.enqueue('broken', { class: 'Job', args: [] });
  await runner.waitForFinished(2, 15_000);
  expect(e2e.fileLines('ran')).toEqual(['fine', 'broken']);
});
