/** The example that `init` writes: a script that runs jobs. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { exampleClass, writeExample } from '../../../src/cli/init/answers.ts';
import { useDirectory } from '../directory.ts';

const directory = useDirectory();

function path(): string {
  return join(directory.path, 'job.sh');
}

describe('the example', () => {
  function run(job: string) {
    return execa(path(), ['mail'], { input: job, reject: false });
  }

  test('runs a job, and fails with the error on its STDERR', async () => {
    await writeExample(path());
    expect(await run(`{"class":"${exampleClass}","args":["class"]}`)).toMatchObject({
      exitCode: 0,
      stdout: `${exampleClass}, on queue mail: {"class":"${exampleClass}","args":["class"]}`,
      stderr: '',
    });
    expect(await run(`{ "class" : "${exampleClass}", "args": [{"class": "Other"}]}`)).toMatchObject({
      exitCode: 0,
    });
    expect(await run('{"class":"Other","args":["-n \\\\ $(id)"]}')).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: 'unknown job: Other',
    });
  });

  test('overwrites no file', async () => {
    writeFileSync(path(), '#!/bin/sh\n');
    await expect(writeExample(path())).rejects.toThrow('EEXIST');
    expect(readFileSync(path(), 'utf8')).toBe('#!/bin/sh\n');
  });
});
