/** Helpers for tests of `status`: write records as each kind of client does, and read the status. */
import type {
  ProcessStatus,
  QueueStatus,
  RunningJob,
  StatusDocument,
} from '../../../src/cli/status/document.ts';
import { survey } from '../../../src/cli/status/survey.ts';
import { ownVantage } from '../../../src/engine/machine/identity.ts';
import { resqueKeys } from '../../../src/resque/format/keys.ts';
import { redisErrorOf } from '../../../src/resque/redis/redis-error.ts';
import type { CommandSender } from '../../../src/resque/redis/send.ts';
import { readStatus, type StatusFacts } from '../../../src/resque/workers/read-status.ts';
import type { RedisServer } from '../../helpers/redis.ts';

export interface Look {
  readonly facts: StatusFacts;
  readonly document: StatusDocument;
}

export interface Worker {
  /** Seconds ago. */
  readonly started?: number | null;
  readonly heartbeat?: number | null;
  readonly processed?: number;
  readonly failed?: number;
  readonly record?: string | Buffer;
}

export class StatusStage {
  readonly #server: RedisServer;

  constructor(server: RedisServer) {
    this.#server = server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#server.port}`;
  }

  async look(before: StatusFacts | null = null): Promise<Look> {
    const keys = resqueKeys('resque');
    const facts = await readStatus(this.#sender(), keys);
    const document = survey(facts, before, {
      redis: `${this.url}/0`,
      namespace: 'resque',
      keys,
      here: ownVantage(),
      local: new Map(),
      schedules: null,
    });
    return { facts, document };
  }

  async queue(name: string): Promise<QueueStatus> {
    return only((await this.look()).document.queues, (queue) => queue.name === name, name);
  }

  async process(name: string): Promise<ProcessStatus> {
    return only((await this.look()).document.processes, (process) => process.name === name, name);
  }

  async job(): Promise<RunningJob> {
    return only((await this.look()).document.runningJobs, () => true, 'a job');
  }

  /** As Ruby and our own runner register a worker. */
  async register(id: string | Buffer, worker: Worker = {}): Promise<void> {
    const { started = 60, heartbeat = 5, processed, failed, record } = worker;
    const { client } = this.#server;
    const key = (before: string, after = '') =>
      Buffer.concat([Buffer.from(before), Buffer.from(id), Buffer.from(after)]);
    await client.sadd('resque:workers', id);
    if (started !== null) await client.set(key('resque:worker:', ':started'), rubyTime(started));
    if (heartbeat !== null) await client.hset('resque:workers:heartbeat', id, isoTime(heartbeat));
    if (processed !== undefined) await client.set(key('resque:stat:processed:'), processed);
    if (failed !== undefined) await client.set(key('resque:stat:failed:'), failed);
    if (record !== undefined) await client.set(key('resque:worker:'), record);
  }

  /** As node-resque registers a worker. */
  async registerNode(name: string, queues: string, pingAgo: number): Promise<void> {
    const { client } = this.#server;
    await client.sadd('resque:workers', `${name}:${queues}`);
    await client.set(`resque:worker:${name}:${queues}:started`, epoch(600));
    const ping = JSON.stringify({ time: epoch(pingAgo), name, queues });
    await client.set(`resque:worker:ping:${name}`, ping);
  }

  /** The registry entry of a runner, on another machine by default. */
  async enlist(owner: string, changes: object = {}): Promise<void> {
    const entry = {
      machine: 'elsewhere',
      pid: 1,
      startedAt: '1',
      requeues: [],
      maxRecoveries: 3,
      nonce: 'n',
      seenAtMs: Date.now(),
      ...changes,
    };
    await this.#server.client.hset('resque:runners', owner, JSON.stringify(entry));
  }

  async enqueue(queue: string | Buffer, count: number): Promise<void> {
    const { client } = this.#server;
    await client.sadd('resque:queues', queue);
    const key = Buffer.concat([Buffer.from('resque:queue:'), Buffer.from(queue)]);
    if (count > 0) await client.rpush(key, ...Array.from({ length: count }, () => '{"class":"A","args":[]}'));
  }

  #sender(): CommandSender {
    const { client } = this.#server;
    return {
      command: (send) =>
        send(client).catch((error: unknown) => {
          throw redisErrorOf(error);
        }),
    };
  }
}

/** A worker's record of a job that began this many seconds ago. */
export function recordOf(queue: string, ago: number, payload: object = { class: 'A', args: [] }): string {
  return JSON.stringify({ queue, run_at: new Date(Date.now() - ago * 1_000).toISOString(), payload });
}

export function epoch(ago: number): number {
  return Math.floor(Date.now() / 1_000) - ago;
}

function isoTime(ago: number): string {
  return new Date(Date.now() - ago * 1_000).toISOString().replace(/\.\d+Z$/, '+00:00');
}

function rubyTime(ago: number): string {
  return `${isoTime(ago).slice(0, 19).replace('T', ' ')} +0000`;
}

function only<T>(all: readonly T[], isWanted: (each: T) => boolean, what: string): T {
  const [found, ...others] = all.filter(isWanted);
  if (found === undefined || others.length > 0) {
    throw new Error(`${what} is not there once, but in ${JSON.stringify(all)}`);
  }
  return found;
}
