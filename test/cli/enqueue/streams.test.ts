/** `enqueue --file` reads what comes bit by bit. */
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { residentBytes } from '../../helpers/processes.ts';
import { useRedis } from '../../helpers/redis.ts';
import { useEnqueueProgram } from './program-stage.ts';
import { numbered } from './stage.ts';

const stage = useEnqueueProgram(useRedis());

describe('a job a line', () => {
  test('of a pipe with a name goes onto the queue', async () => {
    const lines = numbered(3);
    execFileSync('mkfifo', [join(stage.directory, 'pipe')]);
    const run = stage.start(['--file', 'pipe']);
    await writeFile(join(stage.directory, 'pipe'), lines.join('\n'));
    expect(await run.outcome()).toMatchObject({ code: 0 });
    expect(await stage.jobs()).toEqual(lines);
    expect(await stage.keysLeft()).toEqual([]);
  });

  test('may be megabytes long, and is enqueued as soon as it has come', async () => {
    const long = `{"class":"A","args":["${'ä'.repeat(2_000_000)}"]}`;
    const run = stage.start(['--file', '-']);
    run.say(`{"class":"B"}\n${long.slice(0, 100_000)}`);
    await stage.waitForJobs(1);
    run.say(`${long.slice(100_000)}\n`);
    await stage.waitForJobs(2);
    run.child.stdin.end('{"class":"C"}');
    expect(await run.outcome()).toMatchObject({ code: 0 });
    const [, second, third] = await stage.jobs();
    expect(second === long).toBe(true);
    expect(third).toBe('{"class":"C"}');
  });

  test('takes no more memory for more of them', async () => {
    const line = `{"class":"A","args":["${'x'.repeat(4_000)}"]}\n`;
    const run = stage.start(['--file', '-']);
    for (let times = 0; times < 30; times += 1) {
      await new Promise((resolve) => run.child.stdin.write(line.repeat(500), resolve));
    }
    await stage.waitForJobs(15_000);
    const bytes = residentBytes(run.child.pid ?? 0);
    run.child.stdin.end();
    expect(await run.outcome()).toMatchObject({ code: 0 });
    // 60 MB have gone through it.
    expect(bytes).toBeLessThan(115e6);
  });
});
