/**
 * How soon the program is there: `--version` to its end, and from the start of a headless runner until it waits for
 * jobs; in turns with a bare start of Node. `--rounds=6` for 12 runs of each.
 */
import { type Bench, runBench } from './lib/bench.ts';
import { numberFlag } from './lib/flags.ts';
import { type RedisServer, startRedis } from './lib/redis-server.ts';
import { percentileRow, printHeading, printTable, printVerdict } from './lib/report.ts';
import { median } from './lib/statistics.ts';
import { launchRunner, runnerProgram } from './lib/subjects.ts';
import { timeOf } from './lib/time-of.ts';

const goals = { version: 120, ready: 350 };
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

async function measure(bench: Bench): Promise<void> {
  const redis = await startRedis(bench);
  await printHeading('startup: how soon the program is there', redis);
  const watch = await Watch.start(bench, redis);
  const samples = {
    node: [] as number[],
    version: [] as number[],
    ready: [] as number[],
    delay: [] as number[],
  };
  const rounds = 2 * numberFlag('rounds', 6);
  // The first one reads the files from the disk: it isn't counted.
  for (let round = -1; round < rounds; round += 1) {
    const node = await timeOf([process.execPath, '-e', '0']);
    const version = await timeOf([process.execPath, runnerProgram(), '--version']);
    const ready = await timeToReady(bench, redis, watch);
    const delay = await watch.delay();
    if (round < 0) continue;
    samples.node.push(node);
    samples.version.push(version);
    samples.ready.push(ready);
    samples.delay.push(delay);
  }
  const row = (name: string, values: readonly number[], digits = 0) =>
    percentileRow(name, values, [0, 0.5, 0.9, 1], digits);
  printTable([
    ['ms', 'least', 'p50', 'p90', 'most', 'runs'],
    row('headless, until it waits for jobs', samples.ready),
    row('--version, to its end', samples.version),
    row('node -e 0, to its end', samples.node),
    row('of the first: until MONITOR shows a command', samples.delay, 2),
  ]);
  const p50 = { version: median(samples.version), ready: median(samples.ready), node: median(samples.node) };
  const figures = (ms: number) =>
    `${ms.toFixed(0)} ms, ${(ms / p50.node).toFixed(1)} times a bare start of Node`;
  printVerdict(
    `--version within ${goals.version} ms (median)`,
    p50.version <= goals.version,
    figures(p50.version),
  );
  printVerdict(
    `waits for jobs within ${goals.ready} ms (median)`,
    p50.ready <= goals.ready,
    figures(p50.ready),
  );
}

await runBench(measure);
