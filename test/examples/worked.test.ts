/** The complete job scripts of examples/, run by hand: their work, and their error reports. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { useDirectory } from '../cli/directory.ts';
import { isAlive } from '../helpers/processes.ts';
import { skipWhileUnchanged } from '../helpers/unchanged.ts';
import { waitFor } from '../helpers/wait-for.ts';
import {
  type Failure,
  type Job,
  type JobProcess,
  type StartOptions,
  useJobProcesses,
} from './job-process.ts';
import { lineOf, type WorkedScript, workedScripts } from './worked-scripts.ts';

skipWhileUnchanged(import.meta.url, 'examples');

const processes = useJobProcesses();
const directory = useDirectory();

const unusualNames = [
  'Grüße ☕ 👩‍🚀.log',
  `"double", 'single' and \\back\\cslash\\n`,
  'two\nlines\n',
  ' -- $HOME $(ls) `ls` *.log ; %s & ',
  '-n',
  '[a], {b}',
  'a\u2028b\u0085c\u0001d\te',
];
const stopped = 'stopped by TERM, nothing half done is left';

function pathOf(name: string): string {
  return join(directory.path, name);
}

function write(name: string, content = `content of ${name}`): string {
  writeFileSync(pathOf(name), content);
  return name;
}

/** A file that uses no disk space, but takes much longer to compress than a script may take to stop. */
function writeHuge(name: string): string {
  write(name);
  truncateSync(pathOf(name), 16 * 2 ** 30);
  return name;
}

function files(): string[] {
  return readdirSync(directory.path).sort();
}

function job(name: string, ...args: unknown[]): Job {
  return { class: name, args };
}

function start({ path }: WorkedScript, payload: Job | string, options: StartOptions = {}): JobProcess {
  const script = processes.start(path, 'process', { cwd: directory.path, ...options });
  script.write(typeof payload === 'string' ? payload : JSON.stringify(payload));
  script.end();
  return script;
}

async function run(script: WorkedScript, payload: Job | string, options?: StartOptions) {
  const running = start(script, payload, options);
  const end = await running.closed;
  const { stdout, stderr } = running;
  return { ...end, stdout, stderr };
}

/** The report in the last line of STDERR. */
function failureOf(script: WorkedScript, stderr: string): Failure {
  expect(stderr.endsWith('\n'), stderr).toBe(true);
  const failure = JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '');
  expect(failure).toEqual({
    exception: expect.any(String),
    error: expect.any(String),
    backtrace: expect.any(Array),
  });
  for (const entry of failure.backtrace) expect(entry).toEqual(expect.any(String));
  expect(failure.backtrace.filter((entry: string) => lineOf(script).test(entry))).not.toEqual([]);
  return failure;
}

/** The source line of the script's first entry in the failure's backtrace. */
function blamed(script: WorkedScript, { backtrace }: Failure): string {
  const entry = backtrace.find((candidate) => lineOf(script).test(candidate)) ?? '';
  const line = Number(/\d+/.exec(lineOf(script).exec(entry)?.[0] ?? '')?.[0]);
  return readFileSync(script.path, 'utf8').split('\n')[line - 1] ?? '';
}

describe.each(workedScripts)('$name', (script) => {
  describe.skipIf(!script.isInstalled)('is installed and', () => {
    test('does the job with its arguments, and reports progress on STDERR', async () => {
      const names = [write('a.log'), write('b c.log')];
      expect(await run(script, job('Compress', ...names))).toEqual({
        exitCode: 0,
        signal: null,
        stdout: '',
        stderr: 'compressing 1 of 2: a.log\ncompressing 2 of 2: b c.log\n',
      });
      for (const name of names) {
        expect(gunzipSync(readFileSync(pathOf(`${name}.gz`))).toString()).toBe(`content of ${name}`);
      }
      expect(files()).toEqual(['a.log', 'a.log.gz', 'b c.log', 'b c.log.gz']);
    });

    test('has a second class', async () => {
      write('kept.log');
      expect(await run(script, job('Delete', write('a.log'), write('b c.log')))).toMatchObject({
        exitCode: 0,
        stderr: '',
      });
      expect(files()).toEqual(['kept.log']);
    });

    test.skipIf(!script.takesAnyText)('accepts any text as an argument', async () => {
      const names = unusualNames.map((name) => write(name));
      const { exitCode, stderr } = await run(script, job('Compress', ...names));
      expect(exitCode).toBe(0);
      const progress = names.map((name, index) => `compressing ${index + 1} of ${names.length}: ${name}\n`);
      // Ruby's puts adds no second line break.
      expect(stderr.replace('\n\n', '\n')).toBe(progress.join('').replace('\n\n', '\n'));
      for (const name of names) {
        expect(gunzipSync(readFileSync(pathOf(`${name}.gz`))).toString()).toBe(`content of ${name}`);
      }
      expect(files()).toEqual([...names, ...names.map((name) => `${name}.gz`)].sort());
    });

    test('accepts a payload of several lines with extra members', async () => {
      const payload = JSON.stringify(
        { ...job('Delete', write('a.log'), write('b.log')), id: ['x', 1] },
        null,
        2,
      );
      expect(await run(script, payload)).toMatchObject({ exitCode: 0, stderr: '' });
      expect(files()).toEqual([]);
    });

    test('can run again after a killed run', async () => {
      write('a.log');
      write('a.log.gz', 'old');
      write('a.log.gz.part', 'half');
      expect(await run(script, job('Compress', 'a.log'))).toMatchObject({ exitCode: 0 });
      expect(gunzipSync(readFileSync(pathOf('a.log.gz'))).toString()).toBe('content of a.log');
      expect(files()).toEqual(['a.log', 'a.log.gz']);
    });

    test('reports its own failure as the last line of STDERR', async () => {
      write('a.log');
      const { exitCode, stderr } = await run(script, job('Compress', 'a.log', write('empty.log', '')));
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/^compressing 1 of 2: a.log\ncompressing 2 of 2: empty.log\n\{.*\}\n$/);
      const failure = failureOf(script, stderr);
      expect(failure).toMatchObject({ exception: 'EmptyFile', error: 'empty.log is empty' });
      expect(blamed(script, failure)).toContain('EmptyFile');
      expect(files()).toEqual(['a.log', 'a.log.gz', 'empty.log']);
    });

    test.skipIf(!script.takesAnyText)('reports any error text', async () => {
      const name = write('für "\\ 👩‍🚀\n$(ls)', '');
      const { stderr } = await run(script, job('Compress', name));
      expect(failureOf(script, stderr)).toMatchObject({ exception: 'EmptyFile', error: `${name} is empty` });
    });

    test('reports unexpected errors with their location', async () => {
      const { exitCode, stderr } = await run(script, job('Compress', 'missing.log'));
      expect(exitCode).toBe(1);
      const failure = failureOf(script, stderr);
      const [exception, error] = script.missing;
      expect(failure).toMatchObject({ exception, error: expect.stringMatching(error) });
      expect(blamed(script, failure)).toMatch(/size|^compress\(\)/);
      // If the failure can't, earlier output must name the missing file.
      expect(stderr.replace(/^compressing.*/, '')).toContain('missing.log');
      expect(files()).toEqual([]);
    });

    test('leaves no partial result if it fails halfway', async () => {
      mkdirSync(pathOf('directory'));
      write('directory/file');
      const { exitCode, stderr } = await run(script, job('Compress', 'directory'));
      expect(exitCode).toBe(1);
      expect(failureOf(script, stderr).error).not.toBe('');
      expect(files()).toEqual(['directory']);
    });

    test('reports an unknown class', async () => {
      const { exitCode, stderr } = await run(script, job('Enlarge', write('a.log')));
      expect(exitCode).toBe(1);
      const failure = failureOf(script, stderr);
      expect(failure).toMatchObject({
        exception: 'UnknownClass',
        error: 'this script has no job of class Enlarge',
      });
      expect(blamed(script, failure)).toContain('UnknownClass');
    });

    test.each(['{"class":"Compress","args":[', 'words', ''])(
      'reports an invalid payload: %j',
      async (payload) => {
        const { exitCode, stderr } = await run(script, payload);
        expect(exitCode).toBe(1);
        expect(failureOf(script, stderr).exception).toBe(script.noJson);
      },
    );

    test.each(['{"class":"Delete"}', '{"args":["a.log"]}', '[]'])(
      'does nothing for a payload that is not a job: %j',
      async (payload) => {
        write('a.log');
        const { exitCode, stderr } = await run(script, payload);
        expect(exitCode).toBe(1);
        failureOf(script, stderr);
        expect(files()).toEqual(['a.log']);
      },
    );

    test.skipIf(!script.canStop)('stops on TERM and cleans up', async () => {
      const running = start(script, job('Compress', write('a.log'), writeHuge('huge.log')));
      await waitFor(() => existsSync(pathOf('huge.log.gz.part')), {
        message: () => `it is in the middle of it: ${files()} ${running.stderr}`,
      });
      await waitFor(() => running.stderr === 'compressing 1 of 2: a.log\ncompressing 2 of 2: huge.log\n', {
        message: () => `it says so: ${running.stderr}`,
      });
      expect(running.hasClosed).toBe(false);
      running.signal('SIGTERM');
      await waitFor(() => running.hasClosed, { message: 'it has stopped', timeoutMs: 5_000 });
      expect(await running.closed).toEqual({ exitCode: 143, signal: null });
      expect(failureOf(script, running.stderr)).toMatchObject({ exception: 'Stopped', error: stopped });
      expect(files()).toEqual(['a.log', 'a.log.gz', 'huge.log']);
    });

    test('ends immediately if it has no job yet', async () => {
      const waiting = processes.start(script.path, 'process', { cwd: directory.path });
      // More than the capacity of a pipe.
      await waiting.writeUntilRead(`{"class":"Compress","args":["${'x'.repeat(2 ** 20)}`);
      waiting.signal('SIGTERM');
      await waitFor(() => !isAlive(waiting.pid), { message: 'it has ended', timeoutMs: 5_000 });
      // sh reads with a child that doesn't get the signal.
      waiting.end();
      expect(await waiting.closed).toEqual({ exitCode: null, signal: 'SIGTERM' });
      expect(waiting.stderr).toBe('');
    });
  });
});

describe('sh without jq', () => {
  const sh = workedScripts.find(({ name }) => name === 'sh') as WorkedScript;
  const programs = ['cat', 'grep', 'gzip', 'head', 'mv', 'rm', 'sed', 'tr'];

  /** A directory with all programs that it needs, except jq. */
  function pathWithoutJq(): string {
    mkdirSync(pathOf('bin'));
    for (const name of programs) {
      const places = (process.env.PATH ?? '').split(delimiter).map((place) => join(place, name));
      symlinkSync(places.find((place) => existsSync(place)) ?? name, pathOf(`bin/${name}`));
    }
    return pathOf('bin');
  }

  test('accepts plain text, including characters that are special in a shell', async () => {
    const env = { PATH: pathWithoutJq() };
    const names = ["it's", '$(ls) `ls` *', 'a, b', ',', ',]}', '[x]', '-n', 'Grüße ☕', '  two  blanks '];
    for (const name of names) write(name);
    expect(await run(sh, JSON.stringify({ ...job('Delete', ...names), id: 1 }), { env })).toMatchObject({
      exitCode: 0,
      stderr: '',
    });
    expect(files()).toEqual(['bin']);
    write('a.log');
    const spacious = ' { "class": "Delete" , "args": [\n "a.log" \n] , "id": 1 }\n';
    expect(await run(sh, spacious, { env })).toMatchObject({ exitCode: 0, stderr: '' });
    expect(files()).toEqual(['bin']);
  });

  test.each([
    '{"class":"Delete","args":["a\\u002elog"]}',
    '{"class":"Delete","args":["a.log",7]}',
    '{"class":"Delete","args":["a.log",["a.log"]]}',
    '{"class":"Delete","args":["a.log"]',
    '{"class":"Delete","args":["a.log"}',
    '{"args":["a.log"],"class":"Delete"}',
    '{"class":"Enlarge","args":[\n{"class":"Delete","args":["a.log"]}\n]}',
    '{"class":"Enlarge","id":{"class":"Delete","args":["a.log"]}}',
  ])('refuses what is more than that: %s', async (payload) => {
    const env = { PATH: pathWithoutJq() };
    write('a.log');
    const { exitCode, stderr } = await run(sh, payload, { env });
    expect(exitCode).toBe(1);
    expect(failureOf(sh, stderr)).toMatchObject({
      exception: 'InvalidJob',
      error: expect.stringContaining('without jq, only plain text can'),
    });
    expect(files()).toEqual(['a.log', 'bin']);
  });
});
