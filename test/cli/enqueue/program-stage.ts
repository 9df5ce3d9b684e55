/** `enqueue` as the built program: for signals, for what it reads bit by bit, for memory. */
import { execa } from 'execa';
import { afterEach } from 'vitest';
import type { RedisServer } from '../../helpers/redis.ts';
import type { RedisProxy } from '../../helpers/redis-proxy.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { useDirectory } from '../directory.ts';
import { program } from '../program.ts';
import type { Outcome } from '../run-command.ts';
import { EnqueueStage } from './stage.ts';

export class EnqueueProgramStage extends EnqueueStage {
  readonly #running = new Set<ReturnType<typeof spawnProgram>>();

  start(args: readonly string[]) {
    const child = spawnProgram(this.arguments(args), this.directory);
    this.#running.add(child);
    void child.then(() => this.#running.delete(child));
    const run = {
      child,
      stderr: '',
      /** Types into its STDIN. */
      say: (text: string | Buffer) => child.stdin.write(text),
      outcome: async (): Promise<Outcome> => {
        const { exitCode, stdout, stderr } = await child;
        return { code: exitCode, stdout, stderr };
      },
      /** The id with which it can be resumed, once it has told. */
      id: () =>
        waitFor(() => /--resume ([0-9a-f]{8})/.exec(run.stderr)?.[1], {
          message: () => `it says how it could be resumed: ${run.stderr}`,
        }),
    };
    child.stderr.on('data', (chunk) => {
      run.stderr += String(chunk);
    });
    return run;
  }

  /** Starts to enqueue that file, and stops time behind one of the steps. */
  async startHeld(args: readonly string[] = []) {
    const { name, lines } = this.manySteps();
    const proxy = await this.through();
    const run = this.start(['--file', name, ...args]);
    await holdStep(proxy);
    await run.id();
    return { ...run, proxy, lines };
  }

  override async end(): Promise<void> {
    for (const child of this.#running) {
      child.kill('SIGKILL');
      await child;
    }
    await super.end();
  }
}

/** Holds back the answer to one of the steps, which is done by then. */
export async function holdStep(proxy: RedisProxy): Promise<void> {
  // The first is what each enqueue begins with.
  await waitFor(() => proxy.count('evalsha') > 1, { message: 'the steps have begun' });
  proxy.hold('evalsha');
  await waitFor(() => proxy.isHolding, { message: 'an answer is held back' });
}

function spawnProgram(args: readonly string[], cwd: string) {
  return execa(process.execPath, [program, ...args], {
    cwd,
    env: { RR_CONFIG: '' },
    stdin: 'pipe',
    reject: false,
    timeout: 25_000,
  });
}

export function useEnqueueProgram(server: RedisServer): EnqueueProgramStage {
  const stage = new EnqueueProgramStage(server, useDirectory());
  afterEach(() => stage.end());
  return stage;
}
