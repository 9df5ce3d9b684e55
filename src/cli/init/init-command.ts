/** `resque-runner init [FILE]`: writes a config. On a terminal it asks for what no flag gives, and tests the answers. */
import { resolve } from 'node:path';
import { visible } from '../../messages/visible.ts';
import { checkRedis } from '../check/redis.ts';
import { checkScripts } from '../check/scripts.ts';
import { type Verdict, verdictLine, warn } from '../check/verdict.ts';
import type { RunCommand } from '../command-line/command-spec.ts';
import { exitCodes, OperatingError, UsageError, untouched } from '../command-line/exit-codes.ts';
import type { Flags } from '../command-line/flags.ts';
import type { Io } from '../command-line/io.ts';
import { type ConfigIo, findConfig, redisOfEnvironment, shortPath } from '../files/load-config.ts';
import { canAsk, print } from '../terminal/output.ts';
import { exampleClass, makeExecutable, readRedis, readScript, redisField, writeExample } from './answers.ts';
import { askAll, type Given, type Outcome } from './dialogue.ts';
import { draftOf, hasPassword, namesRedis, problemWith, runnersOf, templateAnswers } from './draft.ts';
import { isPlainName } from './survey.ts';
import { assertWritable, writeConfig } from './write-config.ts';

const defaultFile = 'cfg.json';

export const run: RunCommand = async ({ invocation, io }) => {
  const { input, flags } = invocation;
  const file = resolve(io.cwd, input[0] ?? defaultFile);
  const given = readFlags(io, flags, file);
  await assertWritable(io, file, flags.force);
  if (flags.yes || !canAsk(io)) return await writeUnasked(io, given, file, flags.force);
  const outcome = await askAll(io, given, file);
  if (outcome === null) throw new OperatingError(untouched);
  return await carryOut(io, outcome, file, flags.force);
};

/** @throws UsageError for an invalid value */
function readFlags(io: Io, { redis, namespace, queue, script }: Flags, file: string): Given {
  if (redis !== null) {
    const result = readRedis(io, redis, file);
    if (!result.ok) throw new UsageError(`--redis: ${result.problem}`);
  } else {
    // Report an invalid one before the first question.
    redisOfEnvironment(io);
  }
  if (namespace !== null) refuse('--namespace', problemWith({ namespace }));
  if (queue !== null) refuse('--queue', problemWith({ runners: runnersOf(queue) }));
  if (script !== null) refuse('--script', problemWith({ script: script.trim() }));
  return { redis, namespace, queue, script };
}

function refuse(option: string, problem: string | null): void {
  if (problem !== null) throw new UsageError(`${option}: ${problem}`);
}

/** The template fills in what no flag gives. The config is written even if Redis or the script doesn't work yet. */
async function writeUnasked(io: Io, given: Given, file: string, mayOverwrite: boolean): Promise<number> {
  const { redis, namespace, queue, script } = given;
  const template = templateAnswers();
  const result = redis === null ? null : readRedis(io, redis, file);
  const found = script === null ? null : await readScript(io, script, file);
  const draft = draftOf(
    io,
    {
      redis: result?.ok === true ? redisField(io, result.redis, file) : unaskedRedis(io, template.redis),
      namespace,
      runners: queue === null ? template.runners : runnersOf(queue),
      script: found === null ? template.script : found.field,
    },
    file,
  );
  const verdicts = await Promise.all([
    checkRedis(io, draft.config),
    ...(found === null ? [] : [checkScripts(draft.config)]),
  ]);
  const isSecret = hasPassword(draft);
  await writeConfig(io, file, draft.text, { mayOverwrite, isSecret });
  for (const verdict of verdicts.flat()) await print(io, `${verdictLine(asWarning(verdict))}\n`);
  await print(
    io,
    nextSteps(io, {
      file,
      isSecret,
      namesRedis: namesRedis(draft),
      example: null,
      placeholders: found === null ? ['script'] : [],
      queue: draft.config.runners[0]?.key ?? '',
      jobClass: 'CLASS',
    }),
  );
  return exitCodes.clean;
}

/** `undefined`: the config leaves it to `REDIS_URL`. */
function unaskedRedis(io: Io, fallback: unknown): unknown {
  return redisOfEnvironment(io) === null ? fallback : undefined;
}

function asWarning(verdict: Verdict): Verdict {
  return verdict.level === 'FAIL' ? warn(verdict.subject, verdict.text) : verdict;
}

async function carryOut(
  io: Io,
  { answers, queue, script, work }: Outcome,
  file: string,
  mayOverwrite: boolean,
): Promise<number> {
  const draft = draftOf(io, answers, file);
  const isSecret = hasPassword(draft);
  await writeConfig(io, file, draft.text, { mayOverwrite, isSecret });
  const example = work === 'write example' ? script.program : null;
  if (example !== null) await writeExample(example);
  if (script.program !== null && work === 'make executable') await makeExecutable(script.program);
  const jobClass = example === null ? 'CLASS' : exampleClass;
  await print(
    io,
    nextSteps(io, {
      file,
      isSecret,
      namesRedis: namesRedis(draft),
      example,
      placeholders: [],
      queue,
      jobClass,
    }),
  );
  return exitCodes.clean;
}

export interface Written {
  /** Absolute path of the config. */
  readonly file: string;
  readonly isSecret: boolean;
  readonly namesRedis: boolean;
  /** Absolute path of the example, if there is one. */
  readonly example: string | null;
  /** Fields whose value is only a placeholder. */
  readonly placeholders: readonly string[];
  /** An entry of the config: a queue, or a pattern of queues. */
  readonly queue: string;
  /** Class of a job to try it with. */
  readonly jobClass: string;
}

export function nextSteps(io: ConfigIo, written: Written): string {
  const { file, isSecret, namesRedis, example, placeholders, queue, jobClass } = written;
  const name = visible(shortPath(io, file));
  // Commands find this config by themselves.
  const isFound = findConfig(io, null) === file;
  const argument = isFound ? '' : ` ${shellWord(shortPath(io, file))}`;
  const flag = isFound ? '' : ` --config ${shellWord(shortPath(io, file))}`;
  return [
    ...(example === null ? [] : [`wrote ${visible(shortPath(io, example))}, an example to start from`]),
    `wrote ${name}${isSecret ? ', readable only by you because it contains a password' : ''}`,
    ...(namesRedis ? [] : ['it has no "redis": set REDIS_URL wherever you use it, including services']),
    ...placeholders.map((field) => `edit it first: "${field}" is only a placeholder`),
    'next:',
    `  resque-runner check${argument}`,
    `  resque-runner exec ${isPlainName(queue) ? shellWord(queue) : 'QUEUE'} --class ${jobClass}${flag}`,
    `  resque-runner${argument}`,
    '',
  ].join('\n');
}

function shellWord(text: string): string {
  const shown = visible(text);
  return /^[\w@%+=:,./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`;
}
