/**
 * Redis refuses a single command, or finds a key of the wrong type: no job is lost, none starts twice, and the runner goes
 * on by itself when it may. The cases come from the scripts themselves, so a new command is covered without a change here.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { firstOwner, type TestEngine, useEngines } from '../stage.ts';

const stage = useEngines(useRedis());
const deliveries = ['at-most-once', 'at-least-once'] as const;
type Delivery = (typeof deliveries)[number];

/** The scripts of a runner: `check`, `enqueue` and changes of the failed list have their own, in other folders. */
const resque = fileURLToPath(new URL('../../../src/resque', import.meta.url));
const files = ['redis', 'workers', 'steps'].flatMap((folder) =>
  readdirSync(`${resque}/${folder}`)
    .filter((name) => name !== 'replay.ts')
    .map((name) => `${resque}/${folder}/${name}`),
);
const sources = [...files, `${resque}/failed/failed-limit.ts`].map((file) => readFileSync(file, 'utf8'));
const commands = [
  ...new Set(
    sources.flatMap((source) =>
      [...source.matchAll(/(?:redis\.p?call|read|need)\('([A-Z]+)'/g)].map(([, name = '']) => name),
    ),
  ),
].sort();

const jobs = 6;
const failing = 2;
/** Of the failing jobs. */
const failedLimit = 1;
const args = Array.from({ length: jobs }, (_, at) => at);

/** Dozens of engines share the processor. */
const timeoutMs = 40_000;

/** An engine with keys, and a Redis user, of its own. */
class Trial {
  readonly name: string;
  readonly delivery: Delivery;
  /** The command or the key that is in its way. */
  readonly obstacle: string;
  #engine: TestEngine | null = null;

  constructor(kind: string, delivery: Delivery, obstacle: string) {
    this.name = `${kind} ${delivery} ${obstacle}`;
    this.delivery = delivery;
    this.obstacle = obstacle;
  }

  get engine(): TestEngine {
    if (this.#engine === null) throw new Error('not started');
    return this.#engine;
  }

  get namespace(): string {
    return `ns-${this.name.replace(/\W/g, '-').toLowerCase()}`;
  }

  key(name: string): string {
    return `${this.namespace}:${name}`;
  }

  async begin(): Promise<void> {
    await stage.redis.call('ACL', 'SETUSER', this.namespace, 'reset', 'on', '>secret', '~*', '&*', '+@all');
  }

  async refuse(): Promise<void> {
    await stage.redis.call('ACL', 'SETUSER', this.namespace, `-${this.obstacle}`);
  }

  async grant(): Promise<void> {
    await stage.redis.call('ACL', 'SETUSER', this.namespace, `+${this.obstacle}`);
  }

  async enqueue(): Promise<void> {
    await stage.redis.sadd(this.key('queues'), 'mail');
    const payloads = args.map((arg) => JSON.stringify({ class: 'Job', args: [arg] }));
    await stage.redis.rpush(this.key('queue:mail'), ...payloads);
  }

  async start(): Promise<void> {
    // The first ones run until the obstacle is there; every third one fails.
    const script = stage.script(
      `read -r job || :; echo "$job" >> "$D/ran-${this.namespace}"
       while [ ! -e "$D/${this.#gate}" ]; do sleep 0.2; done
       case "$job" in *[25]*) exit 1;; esac`,
    );
    const runner = stage.runner('mail', script, { delivery: this.delivery, concurrency: 2 });
    this.#engine = await stage.start([runner], {
      namespace: this.namespace,
      user: { username: this.namespace, password: 'secret' },
      failedLimit,
      awaitRedis: false,
    });
  }

  /** Lets its jobs end. */
  proceed(): void {
    stage.write(this.#gate);
  }

  get #gate(): string {
    return `go-${this.namespace}`;
  }

  get starts(): number[] {
    return stage
      .lines(`ran-${this.namespace}`)
      .map((line) => (JSON.parse(line) as { args: [number] }).args[0])
      .sort((a, b) => a - b);
  }

  async counts(): Promise<{ processed: number; failed: number; failures: number }> {
    const [processed, failed] = await stage.redis.mget(this.key('stat:processed'), this.key('stat:failed'));
    const failures = await stage.redis.llen(this.key('failed')).catch(() => -1);
    return { processed: Number(processed), failed: Number(failed), failures };
  }

  /** It has no more to do, or says that Redis can't be used. */
  async settled(): Promise<void> {
    await waitFor(() => this.isDown || this.engine.all('job.finished').length >= jobs, {
      message: () => `${this.name} ends or is refused\n${this.engine.describe()}`,
      timeoutMs,
    });
  }

  get isDown(): boolean {
    const last = this.engine.events.findLast(({ type }) => type === 'redis.down' || type === 'redis.up');
    return last?.type === 'redis.down';
  }

  async done(hasCounts = true): Promise<void> {
    await waitFor(() => this.engine.all('job.finished').length >= jobs, {
      message: () => `${this.name}: all jobs end\n${this.engine.describe()}`,
      timeoutMs,
    });
    await this.engine.stop();
    expect(this.starts, `${this.name}: starts`).toEqual(args);
    const counts = await this.counts();
    expect(counts.failures, `${this.name}: failures`).toBe(failedLimit);
    if (hasCounts) expect(counts, `${this.name}: counts`).toMatchObject({ processed: jobs, failed: failing });
  }

  async clean(): Promise<void> {
    await stage.redis.call('ACL', 'DELUSER', this.namespace);
    const left = (await stage.redis.keys(`${this.namespace}:*`)).filter(
      (key) => !/:(failed|queues|stat:processed|stat:failed|runner:failed-removed)$/.test(key),
    );
    expect(left, `${this.name}: keys left`).toEqual([]);
    await stage.redis.del(
      ...['failed', 'queues', 'stat:processed', 'stat:failed', 'runner:failed-removed'].map((name) =>
        this.key(name),
      ),
    );
  }
}

/** One for each obstacle and delivery. They are all tried at the same time, because they wait a lot. */
function trialsOf(kind: string, obstacles: readonly string[]): Trial[] {
  return deliveries.flatMap((delivery) => obstacles.map((obstacle) => new Trial(kind, delivery, obstacle)));
}

async function connections(redis: Redis): Promise<number> {
  return Number(/total_connections_received:(\d+)/.exec(await redis.info('stats'))?.[1]);
}

/** While it is refused: a few tries a second, and one line. */
async function assertPatient(trials: readonly Trial[]): Promise<void> {
  const before = await connections(stage.redis);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const tries = (await connections(stage.redis)) - before;
  // Two connections each, that are opened again after 0.1, 0.2, 0.4 … s.
  expect(tries).toBeLessThan(10 * Math.max(1, trials.length));
}

/** Each refusal was told at most once, with the command's name; what is granted again heals. */
async function assertHeals(trials: readonly Trial[]): Promise<void> {
  for (const trial of trials) {
    const downs = trial.engine.all('redis.down');
    expect(downs.length, trial.engine.describe()).toBeLessThanOrEqual(1);
    if (downs.length > 0) expect(downs[0]?.reason.toUpperCase()).toContain(trial.obstacle);
  }
  await Promise.all(trials.map((trial) => trial.grant()));
  await Promise.all(trials.map((trial) => trial.done(!trial.name.endsWith('INCRBY'))));
  await Promise.all(trials.map((trial) => trial.clean()));
}

/** With all connected before the first job comes. */
async function startAll(trials: readonly Trial[]): Promise<void> {
  await Promise.all(trials.map((trial) => trial.begin()));
  await Promise.all(trials.map((trial) => trial.start()));
  await Promise.all(trials.map((trial) => trial.engine.wait('redis.up', 1, timeoutMs)));
  await Promise.all(trials.map((trial) => trial.enqueue()));
}

test('the commands are found in the scripts', () => {
  expect(commands.length).toBeGreaterThan(20);
});

test(`each of ${commands.length} commands may be refused from the start`, { timeout: 120_000 }, async () => {
  const trials = trialsOf('start', commands);
  for (const trial of trials) trial.proceed();
  await Promise.all(trials.map((trial) => trial.begin().then(() => trial.refuse())));
  await Promise.all(trials.map((trial) => trial.enqueue().then(() => trial.start())));
  await Promise.all(trials.map((trial) => trial.settled()));
  await assertPatient(trials.filter(({ isDown }) => isDown));
  await assertHeals(trials);
});

test(`each of ${commands.length} commands may be taken away while jobs run`, {
  timeout: 120_000,
}, async () => {
  const trials = trialsOf('later', commands);
  await startAll(trials);
  await Promise.all(
    trials.map(async (trial) => {
      await trial.engine.wait('job.started', 2, timeoutMs);
      await trial.refuse();
      trial.proceed();
    }),
  );
  await Promise.all(trials.map((trial) => trial.settled()));
  await assertPatient(trials.filter(({ isDown }) => isDown));
  await assertHeals(trials);
});

test('each key may be of the wrong type for a while', { timeout: 120_000 }, async () => {
  const owner = firstOwner;
  const worker = `${owner}-0:mail`;
  const names = [
    ...['failed', 'workers', 'workers:heartbeat', 'runners', 'queues', 'queue:mail', 'pause-all-workers'],
    ...[`runner:${owner}:step`, `runner:${owner}:held`, `runner:${owner}:held:mail`, 'runner:recoveries'],
    ...[`worker:${worker}`, `worker:${worker}:payload`, `worker:${worker}:started`],
    ...['stat:processed', 'stat:failed', `stat:processed:${worker}`, `stat:failed:${worker}`],
  ];
  const trials = trialsOf('type', names);
  await startAll(trials);
  await Promise.all(
    trials.map(async (trial) => {
      await trial.engine.wait('job.started', 2, timeoutMs);
      const key = trial.key(trial.obstacle);
      await stage.redis.eval(
        `if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('RENAME', KEYS[1], KEYS[2]) end
         redis.call('XADD', KEYS[1], '*', 'a', 'b')`,
        2,
        key,
        `aside:${key}`,
      );
      trial.proceed();
    }),
  );
  // What is unreadable pauses its queue instead.
  await Promise.all(
    trials.map((trial) => (trial.name.endsWith('queue:mail') ? Promise.resolve() : trial.settled())),
  );
  await assertPatient(trials.filter(({ isDown }) => isDown));
  for (const trial of trials) {
    expect(trial.engine.all('redis.down').length, trial.engine.describe()).toBeLessThanOrEqual(1);
  }
  await Promise.all(
    trials.map((trial) => {
      const key = trial.key(trial.obstacle);
      return stage.redis.eval(
        `local isWrong = redis.call('TYPE', KEYS[1]).ok == 'stream'
         if isWrong then redis.call('DEL', KEYS[1]) end
         if redis.call('EXISTS', KEYS[2]) == 0 then return end
         if isWrong then redis.call('RENAME', KEYS[2], KEYS[1]) else redis.call('DEL', KEYS[2]) end`,
        2,
        key,
        `aside:${key}`,
      );
    }),
  );
  await Promise.all(trials.map((trial) => trial.done(!trial.name.includes('stat:'))));
  await Promise.all(trials.map((trial) => trial.clean()));
});
