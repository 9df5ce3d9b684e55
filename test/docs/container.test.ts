/**
 * What docs/deploy.md says about containers, tested without a container: the command of the Dockerfile runs as process 1
 * of a namespace of its own, as in a container.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, describe, expect, test } from 'vitest';
import { runCommand } from '../cli/run-command.ts';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { isAlive, kill } from '../helpers/processes.ts';
import { waitFor } from '../helpers/wait-for.ts';
import { repository } from './markdown.ts';

/** If users may not create namespaces, these tests are skipped. */
const unshare = [
  ...(process.getuid?.() === 0 ? [] : ['--map-root-user']),
  ...['--pid', '--fork', '--mount-proc', '--kill-child'],
];
const canUnshare = spawnSync('sh', ['-c', `unshare ${unshare.join(' ')} true`]).status === 0;

const stage = useEndToEnd();
let container: Container | null = null;

afterEach(async () => {
  await container?.remove();
  container = null;
});

/** Runs a command as process 1 of its namespace. */
class Container {
  readonly #process: ReturnType<typeof start>;
  output = '';

  constructor(command: readonly string[]) {
    this.#process = start(command);
    this.#process.all.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
    });
  }

  /** The pid of its process 1, as seen from outside. */
  async first(): Promise<number> {
    return await waitFor(() => childrenOf(this.#process.pid ?? 0)[0]?.pid, {
      message: 'the namespace exists',
    });
  }

  /** `docker stop`: TERM to process 1. @returns the exit code */
  async stop(): Promise<number | undefined> {
    process.kill(await this.first(), 'SIGTERM');
    let exitCode: number | undefined;
    void this.#process.then((end) => {
      exitCode = end.exitCode;
    });
    await waitFor(() => exitCode !== undefined, { message: () => `it has exited\n${this.output}` });
    return exitCode;
  }

  async remove(): Promise<void> {
    for (const { pid } of childrenOf(this.#process.pid ?? 0)) kill(pid);
    await this.#process;
  }

  /** Waits for a line of the log. */
  async waitFor(pattern: RegExp): Promise<void> {
    await waitFor(() => pattern.test(this.output), { message: () => `${pattern} in\n${this.output}` });
  }
}

function start(command: readonly string[]) {
  const program = join(repository, 'dist', 'resque-runner.js');
  stage.script(`exec '${process.execPath}' '${program}' "$@"`, { name: 'resque-runner' });
  return execa(
    'sh',
    ['-c', `exec unshare ${unshare.join(' ')} sh -c 'exec "$@"' sh "$@"`, 'sh', ...command],
    {
      cwd: stage.directory,
      env: {
        PATH: `${stage.directory}:${process.env.PATH}`,
        TMPDIR: stage.path('tmp'),
        XDG_STATE_HOME: stage.path('state'),
      },
      stdin: 'ignore',
      all: true,
      buffer: false,
      reject: false,
    },
  );
}

interface Child {
  readonly pid: number;
  readonly isZombie: boolean;
}

function childrenOf(parent: number): Child[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const [state, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return Number(ppid) === parent ? [{ pid: Number(name), isZombie: state === 'Z' }] : [];
      } catch {
        return []; // It has ended.
      }
    });
}

/** `CMD` of the Dockerfile. */
function dockerCommand(): string[] {
  return wordsOf('deploy/Dockerfile', /^CMD (.*)$/m)[0] ?? [];
}

/** The words of commands, as JSON, in a file of deploy/. */
function wordsOf(file: string, pattern: RegExp): string[][] {
  const text = readFileSync(join(repository, file), 'utf8');
  const all = text.matchAll(new RegExp(pattern, `g${pattern.flags}`));
  return [...all].map(([, words = 'null']) => JSON.parse(words) as string[]);
}

const short = { shutdownTimeout: 0.1, killAfter: 0.3 };
/** A job that leaves its group and its session, and then ends. */
const orphan = 'cat > /dev/null; setsid sh -c "sleep 0.01" > /dev/null 2>&1 & echo $! >> "$D/orphans"';

/** Runs the probes of Docker and Kubernetes as they stand in the files, but for the config. */
async function checkProbes(): Promise<void> {
  const docker = wordsOf('deploy/Dockerfile', /^HEALTHCHECK .* CMD (.*)$/m);
  const kubernetes = wordsOf('deploy/kubernetes.yaml', /exec: \{ command: (\[.*\]) \}/);
  expect([docker.length, kubernetes.length]).toEqual([1, 2]);
  const env = { TMPDIR: stage.path('tmp'), XDG_RUNTIME_DIR: '' };
  for (const [program, ...args] of [...docker, ...kubernetes]) {
    expect(program).toBe('resque-runner');
    const words = args.map((word) => word.replace('/etc/resque-runner/', ''));
    const { code, stdout } = await runCommand(words, { cwd: stage.directory, env });
    const state = words.includes('--ready') ? 'ready' : 'alive';
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `process 1 (${stage.path('cfg.json')}) is ${state}`,
    });
  }
}

describe.skipIf(!canUnshare)('as process 1', () => {
  test('a runner ends its jobs on TERM and exits with 0', async () => {
    const stubborn = stage.script(
      'trap "" TERM; touch "$D/runs"; cat > /dev/null; while :; do sleep 0.1; done',
    );
    stage.write('cfg.json', JSON.stringify(stage.config({ ...short, runners: { q: 1 }, script: stubborn })));
    container = new Container(dockerCommand());
    await container.waitFor(/"redis\.up"/);
    const first = await container.first();
    await checkProbes();
    expect(readFileSync(`/proc/${first}/status`, 'utf8')).toMatch(/^NSpid:.*\t1$/m);
    await stage.enqueue('q', { class: 'A', args: [] });
    await container.waitFor(/"job\.started"/);
    await waitFor(() => readdirSync(stage.directory).includes('runs'), { message: 'the job ignores TERM' });

    expect(await container.stop()).toBe(0);
    expect(await stage.failure()).toMatchObject({ exception: 'Resque::TermException', signal: 'SIGKILL' });
    expect(isAlive(first)).toBe(false);
  });

  test('it reaps processes that its jobs left running', async () => {
    const script = stage.script(orphan);
    stage.write('cfg.json', JSON.stringify(stage.config({ ...short, runners: { q: 3 }, script })));
    container = new Container(dockerCommand());
    const first = await container.first();
    await stage.enqueue('q', ...Array.from({ length: 5 }, () => ({ class: 'A', args: [] })));
    await stage.waitForFileLines('orphans', 5);
    await stage.waitForStat('processed', 5);
    await waitFor(() => childrenOf(first).length === 0, {
      message: () => `nothing is left: ${JSON.stringify(childrenOf(first))}`,
    });
    expect(await container.stop()).toBe(0);
  });

  test('a killed container that starts again recovers its own jobs after 40 s of silence', async () => {
    const script = stage.script('cat > /dev/null; echo $$ >> "$D/runs"; exec sleep 60');
    stage.write('cfg.json', JSON.stringify(stage.config({ ...short, runners: { q: 1 }, script })));
    container = new Container(dockerCommand());
    await container.waitFor(/"redis\.up"/);
    await stage.enqueue('q', { class: 'A', args: [] });
    await stage.waitForFileLines('runs');
    await container.remove();
    // Pretend that 40 s have passed.
    const runners = stage.key('runners');
    for (const [owner, text] of Object.entries(await stage.client.hgetall(runners))) {
      const entry = JSON.parse(text) as { seenAtMs: number };
      await stage.client.hset(
        runners,
        owner,
        JSON.stringify({ ...entry, seenAtMs: entry.seenAtMs - 41_000 }),
      );
    }

    container = new Container(dockerCommand());
    expect(await stage.failure()).toMatchObject({ exception: 'Resque::PruneDeadWorkerDirtyExit' });
    await container.waitFor(/"redis\.up"/);
    expect(await container.stop()).toBe(0);
  });
});

test('the Dockerfile copies exactly the files that the document puts beside it', () => {
  const file = readFileSync(join(repository, 'deploy/Dockerfile'), 'utf8');
  const copied = [...file.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, names = '']) =>
    names.split(' '),
  );
  expect(copied).toEqual(['resque-runner-*.tgz', 'cfg.json', 'job.sh']);
  const document = readFileSync(join(repository, 'docs/deploy.md'), 'utf8');
  expect(document).toContain('In a directory with both files, `job.sh` and the package from `npm pack`:');
  // The volume is mounted where the runner keeps outcomes.
  for (const text of [document, readFileSync(join(repository, 'deploy/kubernetes.yaml'), 'utf8')]) {
    expect(text).toContain('/home/runner/.local/state');
  }
});

test('a job that dies of a TERM from outside has failed, even if the runner is stopping', async () => {
  const script = stage.script('cat > /dev/null; echo $$ > "$D/job"; exec sleep 60');
  const runner = await stage.run({ runners: { q: 1 }, script, interrupted: 'requeue', shutdownTimeout: 20 });
  await stage.enqueue('q', { class: 'A', args: [] });
  const [pid] = await stage.waitForFileLines('job');
  runner.signal('SIGTERM');
  await runner.waitForLine('engine.stopping');
  process.kill(Number(pid), 'SIGTERM');
  expect(await runner.waitForExit()).toEqual({ code: 0, signal: undefined });
  expect(await stage.failure()).toMatchObject({ exception: 'Resque::DirtyExit', signal: 'SIGTERM' });
  expect(await stage.backlog('q')).toEqual([]);
});
