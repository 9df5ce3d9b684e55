/** `resque-runner failed …` on a Redis of its own: the command, the list, and what it should say. */
import { createHash } from 'node:crypto';
import { useRedis } from '../helpers/redis.ts';
import { type Terminal, useTerminals } from '../helpers/terminal.ts';
import { type Outcome, program, runProgram, useDirectory } from './program.ts';

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
}

export interface FailedStage {
  readonly redis: ReturnType<typeof useRedis>;
  readonly url: string;
  /** The list, oldest first. */
  list(): Promise<string[]>;
  fill(...entries: (string | Buffer)[]): Promise<void>;
  /** What waits on a queue, head first. */
  queued(queue?: string): Promise<string[]>;
  /** Without a terminal; on the stage's Redis unless `--redis` is among the arguments. */
  failed(...args: string[]): Promise<Outcome>;
  /** A shell's command line, in which `$failed` is the command and `$where` the flags that name the stage's Redis. */
  pipe(command: string): readonly [string, ...string[]];
  /** On a terminal; says at its end what the exit code was: `came to 0`. */
  open(args: readonly string[], options?: OpenOptions): Terminal;
}

/** Call it once at the top of a test file. */
export function useFailedStage(): FailedStage {
  const redis = useRedis();
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
    queued: (queue = 'mail') => redis.client.lrange(`resque:queue:${queue}`, 0, -1),
    failed: (...args) => runProgram(['failed', ...placed(args)], { cwd: directory.path }),
    pipe(command) {
      const failed = `RR_CONFIG= ${quoted([process.execPath, program, 'failed'])}`;
      return [
        'bash',
        '-c',
        `cd ${quoted([directory.path])}; where=${quoted([where().join(' ')])}; ${command.replaceAll('$failed', failed)}`,
      ];
    },
    open(args, { columns = 80, env } = {}) {
      const command = quoted([process.execPath, program, 'failed', ...placed(args)]);
      return terminals.open({
        command: ['sh', '-mc', `${command}; echo "came to $?"; read -r _`],
        columns,
        cwd: directory.path,
        env: { RR_CONFIG: '', ...env },
      });
    },
  };
}
