/** What befalls Redis: it loses what it knew, restarts, becomes a replica, is full, or refuses something. */
import type { Agenda } from './agenda.ts';
import { readDump } from './dump.ts';
import type { Log } from './log.ts';
import type { Ongoing } from './ongoing.ts';
import type { RealRedis } from './real-redis.ts';
import type { RedisFault } from './schedule.ts';
import type { SimServer } from './sim-server.ts';
import type { Witness } from './witness.ts';

interface RedisFaultsOptions {
  readonly agenda: Agenda;
  readonly redis: RealRedis;
  readonly server: SimServer;
  readonly witness: Witness;
  readonly ongoing: Ongoing;
  readonly log: Log;
}

const wrongValue = 'wrong';
export const pauseKey = 'resque:pause-all-workers';
/** Keys that may get a wrong type even if they aren't there. */
const namedKeys = [
  ...['queues', 'workers', 'workers:heartbeat', 'failed', 'stat:processed', 'stat:failed', 'runners'],
  ...['runner:recovery', 'runner:recoveries', 'pause-all-workers'],
].map((name) => `resque:${name}`);

export class RedisFaults {
  readonly #options: RedisFaultsOptions;
  readonly #wrongKeys = new Set<string>();
  /** Faults that are over, by the name that keeps the value: a roll-back may bring them back. */
  readonly #unspoilt = new Map<string, string>();
  #hasSnapshot = false;
  #restarts = 0;
  #kept = 0;

  constructor(options: RedisFaultsOptions) {
    this.#options = options;
  }

  async commit(fault: RedisFault): Promise<void> {
    const { redis, server, witness, ongoing, log, agenda } = this.#options;
    log.trace(`redis: ${JSON.stringify(fault)}`);
    switch (fault.kind) {
      case 'snapshot':
        this.#hasSnapshot = true;
        await redis.asMaster(() => redis.snapshot());
        return;
      case 'roll-back':
        if (!this.#hasSnapshot) return;
        await this.#forget(() => redis.rollBack());
        await server.expire();
        // Whoever had paused everyone, and hasn't now, does away with it again.
        if (witness.pausedSinceMs === null && !witness.spoilt.has(pauseKey))
          await redis.asMaster(() => redis.admin.call('DEL', pauseKey));
        for (const [kept, key] of this.#unspoilt) await redis.asMaster(() => this.#unspoil(key, kept));
        if (fault.isRestart) await this.#restart();
        await server.servePushed();
        return;
      case 'flush':
        await this.#forget(() => redis.admin.call('FLUSHDB'));
        if (fault.isRestart) await this.#restart();
        return;
      case 'restart':
        if (!server.state.isReachable || server.state.isLoading) return;
        await this.#restart();
        server.state.isReachable = false;
        ongoing.until(fault.downMs, () => {
          server.state.isReachable = true;
          server.state.isLoading = fault.loadingMs > 0;
          ongoing.until(fault.loadingMs, () => {
            server.state.isLoading = false;
          });
        });
        return;
      case 'demote':
        if (server.state.isReplica) return;
        server.state.isReplica = true;
        await redis.setReplica(true);
        server.unblockAll();
        ongoing.until(fault.forMs, async () => {
          server.state.isReplica = false;
          await redis.setReplica(false);
        });
        return;
      case 'freeze':
        server.state.frozenUntilMs = Math.max(server.state.frozenUntilMs, agenda.nowMs + fault.forMs);
        witness.frozenUntilMs = server.state.frozenUntilMs;
        return;
      case 'forget-scripts':
        await redis.forgetScripts();
        return;
      case 'prune':
        await redis.asMaster(() => this.#prune(fault.which));
        return;
      case 'refuse':
        await this.#refuse(fault.command, fault.forMs);
        return;
      case 'wrong-type':
        await this.#spoil(fault.which, fault.forMs);
        return;
      case 'fill':
        if (server.state.isFull) return;
        server.state.isFull = true;
        await redis.setFull(true);
        ongoing.until(fault.forMs, async () => {
          server.state.isFull = false;
          await redis.setFull(false);
        });
    }
  }

  async #forget(act: () => Promise<unknown>): Promise<void> {
    const { redis, witness } = this.#options;
    const before = await readDump(redis.admin);
    await redis.asMaster(act);
    witness.forgot(before, await readDump(redis.admin));
  }

  async #restart(): Promise<void> {
    const { redis, server } = this.#options;
    this.#restarts += 1;
    server.state.runId = `run${this.#restarts}`;
    server.cutAll();
    await redis.forgetScripts();
  }

  /** As Ruby's workers do it at their start, see `Resque::Worker#prune_dead_workers`. */
  async #prune(which: number): Promise<void> {
    const { redis, log } = this.#options;
    const { admin } = redis;
    const dump = await readDump(admin);
    const { kind, values } = dump.get('resque:workers') ?? { kind: 'set', values: [] };
    const idle = kind === 'set' ? values.map(String).filter((id) => !dump.has(`resque:worker:${id}`)) : [];
    const id = idle.sort()[Math.floor(which * idle.length)];
    if (id === undefined) return;
    log.trace(`${id} is pruned`);
    await admin.ask('SREM', 'resque:workers', id);
    await admin.ask('HDEL', 'resque:workers:heartbeat', id);
    const stats = [`resque:stat:processed:${id}`, `resque:stat:failed:${id}`];
    await admin.ask('DEL', `resque:worker:${id}`, `resque:worker:${id}:started`, ...stats);
  }

  async #refuse(command: string, forMs: number): Promise<void> {
    const { redis, server, witness, ongoing } = this.#options;
    if (server.state.refused.has(command)) return;
    witness.spoilt.add(command);
    server.state.refused.add(command);
    const isOfData = !/[|]|^(TIME|INFO)$/.test(command);
    if (isOfData) await redis.refuse(command);
    ongoing.until(forMs, async () => {
      server.state.refused.delete(command);
      if (isOfData) await redis.permit(command);
    });
  }

  /** Gives a key a wrong type for a while, and then what it was again, unless it was written anew in between. */
  async #spoil(which: number, forMs: number): Promise<void> {
    const { redis, witness, ongoing, log } = this.#options;
    const { admin } = redis;
    const present = [...(await readDump(admin)).keys()].filter((key) => key.startsWith('resque:'));
    const all = [...new Set([...present, ...namedKeys])].filter((key) => !this.#wrongKeys.has(key)).sort();
    const key = all[Math.floor(which * all.length)];
    if (key === undefined) return;
    this.#kept += 1;
    const kept = `kept:${this.#kept}`;
    this.#wrongKeys.add(key);
    witness.spoilt.add(key);
    await redis.asMaster(async () => {
      const { ok: kind } = (await admin.call('TYPE', key)) as { ok: string };
      log.trace(`${key}, a ${kind}, gets a wrong type`);
      if (kind !== 'none') await admin.call('RENAME', key, kept);
      if (kind === 'string' || key === pauseKey) await admin.call('RPUSH', key, wrongValue);
      else await admin.call('SET', key, wrongValue);
    });
    ongoing.until(forMs, () => redis.asMaster(() => this.#unspoil(key, kept)));
  }

  async #unspoil(key: string, kept: string): Promise<void> {
    const { redis, server } = this.#options;
    const { admin } = redis;
    this.#wrongKeys.delete(key);
    this.#unspoilt.set(kept, key);
    const dump = await readDump(admin);
    if (dump.get(key)?.values.join() === wrongValue) {
      await admin.call('DEL', key);
      if (dump.has(kept)) await admin.call('RENAME', kept, key);
    } else await admin.call('DEL', kept);
    if (key.startsWith('resque:delayed')) await this.#enterTimes();
    await server.servePushed();
  }

  /** Enters lists of delayed jobs that no scheduler would look at, as `check --repair` does. */
  async #enterTimes(): Promise<void> {
    const { admin } = this.#options.redis;
    for (const key of (await readDump(admin)).keys()) {
      const time = /^resque:delayed:(\d+)$/.exec(key)?.[1];
      if (time !== undefined) await admin.ask('ZADD', 'resque:delayed_queue_schedule', time, time);
    }
  }
}
