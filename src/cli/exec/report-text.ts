/** The report for people: how the job ended, what it used, and what Redis and resque-web would show. */
import { styleText } from 'node:util';
import { placeOf, causeOf as syntaxCause, tooDeep } from '../../config/json/json-cause.ts';
import type { ChildrenUsage } from '../../engine/process/children-usage.ts';
import { duration, nextRunText } from '../../messages/quantities.ts';
import { visible, visibleWithin } from '../../messages/visible.ts';
import { refusalText } from '../../resque/format/payload.ts';
import { shortPath } from '../files/load-config.ts';
import type { JobReport } from './job-report.ts';
import { membersOf, resqueWebFields } from './record-view.ts';

export interface TextOptions {
  /** Width of the terminal. */
  readonly columns: number;
  readonly hasColors: boolean;
  /** Paths below it are shown relative to it. */
  readonly cwd: string;
}

type Color = 'red' | 'green' | 'yellow' | 'bold' | 'gray';

const mebibyte = 1024 * 1024;
/** Lines of an error, a backtrace or arguments; `--json` has all of them. */
const mostLines = 8;
const nameColumns = 13;
const margin = ' '.repeat(2 + nameColumns);

export function reportText(report: JobReport, options: TextOptions): string {
  const { columns, hasColors } = options;
  const paint = (color: Color, text: string) =>
    hasColors ? styleText(color, text, { validateStream: false }) : text;
  const row = ([name, text]: readonly [string, string]): string => {
    const shown = text
      .split('\n')
      .map((line) => visibleWithin(line, Math.max(20, columns - nameColumns - 3)));
    const left = shown.length - mostLines;
    const kept = left > 1 ? [...shown.slice(0, mostLines), `… ${left} more lines`] : shown;
    const indented = kept.map((line, at) => (at === 0 || line === '' ? line : `${margin}${line}`));
    return `  ${paint('gray', name.padEnd(nameColumns))}${indented.join('\n')}`.trimEnd();
  };
  const block = (title: string, rows: readonly (readonly [string, string])[]): string[] =>
    rows.length === 0 ? [] : ['', paint('bold', title), ...rows.map(row)];
  const [color, headline, ...more] = headlineOf(report, options);
  const { record, outcome } = report.end;
  const isRetried = outcome === 'retried';
  return [
    paint(color, headline),
    ...more,
    ...facts(report).map(row),
    ...block(
      `The failure record that Redis would get${isRetried ? ' after the last attempt' : ''}`,
      record === null ? [] : membersOf(record),
    ),
    ...block('resque-web would show', record === null ? [] : webRows(record)),
    '',
  ].join('\n');
}

function nextRun({ next, outcome }: JobReport['end']): string {
  return next === null ? '' : nextRunText(next, outcome === 'snoozed');
}

/** Its color and its lines. */
function headlineOf(report: JobReport, options: TextOptions): [Color, string, ...string[]] {
  const { end, payload, interruptedBy, queue, configFile } = report;
  const after = end.durationMs === null ? '' : ` after ${duration(end.durationMs)}`;
  switch (end.outcome) {
    case 'succeeded':
      return [
        'green',
        `✓ succeeded${after}${interruptedBy === null ? '' : `, although interrupted by ${interruptedBy}`}`,
      ];
    case 'requeued':
      return [
        'yellow',
        `↺ interrupted by ${interruptedBy}${after}`,
        `  A worker would put it back on its queue, because "interrupted" is "requeue" in ${shown(options, configFile)}.`,
      ];
    case 'retried':
      return [
        'yellow',
        `✗ failed${after}`,
        `  A worker would run it again (${nextRun(end)}), and record the failure after the last attempt.`,
      ];
    case 'snoozed':
      return ['yellow', `↺ snoozed${after}`, `  A worker would run it ${nextRun(end)}.`];
    case 'unstartable':
      return [
        'red',
        `✗ not started: ${visible(end.whyUnstartable ?? '')}`,
        `  A worker would put the job back and pause ${visible(queue)} until the script can be started. Fix the script,`,
        `  or "script" in ${shown(options, configFile)}.`,
      ];
    case 'failed':
      if (!payload.isObject) {
        const place = syntaxPlace(report);
        const headline = `✗ not run: ${refusalText(payload)}`;
        return place === null ? ['red', headline] : ['red', headline, `  ${place}`];
      }
      return ['red', `✗ failed${after}: ${causeOf(report)}`];
  }
}

/** `job.json:3:14: expected a comma or closing brace`; `null` if it is JSON. */
function syntaxPlace({ payload, source }: JobReport): string | null {
  const text = payload.bytes.toString();
  if (text.trim() === '') return null;
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    const { offset, cause } = tooDeep(text) ?? syntaxCause(text, error);
    const { line, column } = placeOf(text, offset);
    return `${visibleWithin(source, 200)}:${line}:${column}: ${cause}`;
  }
}

function causeOf({ end, interruptedBy, mode }: JobReport): string {
  const { exitCode, signal, killedFor } = end;
  const how = signal === null ? (exitCode === null ? '' : `; exit code ${exitCode}`) : `; ended by ${signal}`;
  if (killedFor === 'timeout') return `timed out${how}`;
  if (killedFor === 'shutdown') return `interrupted by ${interruptedBy}${how}`;
  if (signal !== null) return `killed by signal ${signal}`;
  if (exitCode !== null && exitCode !== 0) return `exit code ${exitCode}`;
  return mode === 'persistent' ? 'its result reports a failure' : 'exit code 0';
}

function facts({
  end,
  queue,
  entry,
  command,
  cwd,
  worker,
  payload,
}: JobReport): (readonly [string, string])[] {
  const { usage } = end;
  const rows: (readonly [string, string])[] = [
    ['command', command.map(word).join(' ')],
    ['directory', cwd],
    ['queue', entry === queue ? queue : `${queue} (entry ${entry})`],
    ['worker', worker],
    // Otherwise the failure record has it.
    ...(end.record === null ? ([['job', payload.bytes.toString()]] as const) : []),
  ];
  // Nothing ran.
  if (end.durationMs === null) return rows;
  return [...rows, ['CPU', cpuText(usage)], ['peak memory', memoryText(usage)]];
}

/** A word of a command line, quoted for a shell. */
function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function cpuText(usage: ChildrenUsage | null): string {
  return usage === null ? 'unknown' : `${duration(usage.userMs)} user, ${duration(usage.systemMs)} system`;
}

function memoryText(usage: ChildrenUsage | null): string {
  const { peakMemoryBytes: peak, peakMemoryAtMostBytes: most } = usage ?? {};
  const text = (bytes: number) => `${(bytes / mebibyte).toFixed(1)} MiB`;
  if (typeof peak === 'number') return text(peak);
  return typeof most === 'number' ? `at most ${text(most)}` : 'unknown';
}

function webRows(record: string): (readonly [string, string])[] {
  const { worker, class: jobClass, arguments: args, exception, error, backtrace } = resqueWebFields(record);
  const rows: (readonly [string, string])[] = [
    ['Worker', worker],
    ['Class', jobClass],
    ['Arguments', args],
    ['Exception', exception],
    ['Error', error.trimEnd()],
  ];
  return backtrace === '' ? rows : [...rows, ['', backtrace]];
}

function shown(options: TextOptions, file: string): string {
  return visible(shortPath(options, file));
}
