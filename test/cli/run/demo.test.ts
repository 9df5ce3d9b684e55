import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, describe, expect, test } from 'vitest';
import { kill, markVariable, processesMarked } from '../../helpers/processes.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { useDirectory } from '../directory.ts';
import { program, runProgram } from '../program.ts';

const directory = useDirectory();
const mark = randomUUID();

afterEach(() => {
  for (const { pid } of processesMarked(mark)) kill(pid);
});

/** Starts a demo whose temporary files all go into the test's directory. */
function startDemo() {
  const child = execa(process.execPath, [program, 'demo'], {
    cwd: directory.path,
    env: { TMPDIR: directory.path, [markVariable]: mark },
    stdin: 'ignore',
    reject: false,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const has = async (...texts: string[]) => {
    await waitFor(() => texts.every((text) => stdout.includes(text)), {
      message: () => `${texts.join()} in\n${stdout}\n${stderr}`,
      timeoutMs: 20_000,
    });
  };
  return { child, has, output: () => stdout, talk: () => stderr };
}

/** @param mayLeaveSocket a runner that was killed can't take its socket along; the next one does */
async function expectNothingLeft(mayLeaveSocket = false): Promise<void> {
  const left = () => readdirSync(directory.path).filter((name) => !(mayLeaveSocket && name === sockets));
  await waitFor(() => processesMarked(mark).length === 0 && left().length === 0, {
    message: () => JSON.stringify([processesMarked(mark), left()]),
  });
}

const sockets = `resque-runner-${process.getuid?.()}`;

describe('the demo', () => {
  test('shows good, slow, talkative and failing jobs until Ctrl-C, and leaves nothing behind', async () => {
    const demo = startDemo();
    await demo.has('done SendMail', 'done ImportRows', 'done BuildReport', 'CardDeclined: card 1881');
    demo.child.kill('SIGINT');
    const { exitCode } = await demo.child;
    expect(exitCode).toBe(0);
    expect(demo.talk()).toContain('Ctrl-C ends it');
    expect(demo.talk()).toMatch(
      /demo: ran for \d+.*; \d+ jobs processed, \d+ failed, \d+ still waiting; all files are removed/,
    );
    for (const line of demo.output().trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('event');
    await expectNothingLeft();
  });

  test('works on when nobody reads its log any more', async () => {
    const demo = startDemo();
    await demo.has('job.finished');
    demo.child.stdout.destroy();
    const file = /check (\S+)/.exec(demo.talk())?.[1] ?? '';
    const processed = async () => {
      const { stdout } = await runProgram(['status', '--json', '--config', file], { cwd: directory.path });
      return (JSON.parse(stdout) as { totals: { processed: number } }).totals.processed;
    };
    const before = await processed();
    await waitFor(async () => (await processed()) > before, { message: 'another job has been done' });
    demo.child.kill('SIGTERM');
    expect(await demo.child).toMatchObject({ exitCode: 0 });
    expect(demo.talk()).not.toContain('EPIPE');
    await expectNothingLeft();
  });

  test('can be looked into with the commands that it names', async () => {
    const demo = startDemo();
    await demo.has('engine.started');
    const file = /check (\S+)/.exec(demo.talk())?.[1] ?? '';
    const checked = await runProgram(['check', file], { cwd: directory.path });
    expect(checked).toMatchObject({ code: 0 });
    expect(checked.stdout.match(/^ok {3}script /gm)).toHaveLength(4);
    await runProgram(['enqueue', '--config', file, 'payments', 'Charge', 'my card', '99999'], {
      cwd: directory.path,
    });
    await demo.has('my card is good for 100.00 at most');
    demo.child.kill('SIGTERM');
    expect(await demo.child).toMatchObject({ exitCode: 0 });
    await expectNothingLeft();
  });

  test('goes on when its Redis is killed', async () => {
    const demo = startDemo();
    await demo.has('job.finished');
    const socket = /redis-cli -s (\S+)/.exec(demo.talk())?.[1] ?? '';
    const [, server = ''] = readFileSync(join(dirname(socket), 'lock'), 'utf8').split('\n');
    kill(Number(server));
    await demo.has('back after');
    const before = demo.output().length;
    await waitFor(() => demo.output().slice(before).includes('done SendMail'), {
      message: () => demo.output(),
    });
    demo.child.kill('SIGTERM');
    expect(await demo.child).toMatchObject({ exitCode: 0 });
    expect(demo.talk()).toContain('was killed by signal 9; starting it again');
    await expectNothingLeft();
  });

  test('ends when its terminal is closed', async () => {
    const demo = startDemo();
    await demo.has('engine.started');
    demo.child.kill('SIGHUP');
    expect(await demo.child).toMatchObject({ exitCode: 0 });
    await expectNothingLeft();
  });

  test('leaves nothing behind but its socket when it is killed', async () => {
    const demo = startDemo();
    await demo.has('done SendMail');
    demo.child.kill('SIGKILL');
    await demo.child;
    await expectNothingLeft(true);
  });
});

test('every example is executable', () => {
  const examples = fileURLToPath(new URL('../../../examples', import.meta.url));
  for (const name of readdirSync(examples).filter((file) => file !== 'README.md')) {
    expect(statSync(join(examples, name)).mode & 0o111, name).toBe(0o111);
  }
});
