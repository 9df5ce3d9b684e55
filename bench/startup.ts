/**
 * How soon the program is ready, in turns with a bare start of Node: commands until they end, and a headless runner until
 * it waits for jobs. `--rounds=6` for 12 runs of each.
 */
import { type Bench, runBench } from './lib/bench.ts';
import { numberFlag } from './lib/flags.ts';
import { type RedisServer, startRedis } from './lib/redis-server.ts';
import { percentileRow, printHeading, printTable, printVerdict, spreadText } from './lib/report.ts';
import { median, ratios } from './lib/statistics.ts';
import { launchRunner, runnerProgram, writeConfig } from './lib/subjects.ts';
import { timeOf } from './lib/time-of.ts';

const queues = ['transcode', 'mailers', 'search', 'low'];

/** Sees when Redis gets a command, without asking again and again: that would slow down what is measured. */
class Watch {
  readonly #redis: RedisServer;
  readonly #waiting = new Map<string, (atMs: number) => void>();

  private constructor(redis: RedisServer) {
    this.#redis = redis;
  }

  static async start(bench: Bench, redis: RedisServer): Promise<Watch> {
    const watch = new Watch(redis);
    const monitor = await redis.client.monitor();
    bench.onDispose(() => monitor.disconnect());
    monitor.on('monitor', (_time: string, [command = '']: string[]) => watch.#take(command.toLowerCase()));
    return watch;
  }

  /** @returns when the next one came */
  next(command: string): Promise<number> {
    return new Promise((resolve) => this.#waiting.set(command, resolve));
  }

  /** From sending a command to seeing it: by so much, or less, everything is seen too late. */
  async delay(): Promise<number> {
    const seen = this.next('ping');
    const sentAt = performance.now();
    await this.#redis.client.ping();
    return (await seen) - sentAt;
  }

  #take(command: string): void {
    this.#waiting.get(command)?.(performance.now());
    this.#waiting.delete(command);
  }
}

/** From the command until it waits for jobs of its queues. */
async function timeToReady(bench: Bench, redis: RedisServer, watch: Watch): Promise<number> {
  const runners = Object.fromEntries(queues.map((queue) => [queue, 4]));
  const seen = watch.next('blpop');
  const startedAt = performance.now();
  const runner = launchRunner(bench, { redis, runners, script: '/bin/true' });
  const readyAt = await seen;
  // That it then waits, and doesn't only ask, is seen at leisure.
  await redis.waitForBlpop(1);
  await runner.stop();
  return readyAt - startedAt;
}

/** What is started, and how many times as long as a bare start of Node it may take. */
const goals = { '--help': 1.5, status: 2.2, 'failed list': 2.2, ready: 2.5 };

async function measure(bench: Bench): Promise<void> {
  const redis = await startRedis(bench);
  await printHeading('startup: how soon the program is ready', redis);
  const watch = await Watch.start(bench, redis);
  await redis.client.rpush('resque:failed', ...Array.from({ length: 100 }, failure));
  const config = writeConfig(bench, 'startup', { redis, runners: { mail: 1 }, script: '/bin/true' });
  const program = [process.execPath, runnerProgram()] as const;
  const commands = {
    node: [process.execPath, '-e', '0'],
    '--version': [...program, '--version'],
    '--help': [...program, '--help'],
    status: [...program, 'status', config],
    'failed list': [...program, 'failed', 'list', '--config', config],
  } as const;
  const samples: Record<keyof typeof commands | 'ready' | 'delay', number[]> = {
    node: [],
    '--version': [],
    '--help': [],
    status: [],
    'failed list': [],
    ready: [],
    delay: [],
  };
  const rounds = 2 * numberFlag('rounds', 6);
  // The first one reads the files from the disk: it isn't counted.
  for (let round = -1; round < rounds; round += 1) {
    const times = new Map<keyof typeof samples, number>();
    for (const [name, command] of Object.entries(commands)) {
      times.set(name as keyof typeof commands, await timeOf(command));
    }
    times.set('ready', await timeToReady(bench, redis, watch));
    times.set('delay', await watch.delay());
    if (round >= 0) for (const [name, time] of times) samples[name].push(time);
  }
  const row = (name: string, values: readonly number[], digits = 0) =>
    percentileRow(name, values, [0, 0.5, 0.9, 1], digits);
  printTable([
    ['ms', 'least', 'p50', 'p90', 'most', 'runs'],
    row('node -e 0', samples.node),
    row('--version', samples['--version']),
    row('--help', samples['--help']),
    row('status', samples.status),
    row('failed list', samples['failed list']),
    row('headless, until it waits for jobs', samples.ready),
    row('of the last: until MONITOR shows a command', samples.delay, 2),
  ]);
  for (const [name, goal] of Object.entries(goals)) {
    const values = samples[name as keyof typeof goals];
    const ratio = median(values) / median(samples.node);
    const what = name === 'ready' ? 'a headless runner waits for jobs' : `${name} ends`;
    printVerdict(
      `${what} within ${goal} bare starts of Node`,
      ratio <= goal,
      `${ratio.toFixed(2)}; round by round ${spreadText(ratios(values, samples.node), 2)}`,
    );
  }
}

function failure(): string {
  return JSON.stringify({
    failed_at: '2026/11/28 08:00:00 UTC',
    payload: { class: 'SendMail', args: ['you@example.org'] },
    exception: 'RuntimeError',
    error: 'the server said no',
    backtrace: ['mail.rb:12'],
    worker: 'host:1:mail',
    queue: 'mail',
  });
}

await runBench(measure);
