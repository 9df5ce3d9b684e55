/**
 * `exec --watch`: runs the job again whenever its script, the config or its file changes. Each run is a process of its own,
 * so that it reads everything again and its figures are those of one run.
 *
 *     running ──ended──▶ waiting ──change──▶ running        running ──change──▶ ending ──ended──▶ running
 */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { styleText } from 'node:util';
import { execa } from 'execa';
import type { PoolConfig } from '../../config/config.ts';
import { checkStartable } from '../../engine/process/startable.ts';
import { entryFor } from '../../engine/single-job.ts';
import { payloadLine } from '../../engine/warm/stdin-delivery.ts';
import { visible } from '../../messages/visible.ts';
import type { Flags } from '../command-line/flags.ts';
import type { Io } from '../command-line/io.ts';
import { readConfig, shortPath } from '../files/load-config.ts';
import { print, wantsColors } from '../terminal/output.ts';
import { FileWatch } from './file-watch.ts';
import { codeOfSignal } from './job-report.ts';
import { type JobSource, readJob } from './job-source.ts';

export interface WatchedJob {
  readonly queue: string;
  readonly source: JobSource;
  /** Absolute. */
  readonly configFile: string;
  readonly flags: Flags;
}

/** @returns the exit code, after a signal */
export async function watchJob(io: Io, job: WatchedJob): Promise<number> {
  const { source, flags } = job;
  // Only once: STDIN can't be read again, and the failure may be gone by then.
  const payload = source.kind === 'file' ? null : await readJob(io, source, flags);
  const state: { run: Run | null; stoppedBy: NodeJS.Signals | null } = { run: null, stoppedBy: null };
  const stopped = new Promise<null>((done) => {
    const stop = (signal: NodeJS.Signals) => {
      state.stoppedBy ??= signal;
      state.run?.end(signal);
      done(null);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) io.process.on(signal, stop);
  });
  let scripts: readonly string[] = [];
  let configs: readonly string[] = [job.configFile];
  while (true) {
    const read = readConfig(io, job.configFile, flags.redis);
    // After a mistake in the config, the files of the previous run are still of interest.
    if (read.ok) configs = read.files;
    const entry = read.ok ? entryFor(read.config, job.queue) : null;
    if (entry !== null) scripts = await scriptFiles(io, entry, scripts);
    if (state.stoppedBy !== null) return codeOfSignal(state.stoppedBy);
    const files = [...scripts, ...configs, ...(source.kind === 'file' ? [resolve(io.cwd, source.path)] : [])];
    // Before the run, so that no change during the run is missed.
    const watch = new FileWatch(files);
    const run = new Run(io, job, payload, () =>
      say(io, `waiting for a change of ${named(io, files, 'or')}; press Ctrl-C to stop`),
    );
    state.run = run;
    const changed = await Promise.race([watch.changed, stopped]);
    watch.close();
    if (changed !== null) {
      const next = run.isOver ? 'running again' : 'stopping this run and running again';
      say(io, `${named(io, changed, 'and')} changed: ${next}`);
      // Its report is no longer wanted.
      run.end('SIGHUP');
    }
    await run.ended;
  }
}

/** One run, in a process and group of its own, so that only this process, not the terminal, sends it a signal at Ctrl-C. */
class Run {
  readonly ended: Promise<void>;
  isOver = false;
  #isWanted = true;
  readonly #child: ReturnType<typeof startRun>;

  /** @param onOver is called when it ends by itself */
  constructor(io: Io, job: WatchedJob, payload: Buffer | null, onOver: () => void) {
    this.#child = startRun(io, job, payload);
    this.ended = this.#untilEnd(io, job.flags.json).then(() => {
      if (this.#isWanted) onOver();
    });
  }

  end(signal: NodeJS.Signals): void {
    this.#isWanted = false;
    if (!this.isOver) this.#child.kill(signal);
  }

  async #untilEnd(io: Io, isJson: boolean): Promise<void> {
    const { stdout } = await this.#child;
    this.isOver = true;
    // One document per line, so that programs can separate them.
    if (isJson && stdout !== undefined && stdout.length > 0) {
      await print(io, payloadLine(Buffer.from(stdout)).toString());
    }
  }
}

function startRun(
  { program, cwd }: Io,
  { queue, source, configFile, flags }: WatchedJob,
  payload: Buffer | null,
) {
  const file = source.kind === 'file' ? source.path : '-';
  const args = ['exec', '--config', configFile, ...(flags.json ? ['--json'] : []), '--', queue, file];
  return execa(process.execPath, [program, ...args], {
    cwd,
    ...(payload === null ? { stdin: 'ignore' as const } : { input: payload }),
    stdout: flags.json ? ('pipe' as const) : ('inherit' as const),
    stderr: 'inherit',
    encoding: 'buffer',
    maxBuffer: Number.POSITIVE_INFINITY,
    detached: true,
    reject: false,
    // It gives the job its time itself.
    forceKillAfterDelay: false,
  });
}

/**
 * The files of the job's program, as far as its command line names them.
 *
 * @param known the files of the previous run: one that is missing for a moment still counts
 */
async function scriptFiles(io: Io, entry: PoolConfig, known: readonly string[]): Promise<string[]> {
  const directory = entry.cwd ?? io.cwd;
  const [program = '', ...words] = entry.script;
  const named = words.map((word) => resolve(directory, word));
  const found = program.includes('/') ? resolve(directory, program) : await programOnPath(entry);
  return [
    ...(found === null ? [] : [found]),
    ...named.filter((file) => isFile(file) || known.includes(file)),
  ];
}

async function programOnPath(entry: PoolConfig): Promise<string | null> {
  const report = await checkStartable(entry);
  return report.ok ? report.file : null;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** On STDERR, because STDOUT belongs to the job. */
function say({ stderr, env }: Io, text: string): void {
  const line = `watch: ${text}`;
  const shown = wantsColors(stderr, env) ? styleText('gray', line, { validateStream: false }) : line;
  stderr.write(`${shown}\n`);
}

function named(io: Io, files: readonly string[], last: 'and' | 'or'): string {
  const names = files.map((file) => visible(shortPath(io, file)));
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} ${last} ${names.at(-1)}`;
}
