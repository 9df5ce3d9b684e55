/** Servers of one directory never harm each other, even if several are started at once. */
import { chmodSync, existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, onTestFinished, test } from 'vitest';
import { type Guard, isLocked, releaseDeadLock, startGuard } from '../../../src/cli/redis/guard.ts';
import { isAlive, kill } from '../../helpers/processes.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { useDirectory } from '../directory.ts';

const directory = useDirectory();

function path(name: string): string {
  return join(directory.path, name);
}

function start(config: string, program = 'cat'): Promise<Guard> {
  return startGuard({ directory: directory.path, program, config, isTemporary: false });
}

async function endOf(guard: Guard): Promise<unknown> {
  return waitFor(() => guard.end(), { message: 'the guard has ended' });
}

async function deadPid(): Promise<string> {
  const { stdout } = await execa('sh', ['-c', 'echo $$']);
  return stdout;
}

test('a server reads the configuration of its own start, not an older one', async () => {
  const config = 'dir "it\'s \\n %s"\nport 0\n';
  writeFileSync(path('redis.conf'), 'port 6379\nport 6380\nport 6381\nport 6382\n');
  expect(await endOf(await start(config))).toEqual({ isLocked: false, exitCode: 0 });
  expect(readFileSync(path('redis.log'), 'utf8')).toBe(config);
  expect(existsSync(path('lock'))).toBe(false);
});

test('a runner that finds the directory locked leaves the configuration alone, since a server may be reading it', async () => {
  writeFileSync(path('lock'), `${process.pid}\n`);
  writeFileSync(path('redis.conf'), 'theirs');
  expect(await endOf(await start('ours'))).toEqual({ isLocked: true, exitCode: 75 });
  expect(readFileSync(path('redis.conf'), 'utf8')).toBe('theirs');
  expect(existsSync(path('redis.log'))).toBe(false);
});

test('a configuration that cannot be written is reported in the log, and the server is not started', async () => {
  mkdirSync(path('redis.conf'));
  expect(await endOf(await start('ours'))).toEqual({ isLocked: false, exitCode: 1 });
  expect(readFileSync(path('redis.log'), 'utf8')).toContain('redis.conf');
  expect(existsSync(path('lock'))).toBe(false);
});

test('the lock of a dead process is removed, and that of a live one is not', async () => {
  writeFileSync(path('lock'), `${await deadPid()}\n`);
  await releaseDeadLock(directory.path);
  expect(existsSync(path('lock'))).toBe(false);
  writeFileSync(path('lock'), `${process.pid}\n`);
  await releaseDeadLock(directory.path);
  expect(existsSync(path('lock'))).toBe(true);
});

test('the lock of a killed guard stays while its server is running', async () => {
  // It ends slowly, like a server with much data to save: it gets TERM as soon as the guard is gone.
  writeFileSync(path('server'), "#!/bin/sh\ntrap '' TERM\nexec sleep 60\n");
  chmodSync(path('server'), 0o755);
  const guard = await start('', path('server'));
  const pids = () =>
    (existsSync(path('lock')) ? readFileSync(path('lock'), 'utf8') : '').split('\n').map(Number);
  await waitFor(() => pids().length === 3, { message: 'the lock names guard and server' });
  const [guardPid = Number.NaN, serverPid = Number.NaN] = pids();
  onTestFinished(() => kill(serverPid));
  await waitFor(() => readFileSync(`/proc/${serverPid}/cmdline`, 'utf8').startsWith('sleep'), {
    message: 'the server ignores TERM',
  });
  kill(guardPid);
  await endOf(guard);
  await releaseDeadLock(directory.path);
  expect(await isLocked(directory.path)).toBe(true);
  kill(serverPid);
  await waitFor(() => !isAlive(serverPid), { message: 'the server has ended' });
  await releaseDeadLock(directory.path);
  expect(existsSync(path('lock'))).toBe(false);
});

test('a zombie process holds no lock', async () => {
  const parent = execa('sh', ['-c', `sh -c 'echo $$ > ${path('lock')}' & exec sleep 60`], { reject: false });
  await waitFor(() => existsSync(path('lock')) && readFileSync(path('lock'), 'utf8') !== '', {
    message: 'a pid is there',
  });
  const pid = Number(readFileSync(path('lock'), 'utf8'));
  await waitFor(() => !isAlive(pid), { message: 'the process has ended' });
  expect(await isLocked(directory.path)).toBe(false);
  parent.kill();
  await parent;
});

test('one process at a time removes a dead lock, and an abandoned claim delays others only briefly', async () => {
  writeFileSync(path('lock'), `${await deadPid()}\n`);
  mkdirSync(path('lock.release'));
  await releaseDeadLock(directory.path);
  expect(existsSync(path('lock'))).toBe(true);
  const longAgo = new Date(Date.now() - 60_000);
  utimesSync(path('lock.release'), longAgo, longAgo);
  await releaseDeadLock(directory.path);
  await releaseDeadLock(directory.path);
  expect(existsSync(path('lock'))).toBe(false);
  expect(existsSync(path('lock.release'))).toBe(false);
});
