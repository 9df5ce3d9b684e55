/**
 * Steps of runner processes, deaths and recoveries in any order, on a real Redis: whatever comes when, each job is
 * in exactly one of queued, in flight, done and failed.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { resqueKeys } from '../../../src/resque/format/keys.ts';
import { heartbeatText, startedText } from '../../../src/resque/format/timestamps.ts';
import type { CommandSender } from '../../../src/resque/redis/send.ts';
import type { HeldJob, OutcomeWrite, StepRequest } from '../../../src/resque/steps/step.ts';
import { readStepReply, stepArguments } from '../../../src/resque/steps/step.ts';
import { stepScript } from '../../../src/resque/steps/step-script.ts';
import { DeadRunners } from '../../../src/resque/workers/dead-runners.ts';
import { recoverArguments, recoverScript } from '../../../src/resque/workers/recovery-script.ts';
import { heartbeatScript, unregisterScript } from '../../../src/resque/workers/registration.ts';
import { writeEntry } from '../../../src/resque/workers/runner-entry.ts';
import { randomCases } from '../../helpers/random-cases.ts';
import { useRedis } from '../../helpers/redis.ts';

const server = useRedis();
const keys = resqueKeys('resque');
const maxRecoveries = 2;
/** A place from which the processes can't be seen. */
const elsewhere = { identity: { machine: '' }, presenceOf: () => 'unknown' as const };
const slots = 2;
/** `held` is at-least-once, the others at-most-once; of `back` interrupted jobs go back. */
const queues = ['held', 'once', 'back'] as const;
type Queue = (typeof queues)[number];

interface Job extends HeldJob {
  isOnRecord: boolean;
}

/** What the model knows of Redis' doings beside what lies in its keys: how often a payload has succeeded. */
type Done = Map<string, number>;

/** A runner process, as far as Redis is concerned. */
class Process {
  static #count = 0;
  readonly name: string;
  readonly nonce = `nonce-${++Process.#count}`;
  isAlive = true;
  #step = 0;
  /** By worker. */
  readonly #hand = new Map<string, Job>();
  /** Held, without a worker. */
  #unowned: Job[] = [];
  /** On their way. */
  readonly #sent: StepRequest[] = [];
  #last: StepRequest | null = null;
  /** Which job an outcome is of. */
  readonly #told = new WeakMap<OutcomeWrite, string>();

  constructor(name: string) {
    this.name = name;
  }

  async start(): Promise<void> {
    const { redis } = this;
    const entry = writeEntry({
      machine: 'm',
      pid: 1,
      startedAt: '1',
      requeues: ['back'],
      maxRecoveries,
      nonce: this.nonce,
      seenAtMs: 0,
    });
    const times = [startedText(new Date()), heartbeatText(new Date())];
    const worker = `${this.name}-0:held`;
    await redis.set(keys.runnerStep(this.name), `${this.nonce} 0`);
    const about = [this.name, this.nonce, 0, entry, worker];
    await redis.eval(heartbeatScript.source, 0, keys.prefix, ...times, ...about);
  }

  get redis() {
    return server.client;
  }

  get hasSent(): boolean {
    return this.#sent.length > 0;
  }

  /** Takes what there is for its free slots. */
  reserve(queue: Queue): void {
    const workers = this.#freeWorkers(queue);
    if (workers.length > 0) {
      this.#send({ reservations: [{ queues: [queue], workers, isHeld: queue === 'held' }] });
    }
  }

  /** As BLMOVE does it, outside of any step. */
  async move(): Promise<void> {
    await this.redis.sadd(keys.heldQueues(this.name), 'held');
    const moved = await this.redis.lmove(keys.queue('held'), keys.held(this.name, 'held'), 'LEFT', 'RIGHT');
    if (moved === null || !this.isAlive) return;
    const job: Job = { queue: 'held', payload: Buffer.from(moved), isOnRecord: false };
    const [worker] = this.#freeWorkers('held');
    if (worker === undefined) this.#unowned.push(job);
    else this.#hand.set(worker, job);
  }

  /** Puts on record what was moved, and puts back what has no slot. */
  settle(): void {
    const begins = [...this.#hand].filter(([, job]) => !job.isOnRecord);
    for (const [, job] of begins) job.isOnRecord = true;
    const returns = this.#unowned.map(({ queue, payload }) => ({ queue, payload, isHeld: true }));
    this.#unowned = [];
    this.#send({
      returns,
      begins: begins.map(([worker, { queue, payload }]) => ({
        worker,
        record: JSON.stringify({ queue, run_at: 'now', payload: JSON.parse(payload.toString()) }),
        payload: null,
      })),
    });
  }

  finish(kind: 'success' | 'failure' | 'requeue'): void {
    const [entry] = this.#hand;
    if (entry === undefined) return;
    const [worker, { queue, payload }] = entry;
    this.#hand.delete(worker);
    const held = queue === 'held' ? { queue, payload } : null;
    const record = JSON.stringify({ payload: JSON.parse(payload.toString()) });
    const outcome: OutcomeWrite =
      kind === 'success'
        ? { kind, worker, held }
        : kind === 'failure'
          ? { kind, worker, held, record }
          : { kind, worker, held, queue, payload };
    this.#told.set(outcome, payload.toString());
    this.#send({ outcomes: [outcome] });
  }

  /** The step that was sent last arrives once more. */
  async repeat(done: Done): Promise<void> {
    if (this.#last !== null && !this.hasSent) await this.#carryOut(this.#last, done);
  }

  /** What was sent first arrives. */
  async deliver(done: Done): Promise<void> {
    const batch = this.#sent.shift();
    if (batch === undefined) return;
    this.#last = batch;
    const jobs = await this.#carryOut(batch, done);
    for (const { worker, queue, payload } of jobs) {
      this.#hand.set(worker, { queue, payload, isOnRecord: true });
    }
  }

  async deliverAll(done: Done): Promise<void> {
    while (this.hasSent) await this.deliver(done);
  }

  async leave(done: Done): Promise<void> {
    await this.deliverAll(done);
    this.settle();
    while (this.#hand.size > 0) this.finish('success');
    await this.deliverAll(done);
    const own = (await this.redis.keys('resque:*')).filter((key) => key.includes(`orker:${this.name}-`));
    if (own.length > 0) await this.redis.del(own);
    await this.redis.eval(unregisterScript.source, 0, keys.prefix, this.name, this.nonce, 0, 1);
    this.isAlive = false;
  }

  async #carryOut(batch: StepRequest, done: Done) {
    const isNew = (await this.redis.get(keys.runnerStep(this.name))) === `${this.nonce} ${batch.step - 1}`;
    const owner = { name: this.name, nonce: this.nonce };
    const args = stepArguments(keys, owner, batch, new Date(), new Date());
    const reply = await this.redis
      .callBuffer('EVAL', [stepScript.source, 0, ...args])
      .catch((error: Error) => {
        expect(error.message).toMatch(/^FORGOTTEN/);
        expect(this.isAlive).toBe(false);
        return [];
      });
    if (!isNew) expect(reply).toEqual([]);
    for (const outcome of isNew ? batch.outcomes : []) {
      if (outcome.kind !== 'success') continue;
      const job = this.#told.get(outcome) ?? '';
      done.set(job, (done.get(job) ?? 0) + 1);
    }
    return readStepReply(batch, reply).jobs;
  }

  #freeWorkers(queue: Queue): string[] {
    const reserved = this.#sent.flatMap(({ reservations }) => reservations.flatMap(({ workers }) => workers));
    const workers = Array.from({ length: slots }, (_, index) => `${this.name}-${index}:${queue}`);
    return workers.filter((worker) => !this.#hand.has(worker) && !reserved.includes(worker));
  }

  #send(batch: Partial<StepRequest>): void {
    this.#step += 1;
    this.#sent.push({ outcomes: [], begins: [], returns: [], reservations: [], step: this.#step, ...batch });
  }
}

/** Two seats for processes, the dead, and all the jobs that there are. */
class World {
  readonly done: Done = new Map();
  readonly #enqueued = new Map<string, number>();
  readonly #seats: [Process | null, Process | null] = [null, null];
  #dead: Process[] = [];
  #names = 0;

  async enqueue(queue: Queue, id: number): Promise<void> {
    const payload = `{"class":"A","args":["${queue}",${id}]}`;
    this.#enqueued.set(payload, (this.#enqueued.get(payload) ?? 0) + 1);
    await server.client.rpush(keys.queue(queue), payload);
  }

  seat(at: 0 | 1): Process | null {
    return this.#seats[at];
  }

  /** @param isNamesake takes the name of one that died, which it recovers before anything else */
  async start(at: 0 | 1, isNamesake: boolean): Promise<void> {
    if (this.#seats[at] !== null) return;
    const predecessor = isNamesake ? this.#dead.at(-1) : undefined;
    const isTaken = this.#seats.some((process) => process?.name === predecessor?.name);
    if (predecessor !== undefined && !isTaken) {
      await this.recover();
      expect(await server.client.hexists(keys.runners, predecessor.name)).toBe(0);
    }
    const name = predecessor === undefined || isTaken ? `h.runner:${++this.#names}` : predecessor.name;
    const process = new Process(name);
    await process.start();
    this.#seats[at] = process;
  }

  die(at: 0 | 1): void {
    const process = this.#seats[at];
    if (process === null) return;
    process.isAlive = false;
    this.#dead.push(process);
    this.#seats[at] = null;
  }

  /** A step of a dead one arrives. */
  async straggle(): Promise<void> {
    await this.#dead.find(({ hasSent }) => hasSent)?.deliver(this.done);
  }

  /** @param between what happens between the look at what is left and its settlement */
  async recover(between: () => Promise<void> = async () => {}): Promise<void> {
    let hasHappened = false;
    const redis = new Proxy(server.client, {
      get(client, name) {
        if (name !== 'callBuffer') return Reflect.get(client, name).bind(client);
        return async (command: string, args: (string | Buffer | number)[]) => {
          if (!hasHappened) await between();
          hasHappened = true;
          return await client.callBuffer(command, args);
        };
      },
    });
    const sender: CommandSender = { command: (send) => send(redis) };
    const deadRunners = new DeadRunners(sender, keys);
    const { runners } = await deadRunners.runners();
    const alive = this.#seats.map((process) => process?.nonce);
    for (const runner of runners) {
      if (!alive.includes(runner.entry.nonce)) await deadRunners.recover(runner, elsewhere);
    }
  }

  /** Everything goes its way until nothing is left to do. */
  async end(): Promise<void> {
    await this.recover();
    while (this.#dead.some(({ hasSent }) => hasSent)) await this.straggle();
    await this.start(0, false);
    const last = this.#seats[0];
    await this.#seats[1]?.leave(this.done);
    this.#seats[1] = null;
    last?.settle();
    await last?.deliverAll(this.done);
    for (const queue of queues) {
      while ((await server.client.llen(keys.queue(queue))) > 0) {
        last?.settle();
        last?.finish('success');
        last?.reserve(queue);
        await last?.deliverAll(this.done);
      }
    }
    await last?.leave(this.done);
    await this.check();
    const rest = ['failed', 'stat:failed', 'stat:processed', 'queues', 'runner:recoveries'];
    const left = (await server.client.keys('resque:*')).map((key) => key.slice('resque:'.length));
    expect(left.filter((key) => !rest.includes(key) && !/^(stat|workers|runner:dead:)/.test(key))).toEqual(
      [],
    );
  }

  /** Each job is in one place. */
  async check(): Promise<void> {
    const redis = server.client;
    const found = new Map<string, string[]>();
    const add = (payload: string, place: string) =>
      found.set(payload, [...(found.get(payload) ?? []), place]);
    for (const key of await redis.keys('resque:*')) {
      if (/:queue:|:held:held$/.test(key)) for (const job of await redis.lrange(key, 0, -1)) add(job, key);
      // A held job is recorded on its worker as well.
      if (/^resque:worker:.*-\d:(once|back)$/.test(key)) add(payloadIn(await redis.get(key)), key);
    }
    for (const record of await redis.lrange(keys.failed, 0, -1)) add(payloadIn(record), 'failed');
    for (const [payload, times] of this.done) for (let n = 0; n < times; n += 1) add(payload, 'done');
    for (const [payload, count] of this.#enqueued) {
      expect(found.get(payload) ?? [], `where ${payload} is`).toHaveLength(count);
    }
  }
}

function payloadIn(record: string | null): string {
  return JSON.stringify((JSON.parse(record ?? '{}') as { payload?: unknown }).payload);
}

const seat = fc.constantFrom(0 as const, 1 as const);
const queue = fc.constantFrom(...queues);
const on = (act: (process: Process, world: World) => unknown) => async (world: World, at: 0 | 1) => {
  const process = world.seat(at);
  if (process !== null) await act(process, world);
};
type Happening = readonly [name: string, happen: (world: World) => Promise<unknown>];

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(queue, fc.nat(3))
      .map(([q, id]) => [`enqueue ${id} on ${q}`, (world) => world.enqueue(q, id)] as Happening),
  },
  {
    weight: 5,
    arbitrary: fc
      .tuple(seat, queue)
      .map(
        ([at, q]) =>
          [
            `${at} reserves from ${q}`,
            (world) => on((process) => process.reserve(q))(world, at),
          ] as Happening,
      ),
  },
  {
    weight: 3,
    arbitrary: seat.map(
      (at) => [`${at} moves`, (world) => on((process) => process.move())(world, at)] as Happening,
    ),
  },
  {
    weight: 3,
    arbitrary: seat.map(
      (at) => [`${at} settles`, (world) => on((process) => process.settle())(world, at)] as Happening,
    ),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(seat, fc.constantFrom('success' as const, 'failure' as const, 'requeue' as const))
      .map(
        ([at, kind]) =>
          [
            `${at} finishes: ${kind}`,
            (world) => on((process) => process.finish(kind))(world, at),
          ] as Happening,
      ),
  },
  {
    weight: 6,
    arbitrary: seat.map(
      (at) =>
        [
          `${at} is heard`,
          (world) => on((process) => process.deliverAll(world.done))(world, at),
        ] as Happening,
    ),
  },
  {
    weight: 1,
    arbitrary: seat.map(
      (at) =>
        [
          `${at} repeats itself`,
          (world) => on((process) => process.repeat(world.done))(world, at),
        ] as Happening,
    ),
  },
  {
    weight: 2,
    arbitrary: seat.map((at) => [`${at} dies`, (world) => Promise.resolve(world.die(at))] as Happening),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(seat, fc.boolean())
      .map(
        ([at, isNamesake]) =>
          [
            `${at} starts${isNamesake ? ' as a namesake' : ''}`,
            (world) => world.start(at, isNamesake),
          ] as Happening,
      ),
  },
  { weight: 2, arbitrary: fc.constant(['a dead one is heard', (world) => world.straggle()] as Happening) },
  {
    weight: 3,
    arbitrary: fc
      .boolean()
      .map(
        (isLate) =>
          [
            `recovery${isLate ? ', a dead one is heard meanwhile' : ''}`,
            (world) => world.recover(isLate ? () => world.straggle() : undefined),
          ] as Happening,
      ),
  },
);

test('any order of steps, deaths and recoveries keeps each job in exactly one place', async () => {
  const happenings = fc.array(happening, { minLength: 10, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(happenings, async (all) => {
      await server.flush();
      const world = new World();
      await world.start(0, false);
      await world.start(1, false);
      for (const [, happen] of all) {
        await happen(world);
        await world.check();
      }
      await world.end();
    }),
    { numRuns: randomCases(80), interruptAfterTimeLimit: 20_000, markInterruptAsFailure: false },
  );
});

async function started(name: string): Promise<Process> {
  const process = new Process(name);
  await process.start();
  return process;
}

const sender: CommandSender = { command: (send) => send(server.client) };

async function recover(): Promise<void> {
  const deadRunners = new DeadRunners(sender, keys);
  const { runners } = await deadRunners.runners();
  for (const runner of runners) expect(await deadRunners.recover(runner, elsewhere)).not.toBe(null);
}

test('one death counts once for equal jobs, however many the runner had', async () => {
  const payload = '{"class":"A","args":[]}';
  for (let death = 1; death <= maxRecoveries; death += 1) {
    if (death === 1) await server.client.rpush(keys.queue('held'), ...Array(5).fill(payload));
    const process = await started(`h.runner:${death}`);
    for (let n = 0; n < 5; n += 1) await process.move();
    await recover();
    expect(await server.client.lrange(keys.queue('held'), 0, -1)).toEqual(Array(5).fill(payload));
  }
  const process = await started('h.runner:9');
  for (let n = 0; n < 5; n += 1) await process.move();
  await recover();
  expect(await server.client.llen(keys.failed)).toBe(5);
  expect(await server.client.exists(keys.queue('held'), keys.recoveries)).toBe(0);
});

test.each(queues)(
  'a step that was on its way at the death takes no job of "%s" after the recovery',
  async (name) => {
    const process = await started('h.runner:1');
    process.reserve(name);
    process.isAlive = false;
    await recover();
    const payload = `{"class":"A","args":["${name}",1]}`;
    await server.client.rpush(keys.queue(name), payload);
    await process.deliverAll(new Map());
    expect(await server.client.lrange(keys.queue(name), 0, -1)).toEqual([payload]);
    expect((await server.client.keys('resque:*')).sort()).toEqual([
      keys.queue(name),
      keys.tombstone(process.nonce),
    ]);
  },
);

test('a late step of the runner cancels its recovery', async () => {
  const process = await started('h.runner:1');
  await server.client.rpush(keys.queue('once'), '{"class":"A","args":["once",1]}');
  process.reserve('once');
  process.isAlive = false;
  const deadRunners = new DeadRunners(sender, keys);
  const [runner] = (await deadRunners.runners()).runners;
  if (runner === undefined) throw new Error('no runner');
  const left = await deadRunners.leftBy(runner);
  await process.deliverAll(new Map());
  const args = recoverArguments(keys, left).map((arg) => (typeof arg === 'number' ? String(arg) : arg));
  expect(await server.client.eval(recoverScript.source, 0, ...args)).toBe(null);
  await recover();
  expect(await server.client.llen(keys.failed)).toBe(1);
});

test('a runner that stops puts back its held jobs, in order', async () => {
  const process = await started('h.runner:1');
  await server.client.rpush(keys.queue('held'), 'a', 'b', 'c');
  await process.move();
  await process.move();
  await server.client.eval(unregisterScript.source, 0, keys.prefix, process.name, process.nonce, 0, 1);
  expect(await server.client.lrange(keys.queue('held'), 0, -1)).toEqual(['a', 'b', 'c']);
  expect(await server.client.exists(keys.runners, keys.heldQueues(process.name))).toBe(0);
});

test('the recovery lock is taken over only from a dead holder or from oneself', async () => {
  const process = await started('h.runner:1');
  const deadRunners = new DeadRunners(sender, keys);
  expect(await deadRunners.lock(process.nonce, [])).not.toBe(null);
  expect(await deadRunners.lock(process.nonce, [])).not.toBe(null);
  expect(await deadRunners.lock('another', [])).toBe(null);
  const { runners } = await deadRunners.runners();
  const unlock = await deadRunners.lock('another', runners);
  expect(await server.client.get(keys.recoveryLock)).toBe('another');
  await unlock?.();
  expect(await server.client.exists(keys.recoveryLock)).toBe(0);
});
