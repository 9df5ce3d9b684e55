/** Asks for the config on a terminal and tests the answers. Nothing is written before the last answer. */
import { basename } from 'node:path';
import type { RedisConfig } from '../../config/config.ts';
import { defaultConnection } from '../../config/files/parse-config.ts';
import { plural } from '../../messages/quantities.ts';
import { visible } from '../../messages/visible.ts';
import { describeRedis } from '../../resque/redis/connection.ts';
import { checkScripts } from '../check/scripts.ts';
import type { Io } from '../command-line/io.ts';
import { redisOfEnvironment, shortPath } from '../files/load-config.ts';
import {
  fitsExample,
  readRedis,
  readScript,
  redisField,
  type ScriptAnswer,
  scriptFault,
  withPassword,
} from './answers.ts';
import { type Answers, draftOf, problemWith, runnersOf, templateAnswers, withoutPassword } from './draft.ts';
import { type Choice, Prompts } from './prompts.ts';
import { type Backlog, surveyRedis } from './survey.ts';

/** Valid values from the command line; `null`: ask for it. */
export interface Given {
  readonly redis: string | null;
  readonly namespace: string | null;
  readonly queue: string | null;
  readonly script: string | null;
}

/** What to do about the script after writing the config. */
export type ScriptWork = 'none' | 'write example' | 'make executable';

export interface Outcome {
  readonly answers: Answers;
  readonly queue: string;
  readonly script: ScriptAnswer;
  readonly work: ScriptWork;
}

/** More than this is too many to choose from. */
const mostQueues = 50;
const defaultQueue = 'default';
const defaultScript = './job.sh';
const anyQueue = '*';

/**
 * @param file absolute path of the config
 * @returns `null` if the last answer was no
 * @throws Cancelled
 */
export async function askAll(io: Io, given: Given, file: string): Promise<Outcome | null> {
  const prompts = await Prompts.load(io);
  prompts.begin(`A config for resque-runner: ${visible(shortPath(io, file))}`);
  const { namespace } = given;
  const start: Answers = { ...templateAnswers(), namespace };
  const { redis, queues } = await askRedis(io, prompts, given.redis, start, file);
  const queue = given.queue ?? (await askQueue(prompts, queues));
  const known: Answers = { ...start, redis, runners: runnersOf(queue) };
  const { script, work } = await askScript(io, prompts, given.script, known, file);
  const answers = { ...known, script: script.field };
  prompts.show(shortPath(io, file), withoutPassword(draftOf(io, answers, file)));
  if (!(await prompts.agree(lastQuestion(io, file, script, work)))) return null;
  return { answers, queue, script, work };
}

async function askRedis(
  io: Io,
  prompts: Prompts,
  given: string | null,
  start: Answers,
  file: string,
): Promise<{ redis: unknown; queues: readonly Backlog[] }> {
  const fromEnvironment = given === null ? redisOfEnvironment(io) : null;
  let text =
    given ?? (fromEnvironment === null ? await askRedisText(io, prompts, undefined, file) : undefined);
  let redis = fromEnvironment ?? redisOf(io, text ?? '', file);
  for (;;) {
    const field = redis === fromEnvironment ? undefined : redisField(io, redis, file);
    const { config } = draftOf(io, { ...start, redis: field }, file);
    const source = field === undefined ? ', from REDIS_URL' : '';
    prompts.tell(`Connecting to ${visible(describeRedis(config.redis))}${source} …`);
    const { verdicts, isDenied, queues } = await surveyRedis(io, config);
    prompts.tellVerdicts(verdicts);
    if (verdicts.every(({ level }) => level !== 'FAIL')) return { redis: field, queues };
    const next = await prompts.choose("This Redis isn't usable.", redisChoices(redis, isDenied));
    if (next === 'keep') return { redis: field, queues };
    if (next === 'again') continue;
    if (next === 'password') {
      redis = withPassword(redis, await prompts.password('Password of Redis'));
      continue;
    }
    text = next === 'embedded' ? next : await askRedisText(io, prompts, text, file);
    redis = redisOf(io, text, file);
  }
}

type RedisChoice = 'password' | 'again' | 'another' | 'embedded' | 'keep';

function redisChoices(redis: RedisConfig, isDenied: boolean): Choice<RedisChoice>[] {
  const first: Choice<RedisChoice> = isDenied
    ? { value: 'password', label: 'Enter a password' }
    : { value: 'again', label: 'Try again' };
  return [
    first,
    { value: 'another', label: 'Use another Redis' },
    ...(redis.kind === 'embedded' ? [] : [{ value: 'embedded', label: 'Use an embedded Redis' } as const]),
    { value: 'keep', label: 'Keep it and fix it later' },
  ];
}

async function askRedisText(
  io: Io,
  prompts: Prompts,
  before: string | undefined,
  file: string,
): Promise<string> {
  const fallback = describeRedis(defaultConnection().redis).replace(/^redis:\/\/|\/0$/g, '');
  return await prompts.text({
    message: 'Where is Redis? host:port, a URL, or "embedded" for a private one',
    fallback,
    ...(before === undefined ? {} : { initial: before }),
    problem: (answer) => {
      const result = readRedis(io, answer, file);
      return result.ok ? null : result.problem;
    },
  });
}

function redisOf(io: Io, text: string, file: string): RedisConfig {
  const result = readRedis(io, text, file);
  if (!result.ok) throw new Error(`a Redis that was valid before: ${result.problem}`);
  return result.redis;
}

async function askQueue(prompts: Prompts, queues: readonly Backlog[]): Promise<string> {
  const typed = (fallback: string) =>
    prompts.text({
      message: 'Which queue? A name, a pattern such as mail_*, or a list such as high,low',
      fallback,
      problem: (answer) => problemWith({ runners: runnersOf(answer) }),
    });
  if (queues.length === 0) return await typed(defaultQueue);
  const shown = queues.slice(0, mostQueues);
  const more = queues.length - shown.length;
  const other = 'another';
  const choices: Choice<string>[] = [
    ...shown.map(({ queue, waiting }) => ({
      // With a prefix, because a queue may be named like another choice.
      value: `queue:${queue}`,
      label: `${queue}  (${plural(waiting, 'job')})`,
    })),
    { value: other, label: `Another queue, or a pattern${more > 0 ? ` (${more} more queues exist)` : ''}` },
    { value: `queue:${anyQueue}`, label: 'All queues: *' },
  ];
  const chosen = await prompts.choose('Which queue?', choices);
  return chosen === other ? await typed(defaultQueue) : chosen.slice('queue:'.length);
}

async function askScript(
  io: Io,
  prompts: Prompts,
  given: string | null,
  known: Answers,
  file: string,
): Promise<{ script: ScriptAnswer; work: ScriptWork }> {
  let text = given ?? (await askScriptText(prompts, undefined));
  for (;;) {
    const script = await readScript(io, text, file);
    const { config } = draftOf(io, { ...known, script: script.field }, file);
    const verdicts = (await checkScripts(config)).filter(({ subject }) => subject === 'script');
    prompts.tellVerdicts(verdicts);
    if (verdicts.every(({ level }) => level !== 'FAIL')) return { script, work: 'none' };
    const next = await prompts.choose("This program can't be started.", await scriptChoices(script));
    if (next !== 'another') return { script, work: next };
    text = await askScriptText(prompts, text);
  }
}

async function askScriptText(prompts: Prompts, before: string | undefined): Promise<string> {
  return await prompts.text({
    message: 'Which program runs the jobs?',
    fallback: defaultScript,
    ...(before === undefined ? {} : { initial: before }),
    problem: (answer) => problemWith({ script: answer.trim() }),
  });
}

async function scriptChoices(script: ScriptAnswer): Promise<Choice<ScriptWork | 'another'>[]> {
  const fault = await scriptFault(script);
  const { program } = script;
  const name = visible(basename(program ?? ''));
  const canWrite = fault === 'missing' && program !== null && fitsExample(program);
  return [
    ...(canWrite
      ? [{ value: 'write example', label: 'Write an example there, a short shell script' } as const]
      : []),
    ...(fault === 'not executable' ? [{ value: 'make executable', label: `chmod +x ${name}` } as const] : []),
    { value: 'another', label: 'Use another program' },
    { value: 'none', label: 'Keep it and fix it later' },
  ];
}

function lastQuestion(io: Io, file: string, { program }: ScriptAnswer, work: ScriptWork): string {
  const config = visible(shortPath(io, file));
  const script = visible(shortPath(io, program ?? ''));
  switch (work) {
    case 'none':
      return `Write ${config}?`;
    case 'write example':
      return `Write ${config} and ${script}?`;
    case 'make executable':
      return `Write ${config}, and make ${script} executable?`;
  }
}
