/** What requests get. */
import { describe, expect, test } from 'vitest';
import { answerTo, type Request } from '../../../src/monitoring/http/requests.ts';

const ok = { ok: true } as const;
const served = {
  page: () => Promise.resolve(Buffer.from('up 1\n')),
  health: { livez: () => ok, readyz: () => ({ ok: false, reasons: ['Redis is away'] }) as const },
};

async function ask(url: string, fields: Partial<Request> = {}) {
  const request = { method: 'GET', url, host: 'localhost:9464', isLoopback: true, ...fields };
  const { status, headers, body } = await answerTo(request, served);
  return { status, headers, body: body.toString() };
}

test('health is 200, or 503 with the reasons', async () => {
  expect(await ask('/livez')).toMatchObject({ status: 200, body: '{"ok":true}\n' });
  expect(await ask('/readyz?verbose')).toMatchObject({
    status: 503,
    headers: { 'content-type': 'application/json' },
    body: '{"ok":false,"reasons":["Redis is away"]}\n',
  });
});

test('an unknown path is 404, a wrong method is 405', async () => {
  for (const url of ['/', '/metrics/', '/metricsx', '*', '', '/__proto__']) {
    expect(await ask(url)).toMatchObject({ status: 404 });
  }
  expect((await ask('/')).body).toBe('not found; there are /metrics, /livez, /readyz\n');
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    expect(await ask('/metrics', { method })).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  }
  expect(await ask('/metrics', { method: 'HEAD' })).toMatchObject({ status: 200 });
});

describe('the Host header', () => {
  test.each(['localhost', 'LOCALHOST:80', '127.0.0.1', '127.0.0.1:9464', '[::1]:9464', '10.1.2.3:9464', ''])(
    '%j is allowed',
    async (host) => {
      expect(await ask('/livez', { host })).toMatchObject({ status: 200 });
    },
  );

  test.each([
    'evil.example',
    'evil.example:9464',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '[::1',
    ':',
  ])('%j is refused over a loopback address, because it may be a website (DNS rebinding)', async (host) => {
    expect(await ask('/metrics', { host })).toMatchObject({ status: 403 });
    expect(await ask('/metrics', { host, isLoopback: false })).toMatchObject({ status: 200 });
  });
});
