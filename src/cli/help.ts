/** `--help` of the program, of a group and of each command, from the one description that there is of them. */
import { type CommandSpec, flagAbout, shownArgument } from './command-line/command-spec.ts';
import { type Flag, type FlagName, flags as flagTable, optionOf } from './command-line/flags.ts';
import { actionsOf, type CommandName, commandNames, commands, type GroupName, groups } from './commands.ts';
import type { HelpTopic } from './read-arguments.ts';

const flags: Readonly<Record<FlagName, Flag>> = flagTable;

/** Columns beyond which lines are hard to read. */
const mostColumns = 110;
const leastColumns = 72;
const flagColumn = 26;
const commandColumn = 46;

const epilogue = `CONFIG is the argument, else $RR_CONFIG, else ./cfg.json. Redis is --redis, else what the config says, else
$REDIS_URL, else localhost:6379.`;

const signals = `Signals: QUIT waits for running jobs; TERM and INT give them a moment, a second one none; HUP reads the
config again; USR1 kills running jobs; USR2 pauses, CONT resumes.

Exit codes: 0 clean, 1 something outside failed, 2 a mistake in command line or config.`;

/** @param columns of the terminal: lines are no longer than that, but for what is to be copied */
export function helpOn(topic: HelpTopic, columns: number = mostColumns): string {
  const width = Math.min(mostColumns, Math.max(leastColumns, columns));
  if (topic === null) return programHelp(width);
  return topic in groups ? groupHelp(topic as GroupName, width) : commandHelp(topic as CommandName, width);
}

function programHelp(width: number): string {
  return [
    'resque-runner: waits on Resque queues and starts a program for each job.',
    '',
    ...commandLines(width),
    row(width, commandColumn, 'resque-runner COMMAND --help', 'more about a command'),
    '',
    ...paragraphs(epilogue, width),
    '',
    ...flagRows(commands.run, width),
    row(width, flagColumn, '--help, --version', ''),
    '',
    ...exampleLines(commands.run),
    '',
    ...paragraphs(signals, width),
  ].join('\n');
}

/** A line for each command: what it takes, and what it does. A group's actions are one line. */
export function commandLines(width = mostColumns): string[] {
  const told = new Set<string>();
  return commandNames.flatMap((name) => {
    const group = name.split(' ')[0] ?? '';
    if (!Object.hasOwn(groups, group)) {
      return row(width, commandColumn, called(name, argumentsText(name)), commands[name].summary);
    }
    if (told.has(group)) return [];
    told.add(group);
    return row(width, commandColumn, `resque-runner ${group} [ACTION]`, groups[group as GroupName].summary);
  });
}

function groupHelp(group: GroupName, width: number): string {
  const { summary, otherwise } = groups[group];
  return [
    `resque-runner ${group}: ${summary}`,
    '',
    ...actionsOf(group).map((name) =>
      row(width, commandColumn, called(name, argumentsText(name)), commands[name].summary),
    ),
    '',
    ...paragraphs(
      `Without an action it is \`${otherwise}\`. More about one: resque-runner ${otherwise} --help`,
      width,
    ),
    '',
    ...actionsOf(group).flatMap((name) => `  resque-runner ${commands[name].examples[0]}`),
  ].join('\n');
}

function commandHelp(name: CommandName, width: number): string {
  const spec = commands[name];
  return [
    ...usage(name, width),
    '',
    ...paragraphs(spec.about, width),
    '',
    ...(spec.flags.length === 0 ? [] : [...flagRows(spec, width), '']),
    ...exampleLines(spec),
  ].join('\n');
}

/** Lines that begin with a blank are as they are to be. */
function paragraphs(text: string, width: number): string[] {
  return text.split('\n\n').flatMap((paragraph, at) => {
    const lines = /^ /m.test(paragraph)
      ? paragraph.split('\n')
      : wrap(paragraph.replaceAll('\n', ' '), ' ', width, '');
    return at === 0 ? lines : ['', ...lines];
  });
}

function exampleLines(spec: CommandSpec): string[] {
  return spec.examples.map((example) => `  resque-runner ${example}`);
}

function argumentsText(name: CommandName): string {
  return commands[name].arguments.map(shownArgument).join(' ');
}

function called(name: CommandName, rest: string): string {
  return ['resque-runner', ...(name === 'run' ? [] : [name]), ...(rest === '' ? [] : [rest])].join(' ');
}

/** Command, arguments, flags, in lines that fit. */
function usage(name: CommandName, width: number): string[] {
  const spec = commands[name];
  const start = called(name, argumentsText(name));
  const indent = ' '.repeat(called(name, '').length + 1);
  return wrap(
    [start, ...spec.flags.map((flag) => `[${written(flag)}]`)].join('\u0000'),
    '\u0000',
    width,
    indent,
  );
}

/** `--redis URL` */
function written(name: FlagName): string {
  const flag = flags[name];
  return 'value' in flag ? `${optionOf(name)} ${flag.value}` : optionOf(name);
}

function flagRows(spec: CommandSpec, width: number): string[] {
  return spec.flags.map((name) => row(width, flagColumn, written(name), flagAbout(name, spec)));
}

/** A term and what it means, in a column beside it. */
function row(width: number, column: number, term: string, text: string): string {
  const start = `  ${term}`;
  const gap = start.length < column ? ' '.repeat(column - start.length) : '  ';
  const lines = wrap(`${start}${gap}${text}`, ' ', width, ' '.repeat(column));
  return lines.join('\n').trimEnd();
}

/** Breaks a text at a separator, which is written as a blank; `indent` begins every line but the first. */
function wrap(text: string, separator: string, columns: number, indent: string): string[] {
  const lines: string[] = [];
  let line: string | null = null;
  for (const word of text.split(separator)) {
    const longer: string = line === null ? word : `${line} ${word}`;
    if (line !== null && longer.length > columns) {
      lines.push(line);
      line = indent + word;
    } else {
      line = longer;
    }
  }
  return line === null ? lines : [...lines, line];
}
