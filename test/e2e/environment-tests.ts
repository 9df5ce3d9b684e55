/** The process of a job: arguments, environment, directory, process group, descriptors. */
import { mkdirSync, realpathSync } from 'node:fs';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { type RunOptions, useEndToEnd } from '../helpers/end-to-end.ts';

/** @param programEnv variables of the runners that are programs */
export function environmentTests(programEnv: Readonly<Record<string, string>> = {}): void {
  const e2e = useEndToEnd({ isInProcess: true });
  const job = { class: 'Job', args: [] };
  /** For tests of what jobs inherit from the process of their runner. */
  const asProgram: RunOptions = { isProgram: true, env: programEnv };

  async function runOne(runner: Record<string, unknown>, options: RunOptions = {}): Promise<void> {
    await e2e.enqueue('mail', job);
    const program = await e2e.run({ runners: { mail: { concurrency: 1, ...runner } } }, options);
    const [line] = await program.waitForFinished(1);
    expect(line?.outcome).toBe('succeeded');
  }

  const writeArguments = 'for word in "$@"; do printf "%s\\n" "$word" >> "$D/argv"; done';

  describe('arguments', () => {
    test('of a script path are the queue', async () => {
      await runOne({ script: e2e.script(writeArguments) });
      expect(e2e.fileLines('argv')).toEqual(['mail']);
    });

    test('of a command are its words, the queue, then the args', async () => {
      await runOne({ script: [e2e.script(writeArguments), '--flag', 'two words'], args: ['a', ''] });
      expect(e2e.fileLines('argv')).toEqual(['--flag', 'two words', 'mail', 'a', '']);
    });

    test('never go through a shell', async () => {
      const words = ['$(touch pwned)', '`id`', '*', '; exit 1', '"', "'", '\\', '$HOME', '~'];
      await runOne({ script: [e2e.script(writeArguments), ...words], args: words });
      expect(e2e.fileLines('argv')).toEqual([...words, 'mail', ...words]);
    });

    test('a path with spaces and quotes is executed as it is', async () => {
      await runOne({ script: e2e.script(writeArguments, { name: 'it\'s a "job"; $(id)' }) });
      expect(e2e.fileLines('argv')).toEqual(['mail']);
    });
  });

  describe('environment', () => {
    test("contains the runner's, the config's and the job's variables", async () => {
      const script = e2e.script('env > "$D/env"');
      const env = {
        ...programEnv,
        RUNNER_OWN: 'own',
        OVERRIDDEN: 'runner',
        RESQUE_QUEUE: 'wrong',
        RESQUE_WORKER: 'wrong',
      };
      await runOne(
        { script, env: { FROM_CONFIG: 'a=b c', OVERRIDDEN: 'config', EMPTY: '' } },
        { isProgram: true, env },
      );
      const seen = e2e.fileLines('env');
      expect(seen).toEqual(
        expect.arrayContaining([
          'RUNNER_OWN=own',
          'FROM_CONFIG=a=b c',
          'OVERRIDDEN=config',
          'EMPTY=',
          'RESQUE_QUEUE=mail',
        ]),
      );
      expect(seen.find((line) => line.startsWith('RESQUE_WORKER='))).toMatch(
        /^RESQUE_WORKER=[^:]+\.runner:\d+-0:mail$/,
      );
    });

    test("has the trace of its payload, and never the runner's own", async () => {
      const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
      await e2e.enqueue('mail', { ...job, traceparent });
      await e2e.enqueue('mail', job);
      const script = e2e.script('echo "$TRACEPARENT $TRACESTATE" >> "$D/traces"');
      const env = { ...programEnv, TRACEPARENT: traceparent.replaceAll('4', '5'), TRACESTATE: 'a=b' };
      const runner = await e2e.run({ runners: { mail: 1 }, script }, { isProgram: true, env });
      const lines = await runner.waitForFinished(2);
      expect(e2e.fileLines('traces')).toEqual([`${traceparent} `, ' ']);
      expect(lines).toHaveLength(2);
    });

    test('names the worker as Redis does', async () => {
      const script = e2e.script('echo "$RESQUE_WORKER" > "$D/worker"; exit 1');
      await e2e.enqueue('mail', job);
      const runner = await e2e.run({ runners: { mail: 1 }, script });
      const { worker } = await e2e.failure();
      expect(e2e.fileLines('worker')).toEqual([worker]);
      expect(worker).toBe(`${runner.workerHost}:${runner.pid}-0:mail`);
      expect(await e2e.client.smembers(e2e.key('workers'))).toContain(worker);
    });
  });

  test("the working directory is the runner's, or the one in the config", async () => {
    const script = e2e.script('pwd -P >> "$D/cwd"');
    mkdirSync(e2e.path('elsewhere'));
    await e2e.enqueue('own', job);
    await e2e.enqueue('other', job);
    const runners = { own: 1, other: { concurrency: 1, cwd: e2e.path('elsewhere') } };
    const runner = await e2e.run({ runners, script }, asProgram);
    await runner.waitForFinished(2);
    const directory = realpathSync(e2e.directory);
    expect(e2e.fileLines('cwd').sort()).toEqual([directory, `${directory}/elsewhere`]);
  });

  describe.runIf(process.platform === 'linux')('the process', () => {
    test('leads its own process group', async () => {
      // Field 5 of proc(5)'s stat.
      await runOne(
        { script: e2e.script('set -- $(cat /proc/$$/stat); echo "$1 $5" > "$D/group"') },
        asProgram,
      );
      const [pid, group] = e2e.fileLines('group')[0]?.split(' ') ?? [];
      expect(group).toBe(pid);
    });

    test('inherits no descriptor beyond the three streams', async () => {
      const list = e2e.script('ls /proc/self/fd');
      // The program that started the tests may have left some open; every child has these.
      const { stdout } = await execa(list, { stdin: 'ignore' });
      await runOne({ script: e2e.script(`${list} > "$D/fds"`) }, asProgram);
      expect(e2e.fileLines('fds')).toEqual(stdout.split('\n'));
    });

    test('blocks and ignores no signal', async () => {
      await runOne(
        { script: e2e.script('exec grep -E "^Sig(Blk|Ign)" /proc/self/status > "$D/signals"') },
        asProgram,
      );
      expect(e2e.read('signals').replaceAll('\t', ' ')).toMatch(/^SigBlk: 0+\nSigIgn: 0+\n$/);
    });
  });
}
