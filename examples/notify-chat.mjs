#!/usr/bin/env node
// An "onFailure" program: posts each failure to a chat. CHAT_WEBHOOK_URL is an incoming webhook of Slack, Mattermost or any
// other chat that takes {"text": "…"}.
import { text } from 'node:stream/consumers';

const { CHAT_WEBHOOK_URL: url } = process.env;
if (!url) throw new Error('set CHAT_WEBHOOK_URL, for example in "env" of the config');

const [queue] = process.argv.slice(2);
const { payload, exception, error, worker } = JSON.parse(await text(process.stdin));

// Chats give a meaning to these characters. Whatever a job printed must not mention everyone in the channel.
const plain = (words, length) =>
  String(words ?? '')
    .slice(0, length)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');

const job = `${plain(payload?.class ?? 'a job', 100)} of the queue ${plain(queue, 100)} failed on ${plain(worker, 200)}`;
const response = await fetch(url, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ text: `${job}\n${plain(exception, 100)}: ${plain(error, 1_000)}` }),
  // The runner would end this program after 30 s.
  signal: AbortSignal.timeout(10_000),
});
if (!response.ok)
  throw new Error(`the chat answered ${response.status}: ${(await response.text()).slice(0, 200)}`);
