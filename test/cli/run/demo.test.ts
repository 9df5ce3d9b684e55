/* oxlint-disable no-empty-pattern -- Vitest wants a pattern. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { test as baseTest, describe, expect } from 'vitest';
import { kill, markVariable, processesMarked } from '../../helpers/processes.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { program, runProgram } from '../program.ts';

/** A demo with all of its temporary files in its own directory. */
class Demo {
  readonly directory = realpathSync(mkdtempSync(join(tmpdir(), 'rr-demo-')));
  readonly child: ReturnType<typeof spawnDemo>;
  stdout = '';
  stderr = '';
  readonly #mark = randomUUID();

  constructor() {
    this.child = spawnDemo(this.directory, this.#mark);
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
  }

  async has(...texts: string[]): Promise<void> {
    await waitFor(() => texts.every((text) => this.stdout.includes(text)), {
      message: () => `${texts.join()} in\n${this.stdout}\n${this.stderr}`,
      timeoutMs: 20_000,
    });
  }

  /** The path of its config, from its output. */
  get config(): string {
    return /check (\S+)/.exec(this.stderr)?.[1] ?? '';
  }

  command(...args: string[]): ReturnType<typeof runProgram> {
    return runProgram(args, { cwd: this.directory });
  }

  /** @param mayLeaveSocket a runner that was killed can't take its socket along; the next one does */
  async expectNothingLeft(mayLeaveSocket = false): Promise<void> {
    const left = () => readdirSync(this.directory).filter((name) => !(mayLeaveSocket && name === sockets));
    await waitFor(() => processesMarked(this.#mark).length === 0 && left().length === 0, {
      message: () => JSON.stringify([processesMarked(this.#mark), left()]),
    });
  }

  async dispose(): Promise<void> {
    for (const { pid } of processesMarked(this.#mark)) kill(pid);
    await this.child;
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function spawnDemo(directory: string, mark: string) {
  return execa(process.execPath, [program, 'demo'], {
    cwd: directory,
    env: { TMPDIR: directory, [markVariable]: mark },
    stdin: 'ignore',
    reject: false,
  });
}

const sockets = `resque-runner-${process.getuid?.()}`;

/** The tests of a group run at the same time, because the jobs of a demo are slow. */
const test = baseTest.extend<{ demo: Demo }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest wants a pattern.
  demo: async ({}, use) => {
    const demo = new Demo();
    await use(demo);
    await demo.dispose();
  },
});

describe('the demo', () => {
  test.concurrent('shows good, slow, talkative and failing jobs until Ctrl-C, and leaves nothing behind', async ({
    demo,
  }) => {
    await demo.has('done SendMail', 'done ImportRows', 'done BuildReport', 'CardDeclined: card 1881');
    demo.child.kill('SIGINT');
    const { exitCode } = await demo.child;
    expect(exitCode).toBe(0);
    expect(demo.stderr).toContain('Ctrl-C ends it');
    expect(demo.stderr).toMatch(
      /demo: ran for \d+.*; \d+ jobs processed, \d+ failed, \d+ still waiting; all files are removed/,
    );
    for (const line of demo.stdout.trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('event');
    await demo.expectNothingLeft();
  });

  test.concurrent('keeps running when its log has no reader any more', async ({ demo }) => {
    await demo.has('job.finished');
    demo.child.stdout.destroy();
    const processed = async () => {
      const { stdout } = await demo.command('status', '--json', '--config', demo.config);
      return (JSON.parse(stdout) as { totals: { processed: number } }).totals.processed;
    };
    const before = await processed();
    await waitFor(async () => (await processed()) > before, { message: 'another job has been done' });
    demo.child.kill('SIGTERM');
    expect(await demo.child).toMatchObject({ exitCode: 0 });
    expect(demo.stderr).not.toContain('EPIPE');
    await demo.expectNothingLeft();
  });

  test.concurrent('can be inspected with the commands that it suggests', async ({ demo }) => {
    await demo.has('engine.started');
    const checked = await demo.command('check', demo.config);
    expect(checked).toMatchObject({ code: 0 });
    expect(checked.stdout.match(/^ok {3}script /gm)).toHaveLength(4);
    await demo.command('enqueue', '--config', demo.config, 'payments', 'Charge', 'my card', '99999');
    await demo.has('my card is good for 100.00 at most');
    demo.child.kill('SIGTERM');
    expect(await demo.child).toMatchObject({ exitCode: 0 });
    await demo.expectNothingLeft();
  });
});

describe('the demo, in trouble,', () => {
  test.concurrent('continues when its Redis is killed', async ({ demo }) => {
    await demo.has('job.finished');
    const socket = /redis-cli -s (\S+)/.exec(demo.stderr)?.[1] ?? '';
    const [, server = ''] = readFileSync(join(dirname(socket), 'lock'), 'utf8').split('\n');
    kill(Number(server));
    await demo.has('back after');
    const before = demo.stdout.length;
    await waitFor(() => demo.stdout.slice(before).includes('done SendMail'), {
      message: () => demo.stdout,
    });
    demo.child.kill('SIGTERM');
    expect(await demo.child).toMatchObject({ exitCode: 0 });
    expect(demo.stderr).toContain('was killed by signal 9; starting it again');
    await demo.expectNothingLeft();
  });

  test.concurrent('ends when its terminal is closed', async ({ demo }) => {
    await demo.has('engine.started');
    demo.child.kill('SIGHUP');
    expect(await demo.child).toMatchObject({ exitCode: 0 });
    await demo.expectNothingLeft();
  });

  test.concurrent('leaves nothing behind but its socket when it is killed', async ({ demo }) => {
    await demo.has('done SendMail');
    demo.child.kill('SIGKILL');
    await demo.child;
    await demo.expectNothingLeft(true);
  });
});

test('every example is executable', () => {
  const examples = fileURLToPath(new URL('../../../examples', import.meta.url));
  for (const name of readdirSync(examples).filter((file) => file !== 'README.md')) {
    expect(statSync(join(examples, name)).mode & 0o111, name).toBe(0o111);
  }
});
