/** The `onFailure` programs of examples/: a local server stands in for a chat, a script for sendmail. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { waitFor } from '../helpers/wait-for.ts';
import { examplePath, succeeds } from './languages.ts';

const e2e = useEndToEnd();
const chat = examplePath('notify-chat.mjs');
const mail = examplePath('notify-mail.py');
const hasPython = succeeds(['python3', '-c', 'import sys; sys.exit(sys.version_info < (3, 6))']);

const record = {
  failed_at: '2026/11/28 01:02:03 UTC',
  payload: { class: 'SendMail', args: ['ann@example.com', { é: 1 }] },
  exception: 'Net::SMTPError',
  error: 'no such user <!channel> & more\nBcc: all@example.com',
  backtrace: ['mail.rb:7', 'mail.rb:1'],
  worker: 'web1.runner:12-0:mail',
  queue: 'mail',
  exit_code: 1,
  stderr: 'asked the server\n.\nécoute',
};

let server: Server | null = null;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = null;
});

/** Answers each request with this status, and keeps what it said. */
async function startChat(status: number): Promise<{ url: string; posts: { type: string; text: string }[] }> {
  const posts: { type: string; text: string }[] = [];
  server = createServer((request, response) => {
    void text(request).then((body) => {
      posts.push({
        type: String(request.headers['content-type']),
        ...(JSON.parse(body) as { text: string }),
      });
      response.writeHead(status).end(status === 200 ? 'ok' : 'invalid_token');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, posts };
}

async function run(program: string, input: string, env: Record<string, string>) {
  const child = spawn(program, ['mail'], { env: { ...process.env, ...env }, stdio: 'pipe' });
  child.stdin.end(input);
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await once(child, 'close')) as [number];
  const [stdout, stderr] = await output;
  return { code, stdout, stderr };
}

describe('notify-chat.mjs', () => {
  test('posts what failed, and nothing that a job printed means anything to the chat', async () => {
    const { url, posts } = await startChat(200);
    const env = { CHAT_WEBHOOK_URL: url };
    expect(await run(chat, JSON.stringify(record), env)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(posts).toEqual([
      {
        type: 'application/json',
        text:
          'SendMail of the queue mail failed on web1.runner:12-0:mail\n' +
          'Net::SMTPError: no such user &lt;!channel&gt; &amp; more\nBcc: all@example.com',
      },
    ]);
  });

  test('posts a record of any kind, and not all of a long one', async () => {
    const { url, posts } = await startChat(200);
    const odd = { payload: null, exception: null, error: 'x'.repeat(100_000), worker: 'w' };
    expect((await run(chat, JSON.stringify(odd), { CHAT_WEBHOOK_URL: url })).code).toBe(0);
    expect(posts[0]?.text).toMatch(/^a job of the queue mail failed on w\n: x{1000}$/);
  });

  test.each<[string, number | null, RegExp]>([
    ['the chat refuses it', 403, /the chat answered 403: invalid_token/],
    ['nobody listens', null, /ECONNREFUSED|fetch failed/],
  ])('fails with the reason if %s', async (_, status, reason) => {
    const url = status === null ? 'http://127.0.0.1:1/' : (await startChat(status)).url;
    const { code, stderr } = await run(chat, JSON.stringify(record), { CHAT_WEBHOOK_URL: url });
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(reason) });
  });

  test('fails with the reason if it has no URL', async () => {
    const { code, stderr } = await run(chat, '{}', { CHAT_WEBHOOK_URL: '' });
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('set CHAT_WEBHOOK_URL') });
  });
});

describe.skipIf(!hasPython)('notify-mail.py', () => {
  const sendmail = (exit = 0) => e2e.script(`echo "$@" > "$D/words"; cat > "$D/sent"; exit ${exit}`);
  const env = () => ({ MAIL_TO: 'ops@example.com', SENDMAIL: sendmail(), PYTHONDONTWRITEBYTECODE: '1' });

  test('sends what failed, and no job can add a header', async () => {
    expect(await run(mail, JSON.stringify(record), env())).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(readFileSync(e2e.path('words'), 'utf8')).toBe('-t -oi\n');
    const [head = '', ...body] = readFileSync(e2e.path('sent'), 'utf8').split('\n\n');
    expect(head).toMatch(/^To: ops@example\.com$/m);
    // A long header is folded.
    expect(head.replace(/\n /g, ' ')).toMatch(
      /^Subject: SendMail failed: Net::SMTPError: no such user .* Bcc: all@example\.com$/m,
    );
    expect(head).not.toMatch(/^Bcc/m);
    const encoding = /^Content-Transfer-Encoding: (\S+)$/m.exec(head)?.[1];
    const bytes = Buffer.from(body.join('\n\n'), encoding === 'base64' ? 'base64' : 'utf8').toString();
    for (const words of ['queue: mail', 'backtrace:\nmail.rb:7\nmail.rb:1\n', 'écoute', '"é": 1']) {
      expect(bytes).toContain(words);
    }
  });

  test('sends a record of any kind', async () => {
    const odd = { payload: 'x', error: 'h\u001balf', backtrace: 'text', stdout: '\0' };
    expect(await run(mail, JSON.stringify(odd), env())).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(e2e.path('sent'))).toBe(true);
  });

  test('fails if sendmail does', async () => {
    const { code, stderr } = await run(mail, JSON.stringify(record), { ...env(), SENDMAIL: sendmail(75) });
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('exit status 75') });
  });
});

test.skipIf(!hasPython)('a runner starts them when jobs have failed', async () => {
  const { url, posts } = await startChat(200);
  const sendmail = e2e.script('cat > "$D/new"; mv "$D/new" "$D/sent"');
  const script = e2e.script('echo "disk full" >&2; exit 1');
  const env = { CHAT_WEBHOOK_URL: url, MAIL_TO: 'ops@example.com', SENDMAIL: sendmail };
  const runner = await e2e.run({
    runners: { mail: 1, news: { onFailure: mail }, quiet: { onFailure: null } },
    onFailure: [chat],
    ...{ script, env },
  });
  for (const queue of ['mail', 'news', 'quiet']) await e2e.enqueue(queue, { class: 'Send', args: [] });
  await e2e.failures(3);
  await waitFor(() => posts.length > 0 && existsSync(e2e.path('sent')), {
    message: () => `both are told\n${runner.describe()}`,
  });
  expect(posts.map((post) => post.text)).toEqual([
    expect.stringMatching(/^Send of the queue mail failed on .*\nUnclassifiedRunnerError: disk full$/),
  ]);
  expect(readFileSync(e2e.path('sent'), 'utf8')).toContain('queue: news');
  await runner.stop();
});
