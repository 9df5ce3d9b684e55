/** `exec` in a directory of the test's own: scripts, a config, runs of the built program to their end. */
import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, vi } from 'vitest';
import { kill, type MarkedProcess, markVariable, processesMarked } from '../../helpers/processes.ts';
import { shellWords } from '../../helpers/shell-words.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { useDirectory } from '../directory.ts';
import { program } from '../program.ts';
import { runCommand } from '../run-command.ts';

export interface ExecOptions {
  /** STDIN, which otherwise is empty. */
  readonly input?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
  /** False where the test itself reads what it prints, or doesn't. */
  readonly isRead?: boolean;
}

export interface ExecOutcome {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** What `--json` tells; see `verdictJson`. */
export interface Document {
  readonly outcome: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly killedFor: string | null;
  readonly interruptedBy: string | null;
  readonly whyUnstartable: string | null;
  readonly durationMs: number | null;
  readonly cpu: { readonly userMs: number; readonly systemMs: number } | null;
  readonly peakMemoryBytes: number | null;
  readonly peakMemoryAtMostBytes: number | null;
  readonly queue: string;
  readonly entry: string;
  readonly mode: string;
  readonly worker: string;
  readonly command: readonly string[];
  readonly cwd: string;
  readonly payload: unknown;
  readonly failure: Readonly<Record<string, unknown>> | null;
  readonly resqueWeb: Readonly<Record<string, string>> | null;
}

export class ExecStage {
  readonly #directory: { readonly path: string };
  readonly #isProgram: boolean;
  #mark = '';

  constructor(directory: { readonly path: string }, isProgram: boolean) {
    this.#directory = directory;
    this.#isProgram = isProgram;
  }

  get directory(): string {
    return this.#directory.path;
  }

  /** What the environment of every process of this test holds. */
  get env(): Readonly<Record<string, string>> {
    return { RR_CONFIG: '', [markVariable]: this.#mark };
  }

  path(name: string): string {
    return join(this.#directory.path, name);
  }

  write(name: string, content: string | Buffer): string {
    writeFileSync(this.path(name), content);
    return this.path(name);
  }

  read(name: string): string {
    return existsSync(this.path(name)) ? readFileSync(this.path(name), 'utf8') : '';
  }

  /** An executable sh script; the test's directory is `$D` in it. @returns its path */
  script(body: string, name = 'job.sh'): string {
    const path = this.path(name);
    // Written beside and moved: a file that is open for writing can't be executed.
    writeFileSync(`${path}.new`, `#!/bin/sh\nD='${this.#directory.path}'\n${body}\n`);
    chmodSync(`${path}.new`, 0o755);
    renameSync(`${path}.new`, path);
    return path;
  }

  /** `job.sh`, executable, with this as its first line. */
  interpreted(hashbang: string): void {
    chmodSync(this.write('job.sh', `${hashbang}\n`), 0o755);
  }

  /** `cfg.json`: the script of `mail`, and what else is said of it. */
  config(entry: object = {}, rest: object = {}): void {
    const config = { runners: { mail: { concurrency: 1, ...entry } }, script: './job.sh', ...rest };
    this.write('cfg.json', JSON.stringify(config));
  }

  start(args: readonly string[], { input, env, isRead = true }: ExecOptions = {}) {
    return execa(process.execPath, [program, 'exec', ...args], {
      cwd: this.directory,
      env: { ...this.env, ...env },
      ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
      buffer: isRead,
      reject: false,
      forceKillAfterDelay: false,
      timeout: 20_000,
    });
  }

  async run(args: readonly string[], options: ExecOptions = {}): Promise<ExecOutcome> {
    if (!this.#isProgram) return await this.#runHere(args, options);
    const { exitCode, stdout, stderr } = await this.start(args, options);
    return { code: exitCode, stdout, stderr };
  }

  /** In the process of the test. What it starts inherits the mark from there. */
  async #runHere(args: readonly string[], { input = '', env }: ExecOptions): Promise<ExecOutcome> {
    vi.stubEnv(markVariable, this.#mark);
    try {
      return await runCommand(['exec', ...args], {
        cwd: this.directory,
        stdin: input,
        ...(env === undefined ? {} : { env }),
      });
    } finally {
      vi.unstubAllEnvs();
    }
  }

  /** Runs with `--json`. */
  async document(args: readonly string[], options: ExecOptions = {}): Promise<Document & { code?: number }> {
    const { code, stdout } = await this.run(['--json', ...args], options);
    return { ...(JSON.parse(stdout) as Document), ...(code === undefined ? {} : { code }) };
  }

  /**
   * Lets a shell run a command in which `$EXEC` stands for `resque-runner exec`. @returns what the shell printed
   */
  async shell(text: string): Promise<{ readonly stdout: string; readonly stderr: string }> {
    const command = `exec ${shellWords([process.execPath, program, 'exec'])}`;
    const { stdout, stderr } = await execa('bash', ['-c', text], {
      cwd: this.directory,
      env: { ...this.env, EXEC: this.script(`${command} "$@"`, 'exec'), D: this.directory },
      reject: false,
      timeout: 20_000,
    });
    return { stdout, stderr };
  }

  async waitForFile(name: string, text = ''): Promise<string> {
    await waitFor(() => existsSync(this.path(name)) && this.read(name).includes(text), {
      message: () => `${name} holds ${JSON.stringify(text)}: ${this.read(name)}`,
    });
    return this.read(name);
  }

  /** Of this test, with this in their command lines. */
  processes(command: string): MarkedProcess[] {
    return processesMarked(this.#mark).filter((each) => each.command.includes(command));
  }

  begin(): void {
    this.#mark = randomUUID();
  }

  async end(hasFailed: boolean): Promise<void> {
    try {
      if (hasFailed) return;
      await waitFor(() => processesMarked(this.#mark).length === 0, {
        message: () => `no process is left: ${JSON.stringify(processesMarked(this.#mark))}`,
      });
    } finally {
      for (const { pid } of processesMarked(this.#mark)) kill(pid);
    }
  }
}

/**
 * Call it once at the top of a test file. After each test, no process may be left.
 *
 * @param isProgram false: `run` and `document` run the command in the process of the test
 */
export function useExec({ isProgram = true } = {}): ExecStage {
  const stage = new ExecStage(useDirectory(), isProgram);
  beforeEach(() => stage.begin());
  afterEach(async ({ task }) => {
    await stage.end(task.result?.state === 'fail');
  });
  return stage;
}
