/** Runners of several users on one machine, which can neither see nor end each other's programs. */
import { chmodSync, mkdirSync } from 'node:fs';
import { execa } from 'execa';
import { beforeEach, describe, expect, test } from 'vitest';
import { program } from '../cli/program.ts';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { canBecomeOthers, commandPrefix, type OtherUser } from '../helpers/other-user.ts';
import { isAlive } from '../helpers/processes.ts';
import type { Runner } from '../helpers/runner.ts';
import { waitFor } from '../helpers/wait-for.ts';
import type { ConfigObject } from '../helpers/workbench.ts';

const stage = useEndToEnd();
const ann = { uid: 65_534 };
const ben = { uid: 65_533 };
/** Runs until it is ended, and records each start in a file of its user. */
const body = 'echo $$ >> "$D/pids-$(id -u)"; while [ ! -e "$D/end" ]; do sleep 0.1; done';

function env({ uid }: { readonly uid: number }) {
  return { XDG_STATE_HOME: stage.path(`state-${uid}`), TMPDIR: stage.path('open') };
}

async function pidOf({ uid }: { readonly uid: number }): Promise<number> {
  return Number((await stage.waitForFileLines(`pids-${uid}`))[0]);
}

describe.runIf(canBecomeOthers())('with runners of two users', () => {
  beforeEach(() => {
    chmodSync(stage.directory, 0o777);
    mkdirSync(stage.path('open'));
    chmodSync(stage.path('open'), 0o777);
  });

  test('a living runner is left alone by one that can’t see it', async () => {
    const config = { script: stage.script(body), runners: { mail: 1 }, delivery: 'at-least-once' };
    const first = await stage.run(config, { user: ann, env: env(ann) });
    await stage.enqueue('mail', { class: 'A', args: [] });
    const pid = await pidOf(ann);
    const second = await stage.run(config, { user: { ...ben, isBlind: true }, env: env(ben) });
    await waitFor(async () => (await stage.client.hlen(stage.key('runners'))) === 2, {
      message: 'both are registered',
    });
    expect(second.all('peer.recovered')).toEqual([]);
    expect(isAlive(pid)).toBe(true);
    stage.write('end');
    await first.waitForFinished(1);
    await stage.waitForStat('processed', 1);
    expect(stage.fileLines(`pids-${ben.uid}`)).toEqual([]);
  });

  test('a job isn’t started again while its program runs as another user', async () => {
    const config = { script: stage.script(body), runners: { mail: 1 }, delivery: 'at-least-once' };
    const pid = await leaveProgram(config);
    const second = await stage.run(config, { user: ben, env: env(ben) });
    const deferred = await second.waitForLine('peer.deferred');
    expect(deferred).toMatchObject({ pids: expect.arrayContaining([pid]) });
    expect(deferred.message).toMatch(
      / died, but its programs may still be running \(pids? \d+.*\) and .* wait up to \d+ s$/,
    );
    expect(await stage.backlog('mail')).toEqual([]);
    expect(await repairAs(ben)).toContain(
      'not repaired: another process is recovering it, or it has programs that may still be running',
    );
    await lookAgain(second);
    expect(second.all('peer.recovered')).toEqual([]);
    expect(isAlive(pid)).toBe(true);
    stage.write('end');
    await waitFor(() => !isAlive(pid), { message: 'its program has ended' });
    await lookAgain(second);
    await second.waitForLine('peer.recovered');
    await stage.waitForStat('processed', 1);
    expect(stage.fileLines(`pids-${ben.uid}`)).toHaveLength(1);
    expect(second.all('peer.deferred')).toHaveLength(1);
    await forgetRecoveries();
  });

  test('if its program is hidden, it runs again after its runner has been silent for 300 s', async () => {
    const config = { script: stage.script(body), runners: { mail: 1 }, interrupted: 'requeue' };
    const pid = await leaveProgram(config);
    const second = await stage.run(config, { user: { ...ben, isBlind: true }, env: env(ben) });
    expect(await second.waitForLine('peer.deferred')).toMatchObject({ pids: [] });
    const entries = Object.entries(await stage.client.hgetall(stage.key('runners')));
    const [owner, text] = entries.find(([name]) => !name.endsWith(`:${second.pid}`)) ?? ['', ''];
    const entry = JSON.parse(text) as { seenAtMs: number };
    const longAgo = { ...entry, seenAtMs: entry.seenAtMs - 300_000 };
    await stage.client.hset(stage.key('runners'), owner, JSON.stringify(longAgo));
    await lookAgain(second);
    await second.waitForLine('peer.recovered');
    expect(isAlive(pid)).toBe(true);
    stage.write('end');
    await stage.waitForStat('processed', 1);
    await waitFor(() => !isAlive(pid), { message: 'the first program has ended' });
  });

  test('a job that must not run again is recorded as failed immediately', async () => {
    const config = { script: stage.script(body), runners: { mail: 1 } };
    const pid = await leaveProgram(config);
    const second = await stage.run(config, { user: ben, env: env(ben) });
    await second.waitForLine('peer.recovered');
    await stage.waitForStat('failed', 1);
    expect(second.all('peer.deferred')).toEqual([]);
    stage.write('end');
    await waitFor(() => !isAlive(pid), { message: 'its program has ended' });
  });

  test('root ends the programs of any user and runs their jobs again immediately', async () => {
    const config = { script: stage.script(body), runners: { mail: 1 }, delivery: 'at-least-once' };
    const pid = await leaveProgram(config);
    const second = await stage.run(config);
    await second.waitForLine('peer.recovered');
    expect(isAlive(pid)).toBe(false);
    stage.write('end');
    await stage.waitForStat('processed', 1);
    await forgetRecoveries();
  });
});

/** Kills ann's runner while the program of its job continues. @returns the program's pid */
async function leaveProgram(config: ConfigObject): Promise<number> {
  const runner = await stage.run(config, { user: ann, env: env(ann) });
  await stage.enqueue('mail', { class: 'A', args: [] });
  const pid = await pidOf(ann);
  runner.signal('SIGKILL');
  await runner.waitForExit();
  expect(isAlive(pid)).toBe(true);
  return pid;
}

/** The runner looks for dead runners every 10 s if their jobs wait, and whenever it has connected. */
async function lookAgain(runner: Runner): Promise<void> {
  const from = runner.position;
  await stage.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await runner.waitForLine('redis.up', undefined, { from });
}

async function repairAs(user: OtherUser): Promise<string> {
  const [file, ...words] = [...commandPrefix(user), process.execPath, program, 'check', '--repair'];
  const { stdout } = await execa(file, [...words, stage.path('cfg.json')], { env: env(user), reject: false });
  return stdout;
}

async function forgetRecoveries(): Promise<void> {
  await stage.client.del(stage.key('runner:recoveries'));
}
