/** The advice for users without a Redis server, and that it works. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { installAdvice } from '../../../src/cli/redis/server-program.ts';
import { allDocuments } from '../../docs/markdown.ts';

const path = process.env.PATH;
let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rr-no-redis-'));
  process.env.PATH = directory;
});
afterEach(() => {
  process.env.PATH = path;
  rmSync(directory, { recursive: true, force: true });
});

function addProgram(name: string): void {
  writeFileSync(join(directory, name), '#!/bin/sh\n', { mode: 0o755 });
}

function io() {
  return { env: { PATH: directory }, cwd: '/' };
}

const user = { isRoot: false, canSudo: false };

describe('without a server on PATH', () => {
  test('root gets the command that installs one', async () => {
    addProgram('apt-get');
    expect(await installAdvice(io(), { isRoot: true, canSudo: false })).toBe(
      'install one with: apt-get install redis-server',
    );
  });

  test('a user with sudo also gets the command, and an alternative without it', async () => {
    addProgram('apt-get');
    expect(await installAdvice(io(), { ...user, canSudo: true })).toBe(
      'install one with: sudo apt-get install redis-server; or use one that runs elsewhere: resque-runner CONFIG --redis URL',
    );
  });

  test('a user without sudo gets only the alternatives', async () => {
    addProgram('apt-get');
    const advice = await installAdvice(io(), user);
    expect(advice).not.toContain('sudo');
    expect(advice).toContain('use one that runs elsewhere: resque-runner CONFIG --redis URL');
    expect(advice).toContain('ask root for: apt-get install redis-server');
    const document = / home directory: (.+\.md);/.exec(advice)?.[1] ?? '';
    expect(readFileSync(document, 'utf8')).toContain('### A Redis server without root');
  });

  test('brew needs no root', async () => {
    addProgram('brew');
    expect(await installAdvice(io(), user)).toBe('install one with: brew install redis');
  });

  test('without a package manager, the message links to a page', async () => {
    expect(await installAdvice(io(), user)).toMatch(
      /^install one: https:\S+; or use one that runs elsewhere/,
    );
  });
});

/** The block of docs/configuration.md that has this command. */
function typed(command: string): string {
  const blocks = allDocuments().find((document) => document.path === 'docs/configuration.md')?.blocks;
  const block = blocks?.find(({ text }) => text.includes(command));
  if (block === undefined) throw new Error(`no block has ${command}`);
  return block.text;
}

test('what the document types makes a server run from the home directory', {
  timeout: 60_000,
}, async (context) => {
  const home = join(directory, 'home');
  mkdirSync(home);
  const env = { HOME: home, PATH: '/usr/bin:/bin' };
  const options = { env, extendEnv: false, reject: false, all: true, cwd: home } as const;
  const release = await execa('sh', ['-c', '. /etc/os-release && echo $ID $VERSION_ID'], options);
  const archives = 'apt-get download --print-uris redis-server libjemalloc2 liblzf1';
  const { exitCode } = await execa('sh', ['-c', archives], options);
  if (release.stdout !== 'debian 12' || exitCode !== 0) return context.skip('no archives of Debian 12');
  const commands = `${typed('apt-get download')}\ncommand -v redis-server`;
  const { all, timedOut } = await execa('sh', ['-e', '-c', commands], { ...options, timeout: 40_000 });
  if (timedOut || /^E: (Failed|Unable) to fetch/m.test(all)) return context.skip('no network');
  expect(all).toMatch(/^Redis server v=\d/m);
  expect(all).toContain(`${home}/redis/usr/bin/redis-server`);
});
