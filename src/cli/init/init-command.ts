/** `resque-runner init [FILE]`: writes a config. Asks for what it isn't told, where there is a terminal, and tries it. */
import { resolve } from 'node:path';
import { checkRedis } from '../check/redis.ts';
import { checkScripts } from '../check/scripts.ts';
import { type Verdict, verdictLine, warn } from '../check/verdict.ts';
import type { RunCommand } from '../command-line/command-spec.ts';
import { exitCodes, OperatingError, UsageError, untouched } from '../command-line/exit-codes.ts';
import type { Flags } from '../command-line/flags.ts';
import { redisOfEnvironment } from '../files/load-config.ts';
import { canAsk, print } from '../terminal/output.ts';
import { askAll, type Given, type Outcome } from './dialogue.ts';
import { draftOf, hasPassword, namesRedis, problemWith, runnersOf, templateAnswers } from './draft.ts';
import { nextSteps } from './next-steps.ts';
import { readRedis, redisField } from './redis-answer.ts';
import { exampleClass, makeExecutable, readScript, writeExample } from './script-answer.ts';
import { assertWritable, writeConfig } from './write-config.ts';

const defaultFile = 'cfg.json';

export const run: RunCommand = async ({ invocation }) => {
  const { input, flags } = invocation;
  const file = resolve(input[0] ?? defaultFile);
  const given = readFlags(flags, file);
  await assertWritable(file, flags.force);
  if (flags.yes || !canAsk()) return await writeUnasked(given, file, flags.force);
  const outcome = await askAll(given, file);
  if (outcome === null) throw new OperatingError(untouched);
  return await carryOut(outcome, file, flags.force);
};

/** @throws UsageError where one can't be meant */
function readFlags({ redis, namespace, queue, script }: Flags, file: string): Given {
  if (redis !== null) {
    const result = readRedis(redis, file);
    if (!result.ok) throw new UsageError(`--redis: ${result.problem}`);
  } else {
    // A wrong one is told before the first question.
    redisOfEnvironment();
  }
  if (namespace !== null) refuse('--namespace', problemWith({ namespace }));
  if (queue !== null) refuse('--queue', problemWith({ runners: runnersOf(queue) }));
  if (script !== null) refuse('--script', problemWith({ script: script.trim() }));
  return { redis, namespace, queue, script };
}

function refuse(option: string, problem: string | null): void {
  if (problem !== null) throw new UsageError(`${option}: ${problem}`);
}

/** What no flag says is as in the template. What doesn't work yet is no reason not to write it. */
async function writeUnasked(given: Given, file: string, mayOverwrite: boolean): Promise<number> {
  const { redis, namespace, queue, script } = given;
  const template = templateAnswers();
  const result = redis === null ? null : readRedis(redis, file);
  const found = script === null ? null : await readScript(script, file);
  const draft = draftOf(
    {
      redis: result?.ok === true ? redisField(result.redis, file) : unaskedRedis(template.redis),
      namespace,
      runners: queue === null ? template.runners : runnersOf(queue),
      script: found === null ? template.script : found.field,
    },
    file,
  );
  const verdicts = await Promise.all([
    checkRedis(draft.config),
    ...(found === null ? [] : [checkScripts(draft.config)]),
  ]);
  const isSecret = hasPassword(draft);
  await writeConfig(file, draft.text, { mayOverwrite, isSecret });
  for (const verdict of verdicts.flat()) await print(`${verdictLine(asWarning(verdict))}\n`);
  await print(
    nextSteps({
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

/** `undefined`: the config says nothing, and `REDIS_URL` goes on saying it. */
function unaskedRedis(fallback: unknown): unknown {
  return redisOfEnvironment() === null ? fallback : undefined;
}

function asWarning(verdict: Verdict): Verdict {
  return verdict.level === 'FAIL' ? warn(verdict.subject, verdict.text) : verdict;
}

async function carryOut({ answers, queue, script, work }: Outcome, file: string, mayOverwrite: boolean) {
  const draft = draftOf(answers, file);
  const isSecret = hasPassword(draft);
  await writeConfig(file, draft.text, { mayOverwrite, isSecret });
  const example = work === 'write example' ? script.program : null;
  if (example !== null) await writeExample(example);
  if (script.program !== null && work === 'make executable') await makeExecutable(script.program);
  const jobClass = example === null ? 'CLASS' : exampleClass;
  await print(
    nextSteps({ file, isSecret, namesRedis: namesRedis(draft), example, placeholders: [], queue, jobClass }),
  );
  return exitCodes.clean;
}
