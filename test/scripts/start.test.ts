import { mkdirSync, readdirSync, symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../helpers/wait-for.ts';
import { makeSmallCheckout, type SmallCheckout } from './small-checkout.ts';

/** Prints its arguments. With `wait`, it counts the signals that it gets. */
const program = `
const args = process.argv.slice(2);
if (args[0] === 'wait') {
  let signals = '';
  const exitSoon = (name: string) => {
    signals += name + ' ';
    setTimeout(() => { console.log(signals); process.exit(7); }, 300);
  };
  for (const name of ['SIGINT', 'SIGTERM']) process.on(name, exitSoon);
  setInterval(() => {}, 1000);
} else {
  process.exitCode = args[0] === 'fail' ? 3 : 0;
}
console.log(JSON.stringify({ args, directory: process.cwd(), program: process.argv[1] }));
`;

let checkout: SmallCheckout;
beforeAll(() => {
  checkout = makeSmallCheckout(program);
});
afterAll(() => checkout.remove());

function npmStart(args: readonly string[], directory = checkout.root) {
  return execa('npm', ['start', '--silent', '--', ...args], {
    cwd: directory,
    env: checkout.env,
    reject: false,
  });
}

describe('npm start', () => {
  test('never lets npm empty a directory that node_modules only links to', async () => {
    const other = makeSmallCheckout(program);
    try {
      other.write('shared/node_modules/kept/package.json', '{}');
      symlinkSync(join(other.root, 'shared', 'node_modules'), join(other.root, 'node_modules'));
      const { exitCode, stderr } = await execa('npm', ['start', '--silent'], {
        cwd: other.root,
        env: other.env,
        reject: false,
      });
      expect(exitCode).not.toBe(0);
      expect(stderr).toContain('node_modules is a symbolic link');
      expect(readdirSync(join(other.root, 'shared', 'node_modules'))).toEqual(['kept']);
    } finally {
      other.remove();
    }
  });

  // The tests after this one need its set-up.
  test('sets everything up once, even if several start at the same time', { timeout: 120_000 }, async () => {
    const runs = await Promise.all(['one', 'two', 'three'].map((name) => npmStart([name])));

    expect(runs.map(({ exitCode, stderr }) => ({ exitCode, stderr }))).toEqual(
      runs.map(({ stderr }) => ({ exitCode: 0, stderr })),
    );
    expect(runs.map(({ stdout }) => JSON.parse(stdout).args)).toEqual([['one'], ['two'], ['three']]);
    const said = runs.flatMap(({ stderr }) => stderr.split('\n')).filter((line) => line !== '');
    expect(said.sort()).toEqual(['Building…', 'Installing dependencies…']);
    expect(readdirSync(join(checkout.root, 'tmp'))).toEqual(['.keep']);
  });

  test('skips the set-up the second time', async () => {
    const { exitCode, stderr } = await npmStart(['again']);

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });

  test('starts the demo without arguments', async () => {
    const { stdout } = await npmStart([]);

    expect(JSON.parse(stdout).args).toEqual(['demo']);
  });

  test("runs the program in the caller's directory, so that relative paths work", async () => {
    const directory = join(checkout.root, 'sub directory');
    mkdirSync(directory);

    const { stdout } = await npmStart(['cfg.json', 'with space'], directory);

    const entry = join(checkout.root, 'dist', 'resque-runner.js');
    expect(JSON.parse(stdout)).toEqual({ args: ['cfg.json', 'with space'], directory, program: entry });
  });

  test('ends with the exit code of the program', async () => {
    expect(await npmStart(['fail'])).toMatchObject({ exitCode: 3 });
  });

  test('forwards a signal from npm to the program, and waits for its end', async () => {
    const { output, exitCode } = await interrupt((pid) => process.kill(pid, 'SIGTERM'));

    expect({ output, exitCode }).toEqual({ output: 'SIGTERM', exitCode: 7 });
  });

  test('counts Ctrl-C once, although npm and the program both get it', async () => {
    const { output, exitCode } = await interrupt((pid) => process.kill(-pid, 'SIGINT'));

    expect({ output, exitCode }).toEqual({ output: 'SIGINT', exitCode: 7 });
  });

  test('rebuilds if the content of a source changed, but not if only its time changed', async () => {
    utimesSync(join(checkout.root, 'src/cli/main.ts'), new Date(), new Date());
    expect((await npmStart(['touched'])).stderr).toBe('');

    checkout.write('src/cli/main.ts', "console.log('changed');");
    expect(await npmStart(['changed'])).toMatchObject({ stdout: 'changed', stderr: 'Building…' });
  });

  test("shows the compiler's errors if the build fails", async () => {
    checkout.write('src/cli/main.ts', 'const = 1;');

    const { exitCode, stderr } = await npmStart(['broken']);

    expect(exitCode).toBe(1);
    expect(stderr).toContain('the build failed');
    expect(stderr).toContain('src/cli/main.ts:1:6');
    expect(stderr).not.toMatch(/^ +at /m);
  });
});

/** Starts the waiting program as the leader of a process group, like a shell, and sends it a signal. */
async function interrupt(send: (pid: number) => void) {
  const run = execa('npm', ['start', '--silent', '--', 'wait'], {
    cwd: checkout.root,
    env: checkout.env,
    reject: false,
    detached: true,
  });
  let seen = '';
  run.stdout.on('data', (chunk) => {
    seen += String(chunk);
  });
  await waitFor(() => seen.includes('"wait"'), { message: 'the program runs' });
  if (run.pid === undefined) throw new Error('npm was not started');
  send(run.pid);
  const { stdout, exitCode } = await run;
  return { output: stdout.split('\n').at(-1)?.trim(), exitCode };
}
