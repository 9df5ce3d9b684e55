/** `resque-runner schedule list`: the schedules of the config and of Redis, the next one first. */
import {
  knownSchedules,
  type TimedSchedule,
  timingText,
  withTimes,
} from '../../engine/scheduling/known-schedules.ts';
import { age, utcTime } from '../../messages/quantities.ts';
import { visible, visibleArgs, visibleJson, visibleWithin } from '../../messages/visible.ts';
import { environmentOf } from '../../resque/delayed/persistent-schedule.ts';
import { RecurringJobs } from '../../resque/delayed/recurring-jobs.ts';
import { span } from '../../ui/text/line.ts';
import type { CommandContext } from '../command-line/command-spec.ts';
import { exitCodes } from '../command-line/exit-codes.ts';
import { withTarget } from '../redis/target.ts';
import { print } from '../terminal/output.ts';
import { type Column, linePainter, outputWidth, table, warning } from '../terminal/table.ts';

/** Characters per cell: more than any terminal has columns. */
const longestCell = 1_000;
/** For a terminal that reports no width. */
const columnsUnknown = 80;

export async function run({ invocation: { flags }, io }: CommandContext): Promise<number> {
  await withTarget(io, flags, async (sender, { keys, lockPrefix, shown, schedules: own }) => {
    const jobs = new RecurringJobs(sender, keys, lockPrefix);
    const known = await knownSchedules(jobs, own, environmentOf(io.env));
    const { nowMs, schedules } = await withTimes(sender, jobs, known);
    if (flags.json) {
      const lines = schedules.map((each) => jsonSchedule(each, nowMs)).join(',\n');
      await print(io, `{"schedules":[${lines === '' ? '' : `\n${lines}\n`}]}\n`);
    } else if (schedules.length === 0) {
      const empty = `no schedules: the config has none, and ${keys.persistentSchedules} at ${shown} is empty`;
      io.stderr.write(`${visible(empty)}\n`);
    } else if (io.stdout.isTTY === true) {
      const paint = linePainter(io);
      const { head, line } = table(schedules, columnsAt(nowMs), outputWidth(io) ?? columnsUnknown);
      const lines = [head, ...schedules.map(line)];
      await print(io, lines.map((each) => `${paint(each).trimEnd()}\n`).join(''));
    } else {
      await print(io, schedules.map((each) => `${plainLine(each)}\n`).join(''));
    }
  });
  return exitCodes.clean;
}

function columnsAt(nowMs: number): Column<TimedSchedule>[] {
  const cell = (text: (each: TimedSchedule) => string) => (each: TimedSchedule) => ({
    text: visibleWithin(text(each), longestCell),
  });
  return [
    { title: 'NAME', least: 8, cell: cell(({ name }) => name) },
    {
      title: 'WHEN',
      least: 10,
      cell: cell((each) => (each.schedule === null ? '-' : timingText(each.schedule))),
    },
    { title: 'NEXT, UTC', cell: cell(({ next }) => timeText(next)) },
    { title: 'IN', align: 'right', isOptional: true, cell: cell(({ next }) => inText(next, nowMs)) },
    { title: 'LAST, UTC', isOptional: true, cell: cell(({ last }) => timeText(last)) },
    { title: 'QUEUE', least: 6, cell: cell(({ schedule }) => schedule?.queue ?? '-') },
    { title: 'JOB', least: 10, cell: jobCell },
    { title: 'FROM', isOptional: true, cell: cell(({ source }) => source) },
  ];
}

function timeText(seconds: number | null): string {
  return seconds === null ? 'never' : utcTime(seconds * 1_000).replace(' UTC', '');
}

function inText(next: number | null, nowMs: number): string {
  return next === null ? '-' : age(next * 1_000 - nowMs);
}

function jobCell({ schedule, problem }: TimedSchedule) {
  if (schedule === null)
    return { text: visibleWithin(problem ?? '', longestCell), mark: span('! ', warning) };
  return { text: visibleWithin(`${schedule.jobClass} ${schedule.args}`, longestCell) };
}

/** For `cut`, `awk` and similar tools: one line per schedule and nothing else. */
function plainLine(each: TimedSchedule): string {
  const { name, source, schedule, problem, next, last } = each;
  const times = [next, last].map((time) => isoTime(time) ?? '');
  const job = [schedule?.queue ?? '', schedule?.jobClass ?? '', schedule?.args ?? ''];
  return [name, schedule === null ? '' : timingText(schedule), ...times, ...job, source, problem ?? '']
    .map(visible)
    .join('\t');
}

function isoTime(seconds: number | null): string | null {
  return seconds === null ? null : new Date(seconds * 1_000).toISOString();
}

function jsonSchedule({ name, source, schedule, problem, next, last }: TimedSchedule, nowMs: number): string {
  const { timing, queue, jobClass, args, isUnique, description } = schedule ?? {};
  const members = {
    ...{ name, source },
    cron: timing?.kind === 'cron' ? timing.text : null,
    every: timing?.kind === 'every' ? timing.text : null,
    nextAt: isoTime(next),
    nextInSeconds: next === null ? null : Math.round(next - nowMs / 1_000),
    lastAt: isoTime(last),
    ...{ queue: queue ?? null, class: jobClass ?? null, unique: isUnique ?? false },
    ...{ description: description ?? '', problem },
  };
  return `${visibleJson(members).slice(0, -1)},"args":${args === undefined ? 'null' : visibleArgs(args)}}`;
}
