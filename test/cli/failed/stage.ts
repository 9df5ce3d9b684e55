/** `resque-runner failed …` on a Redis of its own: the command, the list, and what it should say. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { changeScript } from '../../../src/resque/failed/change-script.ts';
import { isStep, startProxy } from '../../engine/proxies.ts';
import { type RedisOptions, type RedisServer, useRedis } from '../../helpers/redis.ts';
import { type Terminal, useTerminals } from '../../helpers/terminal.ts';
import { type Outcome, program, runProgram, useDirectory } from '../program.ts';

const key = 'resque:failed';
/** Entries of one RPUSH. */
const portion = 5_000;

export interface RecordOptions {
  readonly queue?: string;
  readonly jobClass?: string;
  readonly args?: readonly unknown[];
  readonly exception?: string;
  readonly error?: string;
  readonly [member: string]: unknown;
}

/** An entry as Resque writes it, with any members behind. */
export function record({
  queue = 'mail',
  jobClass = 'SendMail',
  args = [1],
  exception = 'Boom',
  error = 'it broke',
  ...rest
}: RecordOptions = {}): string {
  return JSON.stringify({
    failed_at: '2026/03/04 05:06:07 UTC',
    payload: { class: jobClass, args },
    exception,
    error,
    backtrace: ['job.rb:1', 'main.rb:2'],
    worker: 'web1:12:mail',
    queue,
    ...rest,
  });
}

/** As many different ones, the oldest with the error `0`. */
export function records(count: number, options: RecordOptions = {}): string[] {
  return Array.from({ length: count }, (_, at) => record({ ...options, error: String(at) }));
}

export function idOf(index: number, bytes: string | Buffer): string {
  return `${index}@${createHash('sha1').update(bytes).digest('hex').slice(0, 8)}`;
}

interface OpenOptions {
  readonly columns?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** A file for STDOUT, in the stage's directory. */
  readonly to?: string;
}

export interface FailedStage {
  readonly redis: ReturnType<typeof useRedis>;
  readonly url: string;
  /** The list, oldest first. */
  readonly list: () => Promise<string[]>;
  readonly fill: (...entries: (string | Buffer)[]) => Promise<void>;
  /** What waits on a queue, head first. */
  readonly queued: (queue?: string) => Promise<string[]>;
  /** Without a terminal; on the stage's Redis unless `--redis` is among the arguments. */
  readonly failed: (...args: string[]) => Promise<Outcome>;
  /** The same on its way, for what is done to it meanwhile. */
  readonly start: (...args: string[]) => ReturnType<typeof spawnProgram>;
  /** A shell's command line, in which `$failed` is the command and `$where` the flags that name the stage's Redis. */
  readonly pipe: (command: string) => readonly [string, ...string[]];
  /** On a terminal; says at its end what the exit code was: `came to 0`. */
  readonly open: (args: readonly string[], options?: OpenOptions) => Terminal;
  /** A file in the stage's directory. */
  readonly read: (name: string) => string;
}

function spawnProgram(args: readonly string[], cwd: string) {
  return execa(process.execPath, [program, ...args], {
    ...{ cwd, env: { RR_CONFIG: '' }, stdin: 'ignore', reject: false, timeout: 20_000 },
  });
}

export interface HeldWay {
  readonly url: string;
  /** Whether a step waits. */
  readonly isHolding: () => boolean;
  readonly goOn: () => void;
}

/** A way to Redis on which the nth change of the list, and all that follows, waits until it may go on. */
export async function holdAtStep(n: number, redis: RedisServer): Promise<HeldWay> {
  // A Redis that doesn't know the script is asked twice.
  await redis.client.script('LOAD', changeScript.source);
  const proxy = await startProxy(redis.port);
  let steps = 0;
  proxy.judge = (text) => {
    if (isStep(text)) steps += 1;
    return steps < n ? 'pass' : 'hold';
  };
  return {
    url: `redis://127.0.0.1:${proxy.port}`,
    isHolding: () => steps >= n,
    goOn() {
      proxy.judge = () => 'pass';
      proxy.release();
    },
  };
}

/** Call it once at the top of a test file. */
export function useFailedStage(redisOptions?: RedisOptions): FailedStage {
  const redis = useRedis(redisOptions);
  const directory = useDirectory();
  const terminals = useTerminals();
  const where = () => ['--redis', `redis://127.0.0.1:${redis.port}`];
  const placed = (args: readonly string[]) => (args.includes('--redis') ? args : [...args, ...where()]);
  const quoted = (words: readonly string[]) =>
    words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  return {
    redis,
    get url() {
      return `redis://127.0.0.1:${redis.port}`;
    },
    list: () => redis.client.lrange(key, 0, -1),
    async fill(...entries) {
      for (let at = 0; at < entries.length; at += portion) {
        await redis.client.rpush(key, ...entries.slice(at, at + portion));
      }
    },
    read: (name) => readFileSync(join(directory.path, name), 'utf8'),
    queued: (queue = 'mail') => redis.client.lrange(`resque:queue:${queue}`, 0, -1),
    failed: (...args) => runProgram(['failed', ...placed(args)], { cwd: directory.path }),
    start: (...args) => spawnProgram(['failed', ...placed(args)], directory.path),
    pipe(command) {
      const failed = `RR_CONFIG= ${quoted([process.execPath, program, 'failed'])}`;
      return [
        'bash',
        '-c',
        `cd ${quoted([directory.path])}; where=${quoted([where().join(' ')])}; ${command.replaceAll('$failed', failed)}`,
      ];
    },
    open(args, { columns = 80, env, to } = {}) {
      const words = quoted([process.execPath, program, 'failed', ...placed(args)]);
      const command = to === undefined ? words : `${words} > ${quoted([to])}`;
      return terminals.open({
        command: ['sh', '-mc', `${command}; echo "came to $?"; read -r _`],
        columns,
        cwd: directory.path,
        env: { RR_CONFIG: '', ...env },
      });
    },
  };
}
