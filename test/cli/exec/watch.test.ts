/** `exec --watch`: runs the job again after each change. */
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

/** Waits until it waits for changes again. @returns its STDERR since the last time */
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
  test('when the script, the config or the file changes in any way, and says so', async () => {
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
    // As some editors save: they remove the old file first.
    renameSync(stage.path('job.json'), stage.path('job.json~'));
    writeFileSync(stage.path('job.json'), '{"class":"B"}');
    expect(await untilItWaits()).toContain('watch: job.json changed: running again\n');
    expect(printed).toMatch(/^{"class":"B"} two\n✓/);

    printed = '';
    stage.script('echo three', 'other.sh');
    stage.write('more.json', '{}');
    stage.config({ script: ['/bin/sh', './other.sh'] }, { include: 'more.json' });
    const text = await untilItWaits();
    expect(text).toContain('watch: cfg.json changed: running again\n');
    expect(text).toContain('other.sh, cfg.json, more.json or job.json; press Ctrl-C to stop');
    expect(printed).toMatch(/^three\n✓/);

    stage.write('more.json', '{ "runners": {} }');
    expect(await untilItWaits()).toContain('watch: more.json changed: running again\n');
    expect(run.exitCode).toBeNull();
  });

  test('once if several files change together, and not at all for other files', async () => {
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

  test('when a broken config, a missing file or a missing script is there again', async () => {
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

  test('immediately if the job is still running: the old run is ended without a verdict', async () => {
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

test('a job from STDIN or from the command line is run again unchanged', async () => {
  stage.script('cat');
  void start(['mail'], '{"class":"Once"}\n');
  await untilItWaits();
  stage.script('cat; echo');
  await untilItWaits();
  expect(printed.match(/{"class":"Once"}/g)?.length).toBeGreaterThanOrEqual(2);
});

test('--json prints one document per line, and the output of the job on STDERR', async () => {
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

  test('while the job is running, which ends as without --watch', async () => {
    stage.script('echo $$ > "$D/pid"; exec sleep 60');
    const run = start(['mail', 'job.json']);
    await stage.waitForFile('pid', '\n');
    run.kill('SIGTERM');
    expect((await run).exitCode).toBe(143);
    expect(printed).toMatch(/^✗ failed after .*: interrupted by SIGTERM; ended by SIGTERM\n/);
    expect(told).toBe('');
  });
});

test('without a config or a job, it exits', async () => {
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
