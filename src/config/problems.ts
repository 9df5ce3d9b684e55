/**
 * Every sentence that this room says. Those about a field follow its path and a colon, and tell what the
 * value was and what is allowed. Not here, because they belong to a table: what each field allows
 * ("a whole number from …") stands in its definition, and the causes of syntax errors in json-cause.ts.
 */
import { kindOf, pathText, quoted, shown } from './value-text.ts';

export const problems = {
  /** Joins a field's path and what is wrong there. An empty path is the whole file. */
  at: (path: readonly unknown[], message: string): string =>
    path.length === 0 ? message : `${pathText(path)}: ${message}`,

  /** A problem with a value from elsewhere: an option of the command line, a variable of the environment. */
  option: (name: string, message: string): string => `${name}: ${message}`,

  // Files
  empty: (file: string): string => `${file}: the file is empty; write one with: resque-runner init --force`,
  notAnObjectFile: (file: string, value: unknown): string =>
    `${file}: the top level is ${kindOf(value)}, not an object such as { "runners": { … } }`,
  syntax: (file: string, place: Place, cause: string): string =>
    `${file}:${place.line}:${place.column}: ${cause}`,
  duplicate: (first: Place, again: Place): string =>
    `given twice, at ${first.line}:${first.column} and at ${again.line}:${again.column}`,

  // Fields
  missing: (): string => 'missing',
  unknownKey: (nearest: string | null, known: readonly string[]): string =>
    nearest === null
      ? `unknown key; known are ${known.map((key) => quoted(key)).join(', ')}`
      : `unknown key; did you mean ${quoted(nearest)}?`,
  notA: (value: unknown, allowed: string): string => `${shown(value)} is not ${allowed}`,
  /** For secrets: says what kind of value it was, never the value. */
  secretNotA: (value: unknown, allowed: string): string => `${kindOf(value)} is not ${allowed}`,
  below: (value: unknown, least: number): string => `${shown(value)} is below ${least}`,
  above: (value: unknown, most: number): string => `${shown(value)} is above ${most}`,
  emptyText: (): string => '"" is empty',
  emptyList: (allowed: string): string => `an empty array is not ${allowed}`,
  emptyProgram: (): string => 'begins with an empty string; the first word is the program',
  hasNul: (): string => 'contains a NUL character, which no program can be given',
  notUnicode: (): string => "has half of a surrogate pair, which Redis can't be sent",
  hasControl: (value: string): string => `${shown(value)} contains a control character`,
  neither: (value: unknown, options: readonly string[]): string =>
    `${shown(value)} is neither ${options.map((option) => quoted(option)).join(' nor ')}`,
  tilde: (value: string): string =>
    `${shown(value)} begins with "~", which only a shell expands; write the whole path`,

  // Keys that exclude or need each other
  conflict: (other: string): string => `can't be combined with ${quoted(other)}`,
  needs: (other: string): string => `has no meaning without ${quoted(other)}`,
  tlsOff: (): string => 'false contradicts "rediss://" in "url"',
  tlsOnSocket: (): string => 'has no meaning for a unix socket',

  // Runners
  noRunners: (): string => 'names no queue; give at least one, such as { "default": 5 }',
  noScript: (): string => 'missing; give the program that runs the jobs, here or in every runner',
  noScriptOfItsOwn: (): string => 'missing; give it here, or one for all runners at the top level',
  emptyQueueName: (): string => 'has an empty queue name',
  onlyNegations: (): string => 'only excludes queues; add one to watch, such as "*"',
  envName: (): string => 'is not the name of an environment variable: empty, or with "=" or NUL in it',

  backoffOrder: (first: number, longest: number): string =>
    `the first delay, ${first}, is longer than the longest, ${longest}`,

  // URLs. None of them repeats the URL: where it is malformed, no part is surely not the password.
  url: {
    shape: 'is not a Redis URL such as "redis://user:password@host:6379/0" or "unix:///run/redis.sock?db=0"',
    hostOnly: (text: string): string => `${quoted(text)} is not a Redis URL; write "redis://${text}"`,
    scheme: (scheme: string): string =>
      `a URL of ${quoted(`${scheme}:`)} is not one of redis:, rediss: and unix:`,
    strayAt:
      'has an "@" after the host; write special characters of the password in percent-encoding ("/" as %2F)',
    encoding: 'has a "%" that is not followed by two hex digits; write "%" itself as %25',
    fragment: 'has a "#"; write it in percent-encoding, as %23',
    host: 'has no valid host',
    port: 'has a port that is not a whole number from 1 to 65535',
    db: 'has a database that is not a whole number of at least 0',
    twoDbs: 'names two different databases, in its path and in its query',
    twice: (name: string): string => `has ${quoted(name)} twice`,
    option: 'has an unknown option after the "?"; known are "db", "username" and "password"',
    relative: 'has a relative path; write "unix:///run/redis.sock", or "unix:redis.sock" beside the config',
    noPath: 'has no path of a socket',
    control: 'contains a control character or a space',
  },
} as const;

/** A place in the text, both counted from 1; columns in UTF-16 units, as editors show them. */
export interface Place {
  readonly line: number;
  readonly column: number;
}
