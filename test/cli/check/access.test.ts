/** Files that other users could change: what they write there runs as the user of the runner. */
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { freePort } from '../../helpers/redis.ts';
import { useDirectory } from '../directory.ts';
import { runCommand } from '../run-command.ts';

const directory = useDirectory();
const own = process.getuid?.() ?? 0;

/** A config and two scripts, each in a directory of its own. */
function prepare(script: string | string[] = '../jobs/mail.sh'): void {
  for (const name of ['etc', 'jobs', 'lib']) mkdirSync(path(name));
  for (const name of ['jobs/mail.sh', 'lib/import.sh']) {
    writeFileSync(path(name), '#!/bin/sh\n');
    chmodSync(path(name), 0o755);
  }
  writeFileSync(path('etc/cfg.json'), JSON.stringify({ runners: { mail: 1 }, script }));
}

function path(name: string): string {
  return join(directory.path, name);
}

/** @returns warnings about files, and the exit code */
async function warnings(config = 'etc/cfg.json'): Promise<string[]> {
  const redis = `redis://127.0.0.1:${await freePort()}`;
  const { stdout } = await runCommand(['check', config, '--redis', redis], { cwd: directory.path });
  const lines = stdout.split('\n');
  expect(lines.filter((line) => line.startsWith('ok   config'))).toHaveLength(1);
  return lines.filter((line) => line.startsWith('warn '));
}

const replaces = (name: string, file: string) =>
  `every user of this machine can replace ${path(file)}; chmod o-w ${path(name)}`;

describe('check', () => {
  test('says nothing of files that only their user can change', async () => {
    prepare();
    expect(await warnings()).toEqual([]);
  });

  test('warns of a config and of a script that every user can write to', async () => {
    prepare();
    chmodSync(path('etc/cfg.json'), 0o666);
    chmodSync(path('jobs/mail.sh'), 0o777);
    expect(await warnings()).toEqual([
      `warn config     every user of this machine can change ${path('etc/cfg.json')}; chmod o-w ${path('etc/cfg.json')}`,
      `warn script     every user of this machine can change ${path('jobs/mail.sh')}; chmod o-w ${path('jobs/mail.sh')}`,
    ]);
  });

  test('warns of included files that every user can change, or can add', async () => {
    prepare();
    for (const name of ['etc/a', 'etc/b', 'etc/c']) mkdirSync(path(name));
    const include = ['a/*.json', 'b/*.json', 'c/*.json'];
    writeFileSync(path('etc/cfg.json'), JSON.stringify({ include, script: '../jobs/mail.sh' }));
    writeFileSync(path('etc/a/mail.json'), '{ "runners": { "mail": 1 } }');
    chmodSync(path('etc/a/mail.json'), 0o666);
    chmodSync(path('etc/b'), 0o1777);
    const file = path('etc/a/mail.json');
    expect(await warnings()).toEqual([
      `warn config     every user of this machine can change ${file}; chmod o-w ${file}`,
      `warn config     every user of this machine can add files to ${path('etc/b')}, and the config includes them; chmod o-w ${path('etc/b')}`,
    ]);
  });

  test('warns of directories in which every user can replace them, unless they are sticky', async () => {
    prepare();
    chmodSync(path('etc'), 0o777);
    chmodSync(path('jobs'), 0o1777);
    expect(await warnings()).toEqual([`warn config     ${replaces('etc', 'etc/cfg.json')}`]);
    chmodSync(path('etc'), 0o755);
    chmodSync(path('jobs'), 0o777);
    expect(await warnings()).toEqual([`warn script     ${replaces('jobs', 'jobs/mail.sh')}`]);
    // A directory further up serves them as well, and is told once.
    chmodSync(path('jobs'), 0o755);
    chmodSync(directory.path, 0o777);
    expect(await warnings()).toEqual([`warn config     ${replaces('.', 'etc/cfg.json')}`]);
    chmodSync(directory.path, 0o700);
  });

  test('looks at what a link leads to, and at the directory of the link', async () => {
    prepare('../jobs/link.sh');
    symlinkSync('../lib/import.sh', path('jobs/link.sh'));
    chmodSync(path('lib/import.sh'), 0o777);
    chmodSync(path('lib'), 0o777);
    chmodSync(path('jobs'), 0o777);
    expect(await warnings()).toEqual([
      `warn script     every user of this machine can change ${path('lib/import.sh')}; chmod o-w ${path('lib/import.sh')}`,
      `warn script     ${replaces('jobs', 'jobs/link.sh')}`,
      `warn script     ${replaces('lib', 'lib/import.sh')}`,
    ]);
  });

  test('looks at files among the arguments of the program, too', async () => {
    prepare(['/bin/sh', path('lib/import.sh'), 'no-file']);
    chmodSync(path('lib/import.sh'), 0o666);
    expect(await warnings()).toEqual([
      `warn script     every user of this machine can change ${path('lib/import.sh')}; chmod o-w ${path('lib/import.sh')}`,
    ]);
  });

  test.runIf(own === 0)('warns of files that belong to another user', async () => {
    prepare();
    chownSync(path('etc/cfg.json'), 65_534, 65_534);
    chownSync(path('jobs/mail.sh'), 54_321, 54_321);
    expect(await warnings()).toEqual([
      `warn config     ${path('etc/cfg.json')} belongs to user nobody, not to root: run check as the user of the runner, or chown root ${path('etc/cfg.json')}`,
      `warn script     ${path('jobs/mail.sh')} belongs to user 54321, not to root: run check as the user of the runner, or chown root ${path('jobs/mail.sh')}`,
    ]);
  });

  test('trusts files of root', async () => {
    prepare('/bin/true');
    expect(await warnings()).toEqual([]);
  });
});
