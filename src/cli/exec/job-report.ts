/** How the job ended, as an exit code and as JSON. */
import { constants } from 'node:os';
import type { Mode } from '../../config/config.ts';
import type { SingleJobEnd } from '../../engine/single-job.ts';
import { visible } from '../../messages/visible.ts';
import type { Payload } from '../../resque/format/payload.ts';
import { exitCodes } from '../command-line/exit-codes.ts';
import { membersOf, oneLine, resqueWebFields } from './record-view.ts';

export interface JobReport {
  readonly end: SingleJobEnd;
  readonly queue: string;
  /** Key of the config's entry. */
  readonly entry: string;
  readonly mode: Mode;
  readonly worker: string;
  readonly command: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  readonly payload: Payload;
  /** Name of the job's source. */
  readonly source: string;
  /** The signal that `exec` got before the job ended. */
  readonly interruptedBy: NodeJS.Signals | null;
  readonly configFile: string;
}

/** The same as coreutils' `timeout`. */
const timedOut = 124;

export function exitCodeOf({ end, interruptedBy }: JobReport): number {
  const { outcome, exitCode, signal, killedFor } = end;
  if (interruptedBy !== null) return codeOfSignal(interruptedBy);
  if (outcome === 'succeeded' || outcome === 'snoozed') return exitCodes.clean;
  if (outcome === 'unstartable') return exitCodes.runtimeError;
  if (killedFor === 'timeout') return timedOut;
  if (signal !== null) return codeOfSignal(signal);
  return exitCode === null || exitCode === 0 ? exitCodes.runtimeError : exitCode;
}

/** The exit code that shells use. @param signal a name, or `SIG34` for one without a name */
export function codeOfSignal(signal: string): number {
  const numbers: Readonly<Record<string, number>> = constants.signals;
  return 128 + (numbers[signal] ?? Number(signal.slice('SIG'.length)));
}

/** One JSON document. Integers of any size keep their digits in it. */
export function reportJson(report: JobReport): string {
  const { end, payload } = report;
  const { usage, record } = end;
  const members: Record<string, string> = {
    outcome: json(end.outcome),
    exitCode: json(end.exitCode),
    signal: json(end.signal),
    killedFor: json(end.killedFor),
    interruptedBy: json(report.interruptedBy),
    next: json(end.next),
    whyUnstartable: json(end.whyUnstartable),
    durationMs: json(end.durationMs),
    cpu: json(usage === null ? null : { userMs: usage.userMs, systemMs: usage.systemMs }),
    peakMemoryBytes: json(usage?.peakMemoryBytes ?? null),
    peakMemoryAtMostBytes: json(usage?.peakMemoryAtMostBytes ?? null),
    queue: json(report.queue),
    entry: json(report.entry),
    mode: json(report.mode),
    worker: json(report.worker),
    command: json(report.command),
    cwd: json(report.cwd),
    payload: payload.isObject ? oneLine(payload.embedded) : 'null',
    failure: record === null ? 'null' : objectText(membersOf(record), '  '),
    resqueWeb: json(record === null ? null : resqueWebFields(record)),
  };
  return objectText(Object.entries(members), '');
}

function objectText(members: readonly (readonly [string, string])[], indent: string): string {
  const lines = members.map(([name, text]) => `${indent}  ${JSON.stringify(name)}: ${text}`);
  return `{\n${lines.join(',\n')}\n${indent}}`;
}

function json(value: unknown): string {
  return visible(JSON.stringify(value));
}
