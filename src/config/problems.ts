/**
 * All messages of this folder. A message about a field follows the field's path and a colon, and says what is allowed and
 * what the value was. What a field allows ("a whole number from …") is in its definition, and the causes of syntax errors
 * are in json/. Problems with cron lines are in times/cron.ts.
 */
import type { Place } from './json/json-cause.ts';
import { kindOf, pathText, quoted, shown } from './value-text.ts';

export const problems = {
  /** Joins a field's path and what is wrong there. An empty path is the whole file. */
  at: (path: readonly unknown[], message: string): string =>
    path.length === 0 ? message : `${pathText(path)}: ${message}`,

  /** A problem with a value from elsewhere: an option of the command line, a variable of the environment. */
  option: (name: string, message: string): string => `${name}: ${message}`,

  // Files
  empty: (file: string): string => `${file}: the file is empty; write one with: resque-runner init --force`,
  emptyIncluded: (file: string): string => `${file}: the file is empty; write {} into it, or remove it`,
  notAnObjectFile: (file: string, value: unknown): string =>
    `${file}: the top level must be an object such as { "runners": { … } }, got ${kindOf(value)}`,
  syntax: (file: string, place: Place, cause: string): string =>
    `${file}:${place.line}:${place.column}: ${cause}`,
  duplicate: (first: Place, again: Place): string =>
    `given twice, at ${first.line}:${first.column} and at ${again.line}:${again.column}`,

  // Environment variables. No message repeats the text around them, which may be a secret.
  variableUnset: (name: string): string =>
    `the environment variable ${name} is not set; set it, or write \${${name}:-DEFAULT}`,
  variableForm: (): string => 'a variable must be ${NAME} or ${NAME:-DEFAULT}; write $${ for a literal "${"',

  // Fields
  missing: (): string => 'missing',
  unknownKey: (nearest: string | null, known: readonly string[]): string =>
    nearest === null
      ? `unknown key; valid keys are ${known.map((key) => quoted(key)).join(', ')}`
      : `unknown key; did you mean ${quoted(nearest)}?`,
  onlyInEntries: (): string => 'can only be set in an entry of "runners"',
  notA: (value: unknown, allowed: string): string => `must be ${allowed}, got ${shown(value)}`,
  /** For secrets: says what kind of value it was, never the value. */
  secretNotA: (value: unknown, allowed: string): string => `must be ${allowed}, got ${kindOf(value)}`,
  below: (value: unknown, least: number): string => `must be ${least} or more, got ${shown(value)}`,
  above: (value: unknown, most: number): string => `must be ${most} or less, got ${shown(value)}`,
  emptyText: (): string => 'must not be empty',
  emptyList: (allowed: string): string => `must be ${allowed}, got an empty array`,
  emptyProgram: (): string => 'must begin with the program, got an empty string',
  hasNul: (): string => 'must not contain a NUL character',
  notUnicode: (): string => 'must not contain half of a surrogate pair',
  hasControl: (value: string): string => `must not contain control characters, got ${shown(value)}`,
  neither: (value: unknown, options: readonly string[]): string =>
    `must be ${eitherOf(options)}, got ${shown(value)}`,
  tilde: (value: string): string =>
    `${shown(value)} begins with "~", which only a shell expands; write the full path`,

  // Keys that exclude or need each other
  conflict: (other: string): string => `can't be combined with ${quoted(other)}`,
  needs: (other: string): string => `can only be used with ${quoted(other)}`,
  tlsOff: (): string => 'can\'t be false if "url" begins with "rediss://"',
  tlsOnSocket: (): string => "can't be used with a Unix socket",

  // Included files
  noFile: (): string => 'there is no such file',
  starInDirectory: (): string => 'only the last part of a path can contain "*"',
  notInIncluded: (): string =>
    "can't be set in an included file, only in the file that the runner starts with",
  circle: (names: readonly string[]): string => `circular include: ${names.join(' → ')}`,
  includedBefore: (name: string, by: string): string => `${quoted(name)} is already included by ${by}`,
  inTwoFiles: (kind: string, name: string, where: string): string =>
    `the ${kind} ${quoted(name)} is already in ${where}; it can only be in one file`,

  // Runners
  noRunners: (): string => 'must have at least one queue, such as { "default": 5 }',
  noRunnersAnywhere: (): string => 'must have at least one queue, here or in an included file',
  noIncludedFile: (): string => 'must have at least one queue, and "include" finds no file that can be used',
  noScript: (): string => 'missing; give the program that runs the jobs, here or in every entry of "runners"',
  noScriptOfItsOwn: (): string => 'missing; give it here, or one for all entries at the top level',
  emptyQueueName: (): string => 'has an empty queue name',
  onlyNegations: (): string => 'only excludes queues; add one to take jobs from, such as "*"',
  envName: (): string => 'the name of an environment variable must not be empty or contain "=" or NUL',

  // Schedules
  noTime: (): string => 'must have "cron", such as "0 3 * * *", or "every", such as "30m"',
  schedulerOff: (): string => 'can\'t be combined with "scheduler": "off", which would never enqueue them',

  backoffOrder: (first: number, longest: number): string =>
    `the first delay must not be longer than the longest, got ${first} and ${longest}`,

  // URLs. No message repeats a malformed URL, because any part of it may be the password.
  url: {
    shape: 'is not a Redis URL such as "redis://user:password@host:6379/0" or "unix:///run/redis.sock?db=0"',
    hostOnly: (text: string): string => `${quoted(text)} is not a Redis URL; write "redis://${text}"`,
    scheme: (scheme: string): string =>
      `a Redis URL must begin with redis:, rediss: or unix:, got ${quoted(`${scheme}:`)}`,
    strayAt: 'has an "@" after the host; percent-encode special characters in the password ("/" as %2F)',
    encoding: 'has a "%" that is not followed by two hex digits; write "%" itself as %25',
    fragment: 'has a "#"; percent-encode it as %23',
    host: 'has no valid host',
    port: 'its port must be a whole number from 1 to 65535',
    db: 'its database must be a whole number, 0 or more',
    twoDbs: 'has two different databases, in its path and in its query',
    twice: (name: string): string => `has ${quoted(name)} twice`,
    option: 'has an unknown option after the "?"; valid options are "db", "username" and "password"',
    relative:
      'has a relative path; write "unix:///run/redis.sock", or "unix:redis.sock" for a socket next to the config',
    noPath: 'has no path to a socket',
    control: 'contains a control character or a space',
  },
} as const;

/** `"a", "b" or "c"` */
function eitherOf(options: readonly string[]): string {
  const texts = options.map(quoted);
  return `${texts.slice(0, -1).join(', ')} or ${texts.at(-1) ?? ''}`;
}
