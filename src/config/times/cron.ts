/**
 * Reads cron lines as resque-scheduler does, and writes them in the dialect of croner, which is not loaded here. Rewrites what
 * croner would read differently, and rejects what it can't do. Pure.
 */

export interface CronLine {
  /** In croner's dialect. */
  readonly pattern: string;
  /** Name of a time zone; `null` for that of the runner. */
  readonly zone: string | null;
}

/** Why a line can't be used, for people; follows the name of the field. */
export class CronProblem extends Error {
  override readonly name = 'CronProblem';
}

interface Field {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly names?: readonly string[];
}

const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const longestMonths = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const fields: readonly Field[] = [
  { name: 'second', least: 0, most: 59 },
  { name: 'minute', least: 0, most: 59 },
  { name: 'hour', least: 0, most: 23 },
  { name: 'day', least: 1, most: 31 },
  { name: 'month', least: 1, most: 12, names: months },
  { name: 'weekday', least: 0, most: 7, names: weekdays },
];

const nicknames: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@noon': '0 12 * * *',
  '@hourly': '0 * * * *',
};

/** @throws CronProblem */
export function readCron(text: string): CronLine {
  const [first = '', ...rest] = text.trim().split(/\s+/);
  const words = [...(nicknames[first.toLowerCase()] ?? first).split(' '), ...rest];
  const zone = words.length > 5 && isZone(words.at(-1) ?? '') ? (words.pop() ?? null) : null;
  if (zone !== null) checkZone(zone);
  if (words.length < 5 || words.length > 6) {
    throw new CronProblem(
      'must have five fields, or six with seconds, and an optional time zone, such as "0 3 * * * Europe/Berlin"',
    );
  }
  const its = fields.slice(-words.length);
  const parts = its.map((field, at) =>
    (words[at] ?? '')
      .toLowerCase()
      .split(',')
      .map((item) => readItem(item, field))
      .join(','),
  );
  checkDays(parts);
  return { pattern: parts.join(' '), zone };
}

function isZone(word: string): boolean {
  return /^[a-z]/i.test(word) && !new RegExp(`^(?:l|${weekdays.join('|')})(?![a-z])`, 'i').test(word);
}

function checkZone(zone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new CronProblem(`"${zone}" is not a time zone; use a name such as Europe/Berlin or UTC`);
  }
}

function readItem(item: string, field: Field): string {
  if (item.includes('%')) {
    throw new CronProblem(
      `"%" (every few weeks) is not supported, got "${item}"; use "every": "2w", or a week of the month such as mon#1`,
    );
  }
  const special = field.name === 'day' ? dayItem(item, field) : weekdayItem(item, field);
  if (special !== null) return special;
  const [, start, end, step] = /^(\*|\?|\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(item) ?? [];
  if (start === undefined) throw unreadable(item, field);
  const every = step === undefined ? 1 : Number(step);
  const last = field.names === weekdays ? 6 : field.most;
  if (every < 1 || every > last - field.least + 1) throw unreadable(item, field);
  if (start === '*' || start === '?') {
    if (end !== undefined) throw unreadable(item, field);
    return every === 1 ? '*' : `*/${step}`;
  }
  const from = numberOf(start, item, field);
  if (end === undefined && step === undefined) return String(from);
  const to = end === undefined ? last : numberOf(end, item, field);
  if (from === to) return String(from);
  if (step === undefined && from < to) return `${from}-${to}`;
  // Croner has no ranges over the end such as 22-2, and no steps without an end such as 5/15.
  const size = last - field.least + 1;
  const values: number[] = [];
  const first = from > last ? from - size : from;
  for (let value = first; value <= (to < first ? to + size : to); value += every) {
    values.push(value > last ? value - size : value);
  }
  return values.join(',');
}

/** The last day of the month, and the workday nearest to a day. */
function dayItem(item: string, field: Field): string | null {
  if (item === 'l' || item === '-1') return 'L';
  const day = /^(\d+)w$/.exec(item)?.[1];
  return day === undefined ? null : `${numberOf(day, item, field)}W`;
}

/** The nth weekday of a month, such as `mon#1` and `fri#L`. */
function weekdayItem(item: string, field: Field): string | null {
  if (field.names !== weekdays) return null;
  const [, day, which] = /^(\w+)#([1-5]|l|-1)$/.exec(item) ?? /^(\d)(l)$/.exec(item) ?? [];
  if (day === undefined || which === undefined) return null;
  return `${numberOf(day, item, field)}#${/\d$/.test(which) && which !== '-1' ? which : 'L'}`;
}

function numberOf(word: string, item: string, field: Field): number {
  const named = field.names?.indexOf(word) ?? -1;
  const value = named === -1 ? Number(word) : named + field.least;
  if (!/^\d+$/.test(word) && named === -1) throw unreadable(item, field);
  if (value < field.least || value > field.most) throw unreadable(item, field);
  return value;
}

function unreadable(item: string, { name, least, most, names }: Field): CronProblem {
  const named = names === undefined ? '' : `, a name such as ${names[1]}`;
  return new CronProblem(
    `the ${name} must be a number from ${least} to ${most}${named}, "*", a range such as ${least + 1}-${least + 3}, or a step such as */2, got "${item}"`,
  );
}

/** Refuses days that no month has, such as 30 February. */
function checkDays(parts: readonly string[]): void {
  const [day = '', month = '', weekday = ''] = parts.slice(-3);
  if (weekday !== '*' || !/^[\d,/-]+$/.test(day)) return;
  const earliest = Math.min(...day.split(',').map((item) => Number.parseInt(item, 10)));
  const named = /^[\d,]+$/.test(month) ? month.split(',').map((number) => Number(number)) : [1];
  const longest = Math.max(...named.map((number) => longestMonths[number - 1] ?? 31));
  if (earliest > longest) throw new CronProblem(`day ${earliest} never comes in month ${month}`);
}
