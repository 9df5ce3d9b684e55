/** The address of metrics, as a whole program: taken at the start or at HUP, from the command line, and none by default. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { freePort } from '../helpers/redis.ts';
import { currentProgram } from '../helpers/runner.ts';
import { waitFor } from '../helpers/wait-for.ts';

const e2e = useEndToEnd();

/** Starts a runner that must fail. */
async function failedStart(...args: string[]) {
  const env = { XDG_RUNTIME_DIR: e2e.directory };
  const run = [currentProgram, e2e.path('cfg.json'), '--no-ui', ...args];
  const { exitCode, stderr } = await execa(process.execPath, run, { reject: false, env });
  return { exitCode, stderr };
}

/** Whether a process listens for TCP connections. */
function hasPort(pid: number): boolean {
  const own = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return ''; // Closed in the meantime.
    }
  });
  const listening = ['tcp', 'tcp6'].flatMap((name) =>
    readFileSync(`/proc/${pid}/net/${name}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state]) => state === '0A')
      .map((fields) => `socket:[${fields[9]}]`),
  );
  return listening.some((socket) => own.includes(socket));
}

const bodyOf = async (url: string) => await (await fetch(url, { headers: { connection: 'close' } })).text();

test('metrics and health are at the address of the config; a second runner with it exits with 1', async () => {
  const [port, other] = [await freePort(), await freePort()];
  const config = (listen: string) =>
    e2e.config({ runners: { mail: 1 }, script: '/bin/true', metrics: { listen } });
  const runner = await e2e.run(config(`127.0.0.1:${port}`));
  await runner.waitForLine('metrics.opened');
  expect(await bodyOf(`http://127.0.0.1:${port}/metrics`)).toContain('resque_runner_redis_up 1\n');
  expect(await bodyOf(`http://localhost:${port}/readyz`)).toBe('{"ok":true}\n');

  const { exitCode, stderr } = await failedStart();
  expect(exitCode, stderr).toBe(1);
  expect(stderr).toContain(`metrics: can't listen at 127.0.0.1:${port}: listen EADDRINUSE`);

  // HUP with an address that is taken, and then with a free one.
  const taken = createServer().listen(other, '127.0.0.1');
  runner.writeConfig(config(`127.0.0.1:${other}`));
  runner.signal('SIGHUP');
  const { message } = await runner.waitForLine('metrics.failed');
  expect(message).toContain('metrics are off until the next reload');
  await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow();
  await new Promise((resolve) => taken.close(resolve));
  runner.signal('SIGHUP');
  await runner.waitForLine('metrics.opened', ({ message: text }) => text.includes(String(other)));
  expect(await bodyOf(`http://127.0.0.1:${other}/livez`)).toBe('{"ok":true}\n');
});

test('without metrics there is no port; --metrics takes precedence over the config', async () => {
  const runner = await e2e.run({ runners: { mail: 1 }, script: '/bin/true' });
  expect(hasPort(runner.pid)).toBe(false);
  expect(await failedStart('--metrics', '9464')).toEqual({
    exitCode: 2,
    stderr: expect.stringContaining('--metrics must be HOST:PORT'),
  });
  runner.signal('SIGTERM');
  await runner.exit;

  const port = await freePort();
  const metrics = { listen: 'unix:/nonexistent/metrics.sock' };
  const second = await e2e.run(
    { runners: { mail: 1 }, script: '/bin/true', metrics },
    { args: ['--metrics', `127.0.0.1:${port}`] },
  );
  await waitFor(() => hasPort(second.pid), { message: 'it listens' });
  expect(await bodyOf(`http://127.0.0.1:${port}/livez`)).toBe('{"ok":true}\n');
});
