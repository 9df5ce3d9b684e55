/** The complete job scripts of examples/ as the runner's jobs: their data in Redis, and the promises of docs/scripts.md. */
import { existsSync, readFileSync, symlinkSync, truncateSync } from 'node:fs';
import { delimiter } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { program } from '../cli/program.ts';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import type { FailureRecord } from '../helpers/resque-web.ts';
import { waitFor } from '../helpers/wait-for.ts';
import { examplePath } from './languages.ts';
import { lineOf, type WorkedScript, workedScripts } from './worked-scripts.ts';

const e2e = useEndToEnd();

const installed = workedScripts.filter(({ isInstalled }) => isInstalled);
const stopping = installed.filter(({ canStop }) => canStop);

/** One queue per language. */
function runnersFor(scripts: readonly WorkedScript[]): Record<string, unknown> {
  return Object.fromEntries(scripts.map(({ name, path }) => [name, { concurrency: 2, script: path }]));
}

function ofQueue(records: readonly FailureRecord[], { name }: WorkedScript): FailureRecord | undefined {
  return records.find(({ queue }) => queue === name);
}

test('a failure is recorded with exception, error, backtrace and earlier output', async () => {
  const runner = await e2e.run({ runners: runnersFor(installed) });
  const filesOf = ({ name }: WorkedScript) => [e2e.path(`${name}.log`), e2e.path(`${name}-empty.log`)];
  for (const script of installed) {
    e2e.write(`${script.name}.log`, 'some text');
    e2e.write(`${script.name}-empty.log`);
    await e2e.enqueue(script.name, { class: 'Compress', args: filesOf(script) });
  }
  const records = await e2e.failures(installed.length);
  for (const script of installed) {
    const [good, empty] = filesOf(script);
    expect(ofQueue(records, script)).toMatchObject({
      exception: 'EmptyFile',
      error: `${empty} is empty`,
      backtrace: expect.arrayContaining([expect.stringMatching(lineOf(script))]),
      exit_code: 1,
      stderr: `compressing 1 of 2: ${good}\ncompressing 2 of 2: ${empty}`,
    });
  }
  await runner.waitForFinished(installed.length);
});

test('a shutdown during a job leaves no partial result, and a failure record', async () => {
  // No KILL within the test's time: TERM must end them.
  const runner = await e2e.run({ runners: runnersFor(stopping), shutdownTimeout: 0.1, killAfter: 60 });
  for (const { name } of stopping) {
    // Uses no disk space, and takes much longer than a script may take to stop.
    truncateSync(e2e.write(`${name}.log`, 'x'), 16 * 2 ** 30);
    await e2e.enqueue(name, { class: 'Compress', args: [e2e.path(`${name}.log`)] });
  }
  await waitFor(() => stopping.every(({ name }) => existsSync(e2e.path(`${name}.log.gz.part`))), {
    message: () => `all are in the middle of it\n${runner.describe()}`,
  });
  expect(await runner.stop()).toEqual({ code: 0, signal: undefined });
  const records = await e2e.failures(stopping.length);
  for (const script of stopping) {
    expect(ofQueue(records, script)).toMatchObject({
      exception: 'Resque::TermException',
      error: 'killed by the shutdown of its runner: stopped by TERM, nothing half done is left',
      backtrace: expect.arrayContaining([expect.stringMatching(lineOf(script))]),
      exit_code: 143,
      // A shell may add a message about the end of its child.
      stderr: expect.stringContaining(`compressing 1 of 1: ${e2e.path(`${script.name}.log`)}`),
    });
    expect(existsSync(e2e.path(`${script.name}.log.gz.part`))).toBe(false);
    expect(existsSync(e2e.path(`${script.name}.log.gz`))).toBe(false);
  }
});

describe('examples/README.md', () => {
  const readme = readFileSync(examplePath('README.md'), 'utf8');
  const blocks = [...readme.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, kind = '', text = '']) => ({
    kind,
    text,
  }));
  const shellBlocks = blocks.filter(({ kind }) => kind === 'sh').map(({ text }) => text);
  const config = blocks.find(({ kind, text }) => kind === 'json' && text.startsWith('{'))?.text ?? '';

  /** Runs in a directory with the examples and the program, as in the README. */
  async function shell(text: string) {
    if (!existsSync(e2e.path('examples'))) symlinkSync(examplePath(''), e2e.path('examples'));
    e2e.script(`exec '${process.execPath}' '${program}' "$@"`, { name: 'resque-runner' });
    return await execa('sh', ['-c', text], {
      cwd: e2e.directory,
      env: {
        RR_CONFIG: '',
        PYTHONDONTWRITEBYTECODE: '1',
        PATH: `${e2e.directory}${delimiter}${process.env.PATH}`,
      },
      stdin: 'ignore',
      reject: false,
    });
  }

  /** The command in the README, and the same for each other language. */
  function forScript(text: string, { path }: WorkedScript): string {
    return text.replaceAll('files.py', path.slice(path.lastIndexOf('/') + 1));
  }

  test('has commands to run', () => {
    expect(shellBlocks).toHaveLength(4);
    for (const { path } of workedScripts)
      expect(readme).toContain(`\`${path.slice(path.lastIndexOf('/') + 1)}\``);
  });

  test.each(installed)('by hand: $name', async (script) => {
    const [good = '', bad = ''] = shellBlocks.map((text) => forScript(text, script));
    expect(await shell(good)).toMatchObject({
      exitCode: 0,
      stdout: '',
      stderr: 'compressing 1 of 1: app.log',
    });
    expect(existsSync(e2e.path('app.log.gz'))).toBe(true);
    const { stdout, stderr } = await shell(bad);
    expect(stdout).toBe('exit code 1');
    expect(JSON.parse(stderr.split('\n').at(-1) ?? '')).toHaveProperty('backtrace');
  });

  test.skipIf(!installed.some(({ name }) => name === 'Python'))(
    'with the runner, and a persistent one',
    async () => {
      const [good = '', , enqueue = '', byHand = ''] = shellBlocks;
      await shell(good);
      const { redis, ...settings } = JSON.parse(config);
      expect(redis).toBe('embedded');
      const runner = await e2e.run(settings);
      expect(await shell(enqueue)).toMatchObject({ exitCode: 0 });
      const [done, failed] = await runner.waitForFinished(2);
      expect([done?.outcome, failed?.outcome].sort()).toEqual(['failed', 'succeeded']);
      expect(await e2e.failure()).toMatchObject({
        exception: 'FileNotFoundError',
        backtrace: expect.any(Array),
        stderr: 'compressing 1 of 1: gone.log',
      });
      expect(await shell(byHand)).toMatchObject({
        exitCode: 0,
        stdout: 'to ann@example.com: Welcome!',
        stderr: '',
      });
    },
  );
});
