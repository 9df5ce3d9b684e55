/** Puts jobs onto queues one at a time, and records when each one starts. */
import { setTimeout as sleep } from 'node:timers/promises';
import { payloadOf, queueKey, type RedisServer } from '../lib/redis-server.ts';
import type { StartProbe } from '../lib/start-probe.ts';

const startLimitMs = 30_000;

export interface Sample {
  /** From RPUSH to the program's clock, ms. */
  readonly latency: number;
  /** From `spawn` to the program's clock, ms; only of the floor. */
  readonly spawn: number;
}

export class Pusher {
  readonly #redis: RedisServer;
  readonly #probe: StartProbe;
  #lastId = 0;

  constructor(redis: RedisServer, probe: StartProbe) {
    this.#redis = redis;
    this.#probe = probe;
  }

  async push(queue: string): Promise<Sample> {
    this.#lastId += 1;
    const id = this.#lastId;
    const started = this.#probe.started(id);
    const pushedNs = process.hrtime.bigint();
    void this.#redis.client.rpush(queueKey(queue), payloadOf(id));
    const report = await Promise.race([started, sleep(startLimitMs, null, { ref: false })]);
    if (report === null)
      throw new Error(`job ${id} of ${queue} did not start within ${startLimitMs / 1000} s`);
    return {
      latency: milliseconds(report.startedNs - pushedNs),
      spawn: milliseconds(report.startedNs - report.spawnedNs),
    };
  }
}

function milliseconds(nanoseconds: bigint): number {
  return Number(nanoseconds) / 1e6;
}
