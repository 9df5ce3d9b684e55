/** `exec --watch`: again whenever something of the job changes. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { waitFor } from '../../helpers/wait-for.ts';
import { useExec } from './stage.ts';

const stage = useExec();
const waiting = /watch: waiting for a change of .*; press Ctrl-C to stop\n$/;

type Watch = ReturnType<typeof stage.start>;
let watch: Watch | null = null;
let told = '';
let printed = '';

/** Starts it and follows both of its streams. */
function start(args: readonly string[], input?: string): Watch {
  const started = stage.start(['--watch', ...args], input === undefined ? {} : { input });
  started.stderr?.setEncoding('utf8').on('data', (text: string) => {
    told += text;
  });
  started.stdout?.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  watch = started;
  return started;
}

/** Until it waits again. @returns what it has said on STDERR since the last time */
async function untilItWaits(): Promise<string> {
  await waitFor(() => waiting.test(told), { message: () => `it waits: ${told}\n${printed}` });
  const text = told;
  told = '';
  return text;
}

beforeEach(() => {
  told = '';
  printed = '';
  stage.script('echo one');
  stage.config();
  stage.write('job.json', '{"class":"A","args":[1]}');
});

afterEach(async () => {
  watch?.kill('SIGTERM');
  await watch;
  watch = null;
});

describe('runs again', () => {
  test('when script, config or file change, in whatever way, and says so', async () => {
    const run = start(['mail', 'job.json']);
    expect(await untilItWaits()).toBe(
      'watch: waiting for a change of job.sh, cfg.json or job.json; press Ctrl-C to stop\n',
    );
    expect(printed).toMatch(/^one\n✓ succeeded/);

    printed = '';
    stage.script('cat; echo " two"');
    expect(await untilItWaits()).toMatch(/^watch: job\.sh changed: running again\nwatch: waiting/);
    expect(printed).toMatch(/^{"class":"A","args":\[1\]} two\n✓ succeeded/);

    printed = '';
    // As some editors save: the old one goes first.
    renameSync(stage.path('job.json'), stage.path('job.json~'));
    writeFileSync(stage.path('job.json'), '{"class":"B"}');
    expect(await untilItWaits()).toContain('watch: job.json changed: running again\n');
    expect(printed).toMatch(/^{"class":"B"} two\n✓/);

    printed = '';
    stage.script('echo three', 'other.sh');
    stage.config({ script: ['/bin/sh', './other.sh'] });
    const text = await untilItWaits();
    expect(text).toContain('watch: cfg.json changed: running again\n');
    expect(text).toContain('other.sh, cfg.json or job.json; press Ctrl-C to stop');
    expect(printed).toMatch(/^three\n✓/);
    expect(run.exitCode).toBeNull();
  });

  test('once, where several change at once, and not at all where others do', async () => {
    void start(['mail', 'job.json']);
    await untilItWaits();
    printed = '';
    stage.write('unrelated', 'x');
    stage.script('echo both');
    stage.write('job.json', '{"class":"C"}');
    expect(await untilItWaits()).toMatch(
      /^watch: job\.sh and job\.json changed: running again\nwatch: waiting.*\n$/,
    );
    expect(printed.match(/both/g)).toHaveLength(1);
  });

  test('when a config that was broken, a file or a script is there again', async () => {
    void start(['mail', 'job.json']);
    await untilItWaits();
    const config = readFileSync(stage.path('cfg.json'));
    stage.write('cfg.json', '{ "runners": ');
    expect(await untilItWaits()).toMatch(
      /cfg\.json changed: running again\nresque-runner: cfg\.json can't be used:\n/,
    );
    rmSync(stage.path('job.json'));
    stage.write('cfg.json', config);
    expect(await untilItWaits()).toMatch(/job\.json: there is no such file/);
    stage.write('job.json', '{"class":"D"}');
    rmSync(stage.path('job.sh'));
    await untilItWaits();
    expect(printed).toContain('✗ not started:');
    printed = '';
    stage.script('echo back');
    await untilItWaits();
    expect(printed).toMatch(/^back\n✓/);
  });

  test('at once where it still ran, which it ends without a word of its end', async () => {
    stage.script('echo $$ > "$D/pid"; exec sleep 60');
    void start(['mail', 'job.json']);
    await stage.waitForFile('pid', '\n');
    stage.script('echo anew');
    expect(await untilItWaits()).toMatch(
      /^watch: job\.sh changed: stopping this run and running again\nwatch: waiting/,
    );
    expect(printed).toMatch(/^anew\n✓ succeeded/);
  });
});

test('what was read from STDIN, or is on the command line, is run again as it was', async () => {
  stage.script('cat');
  void start(['mail'], '{"class":"Once"}\n');
  await untilItWaits();
  stage.script('cat; echo');
  await untilItWaits();
  expect(printed.match(/{"class":"Once"}/g)?.length).toBeGreaterThanOrEqual(2);
});

test('--json tells a document a line, and what a job prints on STDERR', async () => {
  void start(['mail', 'job.json', '--json']);
  await untilItWaits();
  stage.script('exit 3');
  await untilItWaits();
  const documents = printed
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { exitCode: number });
  expect(documents.map(({ exitCode }) => exitCode)).toEqual([0, 3]);
});

describe('a signal ends it', () => {
  test('while it waits', async () => {
    const run = start(['mail', 'job.json']);
    await untilItWaits();
    run.kill('SIGINT');
    expect((await run).exitCode).toBe(130);
  });

  test('while the job runs, which ends as without --watch', async () => {
    stage.script('echo $$ > "$D/pid"; exec sleep 60');
    const run = start(['mail', 'job.json']);
    await stage.waitForFile('pid', '\n');
    run.kill('SIGTERM');
    expect((await run).exitCode).toBe(143);
    expect(printed).toMatch(/^✗ failed after .*: interrupted by SIGTERM; ended by SIGTERM\n/);
    expect(told).toBe('');
  });
});

test('without a config or a job there is nothing to wait for', async () => {
  rmSync(stage.path('cfg.json'));
  expect(await stage.run(['mail', 'job.json', '--watch'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('no config'),
  });
  stage.config();
  expect(await stage.run(['mail', '--watch'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('STDIN is empty'),
  });
});
