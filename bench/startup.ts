/**
 * The start time of the program, in turns with a bare start of Node: commands until they end, and a runner without a screen
 * until it waits for jobs. `--rounds=6` makes 12 runs of each.
 */
import { type Bench, runBench } from './lib/bench.ts';
import { numberFlag } from './lib/flags.ts';
import { type RedisServer, startRedis } from './lib/redis-server.ts';
import { percentileRow, printHeading, printTable, printVerdict, spreadText } from './lib/report.ts';
import { median, ratios } from './lib/statistics.ts';
import { launchRunner, runnerProgram, startRunner, writeConfig } from './lib/subjects.ts';
import { timeOf } from './lib/time-of.ts';

const queues = ['transcode', 'mailers', 'search', 'low'];

/** Notices when Redis gets a command, without polling, which would slow down the measured program. */
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

  /** @returns the time of the next one */
  next(command: string): Promise<number> {
    return new Promise((resolve) => this.#waiting.set(command, resolve));
  }

  /** The delay between sending a command and noticing it: the maximum error of all times. */
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

/** The time from the command until the runner waits for jobs. */
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

/** The limit of each command, as a multiple of a bare start of Node. */
const goals = { '--help': 1.5, status: 2.2, 'failed list': 2.2, health: 2.5, ready: 2.5 };

/** A runner on a Redis of its own, whose commands the watch doesn't see. @returns its config */
async function startAskedRunner(bench: Bench): Promise<string> {
  const spec = { redis: await startRedis(bench), runners: { mail: 1 }, script: '/bin/true' };
  await startRunner(bench, { ...spec, name: 'asked' });
  return writeConfig(bench, 'asked', spec);
}

async function measure(bench: Bench): Promise<void> {
  const redis = await startRedis(bench);
  await printHeading('startup: the time until the program is ready', redis);
  const watch = await Watch.start(bench, redis);
  await redis.client.rpush('resque:failed', ...Array.from({ length: 100 }, failure));
  const config = writeConfig(bench, 'startup', { redis, runners: { mail: 1 }, script: '/bin/true' });
  const asked = await startAskedRunner(bench);
  // Where `launchRunner` hides the sockets; `status` would ask that runner, too.
  const env = { TMPDIR: bench.directory, XDG_RUNTIME_DIR: '' };
  const program = [process.execPath, runnerProgram()] as const;
  const commands = {
    node: [process.execPath, '-e', '0'],
    '--version': [...program, '--version'],
    '--help': [...program, '--help'],
    status: [...program, 'status', config],
    'failed list': [...program, 'failed', 'list', '--config', config],
    health: [...program, 'health', asked],
  } as const;
  const samples: Record<keyof typeof commands | 'ready' | 'delay', number[]> = {
    node: [],
    '--version': [],
    '--help': [],
    status: [],
    'failed list': [],
    health: [],
    ready: [],
    delay: [],
  };
  const rounds = 2 * numberFlag('rounds', 6);
  // The first run reads the files from disk, so it isn't counted.
  for (let round = -1; round < rounds; round += 1) {
    const times = new Map<keyof typeof samples, number>();
    for (const [name, command] of Object.entries(commands)) {
      times.set(name as keyof typeof commands, await timeOf(command, name === 'health' ? env : {}));
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
    row('health', samples.health),
    row('without a screen, until it waits for jobs', samples.ready),
    row('delay of MONITOR, included in the last', samples.delay, 2),
  ]);
  for (const [name, goal] of Object.entries(goals)) {
    const values = samples[name as keyof typeof goals];
    const ratio = median(values) / median(samples.node);
    const what = name === 'ready' ? 'a runner without a screen waits for jobs' : `${name} ends`;
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
