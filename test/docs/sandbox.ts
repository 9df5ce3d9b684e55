/**
 * Runs the commands of a document in a directory of their own with the examples in it, with `resque-runner` on the PATH
 * and a home of their own. The Redis at localhost:6379 is really the tests' (see `redirect-redis.mjs`).
 */
import { randomUUID } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, expect } from 'vitest';
import { assertNoProcessLeft } from '../helpers/leaks.ts';
import { isAlive, kill, markVariable, processesMarked } from '../helpers/processes.ts';
import type { RedisServer } from '../helpers/redis.ts';
import { waitFor } from '../helpers/wait-for.ts';
import { repository } from './markdown.ts';

const blockLimitMs = 20_000;

export interface Ran {
  readonly exitCode: number | undefined;
  readonly output: string;
}

export class Sandbox {
  readonly #redis: RedisServer;
  readonly #root: string;
  readonly #mark = randomUUID();

  constructor(redis: RedisServer) {
    this.#redis = redis;
    this.#root = mkdtempSync(join(tmpdir(), 'rr-docs-'));
    for (const folder of ['work', 'bin', 'home', 'tmp', 'background']) mkdirSync(join(this.#root, folder));
    mkdirSync(join(this.#root, 'run'), { mode: 0o700 });
    cpSync(join(repository, 'examples'), join(this.directory, 'examples'), { recursive: true });
    const shim = fileURLToPath(new URL('command-shim.mjs', import.meta.url));
    this.#program('resque-runner', `exec '${process.execPath}' '${shim}' "$@"`);
    this.#program('redis-cli', `PATH=\${PATH#*:}; exec redis-cli -p ${redis.port} "$@"`);
  }

  get directory(): string {
    return join(this.#root, 'work');
  }

  /** A file that the document shows. */
  write(name: string, content: string): void {
    const path = join(this.directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }

  /** Runs a shell script to its end. A runner that it starts is connected by then. */
  async run(script: string): Promise<Ran> {
    const { exitCode, all, timedOut } = await execa('sh', ['-e', '-c', script], {
      cwd: this.directory,
      env: this.#environment,
      extendEnv: false,
      stdin: 'ignore',
      all: true,
      reject: false,
      timeout: blockLimitMs,
    });
    if (timedOut) throw new Error(`not ended within ${blockLimitMs} ms: ${script}\n${all}`);
    return { exitCode, output: all };
  }

  /** Waits until the started runners have nothing to do, as a reader would. */
  async settle(): Promise<void> {
    if (this.#runners().length === 0) return;
    const { client } = this.#redis;
    const queues = this.#runners().flatMap(({ log }) => queuesOf(log));
    const busy = async () => {
      const keys = await client.keys('*');
      const waiting = keys.filter((key) => queues.some((queue) => key.endsWith(`:queue:${queue}`)));
      const records = keys.filter((key) => /:worker:/.test(key) && !/:(started|payload)$/.test(key));
      // A connection that isn't blocked has just got a job, which isn't recorded yet.
      const clients = String(await client.client('LIST')).split('\n');
      const given = clients.filter(
        (line) => /name=resque-runner-wait/.test(line) && !/flags=\w*b/.test(line),
      );
      return [...waiting, ...records, ...given];
    };
    let left: string[] = [];
    await waitFor(
      async () => {
        left = await busy();
        return left.length === 0;
      },
      { message: () => `the jobs are done: ${left.join(', ')}\n${this.logs()}` },
    );
  }

  /** The logs of the started runners. */
  logs(): string {
    return this.#runners()
      .map(({ pid, log }) => `log of runner ${pid}:\n${log}`)
      .join('\n');
  }

  /** Stops the started runners and checks that they leave nothing behind. */
  async end(hasFailed: boolean): Promise<void> {
    try {
      if (hasFailed) return;
      for (const { pid } of this.#runners()) if (isAlive(pid)) process.kill(pid, 'SIGQUIT');
      await waitFor(() => this.#runners().every(({ pid }) => !isAlive(pid)), {
        message: () => `the runners have ended\n${this.logs()}`,
      });
      for (const { log } of this.#runners()) expect(log).toMatch(/"unwritten":0|stopped; \d+ processed/);
      await assertNoProcessLeft(this.#mark);
    } finally {
      for (const { pid } of processesMarked(this.#mark)) kill(pid);
      rmSync(this.#root, { recursive: true, force: true });
    }
  }

  get #environment(): Record<string, string> {
    const redirect = new URL('redirect-redis.mjs', import.meta.url).href;
    return {
      PATH: `${join(this.#root, 'bin')}:${process.env.PATH}`,
      HOME: join(this.#root, 'home'),
      LANG: 'C.UTF-8',
      TERM: 'xterm-256color',
      USER: 'ann',
      TMPDIR: join(this.#root, 'tmp'),
      XDG_RUNTIME_DIR: join(this.#root, 'run'),
      XDG_STATE_HOME: join(this.#root, 'home', 'state'),
      NODE_OPTIONS: `--import=${redirect}`,
      RR_DOCS_REDIS_PORT: String(this.#redis.port),
      RR_DOCS_BACKGROUND: join(this.#root, 'background'),
      [markVariable]: this.#mark,
    };
  }

  #program(name: string, body: string): void {
    writeFileSync(join(this.#root, 'bin', name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  }

  #runners(): { pid: number; log: string }[] {
    const folder = join(this.#root, 'background');
    return readdirSync(folder)
      .filter((name) => name.endsWith('.log'))
      .map((name) => ({
        pid: Number(name.replace('.log', '')),
        log: readFileSync(join(folder, name), 'utf8'),
      }));
  }
}

/** The queues that a runner's config names, without patterns. */
function queuesOf(log: string): string[] {
  const started = log.split('\n').find((line) => line.includes('"event":"engine.started"'));
  if (started === undefined) return [];
  const { runners } = JSON.parse(started) as { runners: { key: string }[] };
  const names = runners.flatMap(({ key }) => key.split(','));
  return names.map((name) => name.trim()).filter((name) => !/[*!?]/.test(name));
}

/** Call it once at the top of a test file. @returns the sandbox of the current test */
export function useSandbox(redis: RedisServer): () => Sandbox {
  let sandbox: Sandbox;
  beforeEach(() => {
    sandbox = new Sandbox(redis);
  });
  afterEach(async ({ task }) => {
    await sandbox.end(task.result?.state === 'fail');
  });
  return () => sandbox;
}
