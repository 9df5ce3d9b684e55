/** The config that `init` is about to write: turns the answers into the text of the file and parses it. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Config } from '../../config/config.ts';
import { parseConfig } from '../../config/files/parse-config.ts';
import { spelledOut } from '../../config/files/variables.ts';
import { isObject } from '../../config/shapes.ts';
import { type ConfigIo, environmentRedis } from '../files/load-config.ts';
import { packageFile } from '../files/package-files.ts';

/** Values as they will be in the file. */
export interface Answers {
  /** `undefined`: omitted, because `REDIS_URL` has it. */
  readonly redis: unknown;
  /** `null`: the default. */
  readonly namespace: string | null;
  readonly runners: unknown;
  readonly script: unknown;
}

export interface Draft {
  readonly text: string;
  readonly config: Config;
}

const passwordMember = /("password": )"(?:[^"\\]|\\.)*"/;
/** Slots of a queue by default. */
const slots = 5;

/** The answers without any flags or questions. The script is a placeholder. */
export function templateAnswers(): Answers {
  const template: unknown = JSON.parse(readFileSync(packageFile('cfg.json.template'), 'utf8'));
  if (!isObject(template)) throw new TypeError('cfg.json.template is not an object');
  const { redis, runners, script } = template;
  return { redis, namespace: null, runners, script };
}

export function runnersOf(queue: string): unknown {
  return { [queue]: slots };
}

/** @param file absolute. @throws Error for an answer that the config doesn't accept; they were checked before */
export function draftOf(io: ConfigIo, answers: Answers, file: string): Draft {
  const text = textOf(answers, file);
  const result = parseConfig(text, { file, ...environmentRedis(io) });
  if (!result.ok) throw new Error(`init made a config that can't be used: ${result.problems.join('; ')}`);
  return { text, config: result.config };
}

/**
 * Why the config would reject an answer.
 *
 * @returns the first problem, without the name of the field; `null`: none
 */
export function problemWith(answer: Partial<Answers>): string | null {
  const good = { redis: {}, runners: runnersOf('default'), script: '/bin/true' };
  const { script = good.script, ...others } = answer;
  const whole = { ...good, ...(spelledOut(others) as object), script };
  const result = parseConfig(JSON.stringify(whole), { file: '/cfg.json' });
  const field = /^[a-z]+(?:\.[\w$]+|\[\d+\]|\["(?:[^"\\]|\\.)*"\])*: /i;
  return result.ok ? null : (result.problems[0] ?? '').replace(field, '');
}

/** The text for people, with any password hidden. */
export function withoutPassword({ text }: Draft): string {
  return text.replace(passwordMember, '$1"•••"');
}

/** Whether the file contains a password. */
export function hasPassword({ text }: Draft): boolean {
  return passwordMember.test(text);
}

/** Whether the file says where Redis is; otherwise that is up to `REDIS_URL`. */
export function namesRedis({ text }: Draft): boolean {
  return Object.hasOwn(JSON.parse(text) as object, 'redis');
}

/** Short enough to read at a glance: each object on one line, except the queues. */
function textOf({ redis, namespace, runners, script }: Answers, file: string): string {
  const fields: [string, string][] = [
    ['$schema', inline(schemaReference(dirname(file)))],
    ...(redis === undefined ? [] : [['redis', inline(spelledOut(redis))] as [string, string]]),
    ...(namespace === null ? [] : [['namespace', inline(spelledOut(namespace))] as [string, string]]),
    ['runners', block(runners)],
    ['script', inline(script)],
  ];
  return `{\n${fields.map(([name, value]) => `  ${JSON.stringify(name)}: ${value}`).join(',\n')}\n}\n`;
}

function block(value: unknown): string {
  if (!isObject(value)) return inline(value);
  const members = Object.entries(value).map(([name, own]) => `    ${JSON.stringify(name)}: ${inline(own)}`);
  return `{\n${members.join(',\n')}\n  }`;
}

function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, own]) => `${JSON.stringify(name)}: ${inline(own)}`);
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
}

const schemaName = 'cfg.schema.json';

/**
 * Where editors find the schema of a config file: a relative path if the package is part of the same project, so that it
 * works for everyone in the project; otherwise a URL, because editors accept no absolute path.
 *
 * @param directory absolute, of the config file
 */
export function schemaReference(directory: string, schema = packageFile(schemaName)): string {
  // Found like Node's modules, at a path that doesn't change: not in pnpm's store, not in a linked checkout.
  for (let at = directory; ; at = dirname(at)) {
    const installed = join(at, 'node_modules', 'resque-runner', schemaName);
    if (existsSync(installed)) return relativeTo(directory, installed);
    if (at === dirname(at)) break;
  }
  const isInPackage = `${directory}${sep}`.startsWith(`${dirname(schema)}${sep}`);
  return isInPackage ? relativeTo(directory, schema) : pathToFileURL(schema).href;
}

/** With a leading dot, which editors need to recognize a path. */
function relativeTo(directory: string, file: string): string {
  const path = relative(directory, file);
  return path.startsWith('..') ? path : `./${path}`;
}
