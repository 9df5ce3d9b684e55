/** `--help` of the program, of a group and of each command, from the tables of commands and flags. */
import { type CommandSpec, flagAbout, shownArgument } from './command-line/command-spec.ts';
import { type Flag, type FlagName, flags as flagTable, optionOf } from './command-line/flags.ts';
import { actionsOf, type CommandName, commandNames, commands, type GroupName, groups } from './commands.ts';
import type { HelpTopic } from './read-arguments.ts';

const flags: Readonly<Record<FlagName, Flag>> = flagTable;

/** Longer lines are hard to read. */
const mostColumns = 110;
const leastColumns = 72;
const flagColumn = 26;
const commandColumn = 46;

const epilogue = `The config is CONFIG; by default $RR_CONFIG, then ./cfg.json. Redis is --redis; by default the one in the
config, then $REDIS_URL, then localhost:6379.`;

const signals = `Signals: QUIT stops when running jobs have ended. TERM and INT stop after a short wait, a second one
immediately. HUP reloads the config. USR1 kills running jobs. USR2 pauses, CONT resumes.

Exit codes: 0 success, 1 an error outside the program, 2 a mistake in the command line or config.`;

/** @param columns of the terminal: only lines for copying may be longer */
export function helpOn(topic: HelpTopic, columns: number = mostColumns): string {
  const width = Math.min(mostColumns, Math.max(leastColumns, columns));
  if (topic === null) return programHelp(width);
  return topic in groups ? groupHelp(topic as GroupName, width) : commandHelp(topic as CommandName, width);
}

function programHelp(width: number): string {
  return [
    'resque-runner: runs a program for each job in Resque queues.',
    '',
    ...commandLines(width),
    row(width, commandColumn, 'resque-runner COMMAND --help', 'help on a command'),
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

/** A line for each command: its arguments and its summary. A group has one line for all its actions. */
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
      `The default action is \`${otherwise}\`. Help on an action: resque-runner ${otherwise} --help`,
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

/** Wraps paragraphs, but keeps paragraphs with indented lines as they are. */
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

/** Command, arguments and flags, wrapped. */
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
  if (!('value' in flag)) return optionOf(name);
  const isOptional = flag.kind === 'number' && flag.otherwise !== undefined;
  return `${optionOf(name)} ${isOptional ? `[${flag.value}]` : flag.value}`;
}

function flagRows(spec: CommandSpec, width: number): string[] {
  return spec.flags.map((name) => row(width, flagColumn, written(name), flagAbout(name, spec)));
}

/** A term, and its description in a second column. */
function row(width: number, column: number, term: string, text: string): string {
  const start = `  ${term}`;
  const gap = start.length < column ? ' '.repeat(column - start.length) : '  ';
  const lines = wrap(`${start}${gap}${text}`, ' ', width, ' '.repeat(column));
  return lines.join('\n').trimEnd();
}

/** Wraps a text at separators, which become spaces. Every line but the first starts with `indent`. */
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
