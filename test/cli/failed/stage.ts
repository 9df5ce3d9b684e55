/** Runs `resque-runner failed …` in the test's process, and prepares and reads its list. */
import { createHash } from 'node:crypto';
import { changeScript } from '../../../src/resque/failed/change-script.ts';
import { isStep, startProxy } from '../../engine/proxies.ts';
import { type RedisOptions, type RedisServer, useRedis } from '../../helpers/redis.ts';
import {
  type OpenCommand,
  type OpenOptions,
  type Outcome,
  openCommand,
  type RunningCommand,
  runCommand,
  startCommand,
} from '../run-command.ts';

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

/** An entry as Resque writes it, with more members at the end. */
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

/** As many different entries, the oldest with the error `0`. */
export function records(count: number, options: RecordOptions = {}): string[] {
  return Array.from({ length: count }, (_, at) => record({ ...options, error: String(at) }));
}

export function idOf(index: number, bytes: string | Buffer): string {
  return `${index}@${createHash('sha1').update(bytes).digest('hex').slice(0, 8)}`;
}

export interface FailedStage {
  readonly redis: ReturnType<typeof useRedis>;
  readonly url: string;
  /** The list, oldest first. */
  readonly list: () => Promise<string[]>;
  readonly fill: (...entries: (string | Buffer)[]) => Promise<void>;
  /** The jobs on a queue, head first. */
  readonly queued: (queue?: string) => Promise<string[]>;
  /** Without a terminal; on the stage's Redis unless `--redis` is among the arguments. */
  readonly failed: (...args: string[]) => Promise<Outcome>;
  /** The same, for tests that interfere while it works. */
  readonly start: (...args: string[]) => RunningCommand;
  /** On a simulated terminal. */
  readonly open: (args: readonly string[], options?: OpenOptions) => OpenCommand;
  /** The arguments, on the stage's Redis. */
  readonly placed: (args: readonly string[]) => string[];
}

export interface HeldWay {
  readonly url: string;
  /** Whether a step is being held. */
  readonly isHolding: () => boolean;
  readonly goOn: () => void;
}

/** A proxy to Redis that holds the nth change of the list, and everything after it, until `goOn`. */
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
  const url = () => `redis://127.0.0.1:${redis.port}`;
  const placed = (args: readonly string[]) => [
    'failed',
    ...args,
    ...(args.includes('--redis') ? [] : ['--redis', url()]),
  ];
  return {
    redis,
    get url() {
      return url();
    },
    list: () => redis.client.lrange(key, 0, -1),
    async fill(...entries) {
      for (let at = 0; at < entries.length; at += portion) {
        await redis.client.rpush(key, ...entries.slice(at, at + portion));
      }
    },
    queued: (queue = 'mail') => redis.client.lrange(`resque:queue:${queue}`, 0, -1),
    failed: (...args) => runCommand(placed(args)),
    start: (...args) => startCommand(placed(args)),
    open: (args, options) => openCommand(placed(args), options),
    placed,
  };
}
