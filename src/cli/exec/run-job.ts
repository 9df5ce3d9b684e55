/** Runs the job, shows its output, and prints the report. */
import type { Config } from '../../config/config.ts';
import { entryFor, SingleJob } from '../../engine/single-job.ts';
import { nearestWord } from '../../messages/nearest-word.ts';
import { visible, visibleWithin } from '../../messages/visible.ts';
import type { Payload } from '../../resque/format/payload.ts';
import { UsageError } from '../command-line/exit-codes.ts';
import type { Io } from '../command-line/io.ts';
import { shortPath } from '../files/load-config.ts';
import { print, wantsColors } from '../terminal/output.ts';
import { codeOfSignal, exitCodeOf, type JobReport, reportJson } from './job-report.ts';
import { Outlets } from './outlets.ts';
import { reportText, type TextOptions } from './report-text.ts';

export interface JobRun {
  readonly config: Config;
  /** Absolute. */
  readonly configFile: string;
  readonly queue: string;
  readonly payload: Payload;
  /** Name of its file, for messages about syntax errors. */
  readonly source: string;
  readonly isJson: boolean;
}

/** If no terminal reports its width. */
const usualColumns = 110;

/** @returns the exit code. @throws UsageError if no entry takes the queue */
export async function runJob(io: Io, run: JobRun): Promise<number> {
  const { config, configFile, queue, payload, source, isJson } = run;
  if (entryFor(config, queue) === null) throw new UsageError(unknownQueue(io, config, configFile, queue));
  const outlets = new Outlets(io, isJson);
  const job = new SingleJob({
    config,
    queue,
    payload,
    onOutput: (stream, chunk) => outlets.take(stream, chunk),
  });
  let interruptedBy: NodeJS.Signals | null = null;
  const interrupt = (signal: NodeJS.Signals) => {
    // After a second signal, slow readers aren't waited for.
    if (interruptedBy !== null) outlets.abandon();
    interruptedBy ??= signal;
    job.interrupt();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) io.process.on(signal, interrupt);
  // A bug in this program may end the process, too.
  io.process.on('exit', () => job.abandon());
  const end = await job.run();
  const { worker, command, entry } = job;
  const report: JobReport = {
    ...{ end, queue, worker, command, payload, source, interruptedBy, configFile },
    entry: entry.key,
    mode: entry.mode,
    cwd: entry.cwd ?? io.cwd,
  };
  await outlets.flushed();
  // The terminal is gone, or `--watch` runs the job again: there is nothing to report.
  if (interruptedBy === 'SIGHUP') return codeOfSignal('SIGHUP');
  const start = outlets.isInLine ? '\n' : '';
  const text = isJson ? `${reportJson(report)}\n` : reportText(report, textOptions(io));
  await print(io, `${start}${text}`);
  return exitCodeOf(report);
}

function textOptions({ stdout, env, cwd }: Io): TextOptions {
  return { columns: stdout.columns ?? usualColumns, hasColors: wantsColors(stdout, env), cwd };
}

function unknownQueue(io: Io, { runners }: Config, configFile: string, queue: string): string {
  const keys = runners.map(({ key }) => key);
  const nearest = nearestWord(queue.slice(0, 60), keys);
  const hint = nearest === null ? '' : `; did you mean "${visible(nearest)}"?`;
  return [
    `no entry of ${visible(shortPath(io, configFile))} serves the queue "${visibleWithin(queue, 60)}"${hint}`,
    `its entries are: ${visibleWithin(keys.join('  '), 1_000)}`,
  ].join('\n');
}
