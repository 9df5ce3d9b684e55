import { isUtf8 } from 'node:buffer';
/**
 * Every Redis key of the Resque format. Only our Lua scripts spell keys again, because they get no more than a prefix.
 *
 * Source: Resque 3.0.0 (Ruby), `lib/resque/data_store.rb`. All take a namespace prefix, `resque:` by default.
 */
export interface ResqueKeys {
  readonly prefix: string;
  /** Set of the names of all queues. */
  readonly queues: string;
  /** List of the queue's payloads, head first. */
  readonly queue: (name: string) => string;
  /** Set of the ids of all workers. */
  readonly workers: string;
  /** JSON of the job that the worker runs; absent while it is idle. */
  readonly worker: (id: string) => string;
  /** When the worker started, as Ruby's `Time#to_s`. */
  readonly workerStarted: (id: string) => string;
  /**
   * Ours: the exact bytes of a payload that can't be embedded in the worker's JSON, as long as the job runs.
   */
  readonly workerPayload: (id: string) => string;
  /** Ours: the entry of the retry that the worker runs, see delayed/retry-entry.ts. */
  readonly workerRetry: (id: string) => string;
  /** Ours: list of the entries of waiting retries, by the SHA-1 of their job in a form that it may come back in. */
  readonly retries: (sha1: string) => string;
  /** Ours: a runner process' last step in Redis, so that none is carried out twice. */
  readonly runnerStep: (owner: string) => string;
  /**
   * Ours: the last step of a runner process that was declared dead, by its nonce, for seven days. If the process lives
   * after all, this tells it that others have settled its jobs.
   */
  readonly tombstone: (nonce: string) => string;
  /** Ours: hash of runner processes, `HOST:PID` → JSON of runner-entry.ts, for their recovery. */
  readonly runners: string;
  /** Ours: hash with the progress of an enqueue of many jobs; see enqueue/scripts.ts. */
  readonly enqueueProgress: (id: string) => string;
  /** Ours: hash of what operators set by hand for the runners of a config on a host, see workers/overrides.ts. */
  readonly overrides: (host: string, configFile: string) => string;
  /** Ours: held by the one runner that recovers dead ones. */
  readonly recoveryLock: string;
  /** Ours: set of the queues whose jobs a runner process holds. */
  readonly heldQueues: (owner: string) => string;
  /** Ours: list of the jobs of one queue that a runner process has taken and not yet settled, oldest first. */
  readonly held: (owner: string, queue: string) => string;
  /** Ours: set of the workers that have a share of the queue's limit, see limits.ts. */
  readonly runningShares: (queue: string) => string;
  /** Ours: list that wakes runners that wait for a share of the queue's limit. */
  readonly freeShares: (queue: string) => string;
  /** Ours: when the next job of a queue with a rate is due. */
  readonly rate: (queue: string) => string;
  /** Ours: hash of how often a job was recovered from a dead runner, by SHA-1 of queue, NUL and payload. */
  readonly recoveries: string;
  /** Hash: worker id → ISO 8601 time of its last sign of life. */
  readonly heartbeat: string;
  /** List of failure records, oldest first. */
  readonly failed: string;
  /** Ours: hash of how many failures `failedLimit` removed, by the day since the epoch. */
  readonly failedRemoved: string;
  /** Ours: held by the one runner that reports these numbers. */
  readonly failedRemovedClaim: string;
  /** String; with `true`, no worker of the namespace takes jobs. */
  readonly pauseAllWorkers: string;
  readonly processed: string;
  readonly failedCount: string;
  readonly workerProcessed: (id: string) => string;
  readonly workerFailed: (id: string) => string;
  /** node-resque's heartbeat by a worker's name (its id without queues): JSON with `time` in seconds. */
  readonly workerPing: (name: string) => string;
  /** resque-scheduler's sorted set of the times that jobs are due at, in seconds since the epoch. */
  readonly delayedSchedule: string;
  /** List of the jobs that are due at such a time. */
  readonly delayed: (seconds: string) => string;
  /** Set of the lists, such as `delayed:1796000000`, that hold this item. */
  readonly timestamps: (item: string) => string;
  /** resque-scheduler's lock: the only process that moves due jobs. @param lockPrefix '' without one */
  readonly masterLock: (lockPrefix: string) => string;
  /** node-resque's lock for the same purpose. */
  readonly leaderLock: string;
  /** resque-scheduler's hash: name of a schedule → its JSON. Only of those that are kept in Redis. */
  readonly persistentSchedules: string;
  /** resque-scheduler's hash: name of a schedule → when it was last enqueued, as Ruby's `Time#to_s`. */
  readonly lastEnqueuedAt: string;
  /** Ours: this time of a schedule, in seconds since the epoch, is done. */
  readonly cronSlot: (name: string, seconds: number) => string;
  /** Ours: the runner that is moving many due jobs. Other runners wait until it is done. */
  readonly mover: string;
  /** Ours: list of delayed jobs that could not be moved to a queue, byte for byte. */
  readonly undeliverable: string;
}

export function resqueKeys(namespace: string): ResqueKeys {
  const prefix = namespace === '' ? '' : `${namespace}:`;
  return {
    prefix,
    queues: `${prefix}queues`,
    queue: (name) => `${prefix}queue:${name}`,
    workers: `${prefix}workers`,
    worker: (id) => `${prefix}worker:${id}`,
    workerStarted: (id) => `${prefix}worker:${id}:started`,
    workerPayload: (id) => `${prefix}worker:${id}:payload`,
    workerRetry: (id) => `${prefix}worker:${id}:retry`,
    retries: (sha1) => `${prefix}runner:retry:${sha1}`,
    runnerStep: (owner) => `${prefix}runner:${owner}:step`,
    tombstone: (nonce) => `${prefix}runner:dead:${nonce}`,
    runners: `${prefix}runners`,
    enqueueProgress: (id) => `${prefix}runner:enqueue:${id}`,
    overrides: (host, configFile) => `${prefix}runner:overrides:${host}:${configFile}`,
    recoveryLock: `${prefix}runner:recovery`,
    heldQueues: (owner) => `${prefix}runner:${owner}:held`,
    held: (owner, queue) => `${prefix}runner:${owner}:held:${queue}`,
    runningShares: (queue) => `${prefix}runner:running:${queue}`,
    freeShares: (queue) => `${prefix}runner:free:${queue}`,
    rate: (queue) => `${prefix}runner:rate:${queue}`,
    recoveries: `${prefix}runner:recoveries`,
    heartbeat: `${prefix}workers:heartbeat`,
    failed: `${prefix}failed`,
    failedRemoved: `${prefix}runner:failed-removed`,
    failedRemovedClaim: `${prefix}runner:failed-removed:claim`,
    pauseAllWorkers: `${prefix}pause-all-workers`,
    processed: `${prefix}stat:processed`,
    failedCount: `${prefix}stat:failed`,
    workerProcessed: (id) => `${prefix}stat:processed:${id}`,
    workerFailed: (id) => `${prefix}stat:failed:${id}`,
    workerPing: (name) => `${prefix}worker:ping:${name}`,
    delayedSchedule: `${prefix}delayed_queue_schedule`,
    delayed: (seconds) => `${prefix}delayed:${seconds}`,
    timestamps: (item) => `${prefix}timestamps:${item}`,
    // Ruby builds the key with the namespace, and Redis::Namespace adds it again.
    masterLock: (lockPrefix) =>
      `${prefix}${namespace}:${lockPrefix === '' ? '' : `${lockPrefix}:`}resque_scheduler_master_lock`,
    leaderLock: `${prefix}resque_scheduler_leader_lock`,
    persistentSchedules: `${prefix}persistent_schedules`,
    lastEnqueuedAt: `${prefix}delayed:last_enqueued_at`,
    cronSlot: (name, seconds) => `${prefix}runner:cron:${name}:${seconds}`,
    mover: `${prefix}runner:mover`,
    undeliverable: `${prefix}runner:undeliverable`,
  };
}

/** Whether this value of `pause-all-workers` stops every worker, as Resque reads it; `null` if there is no such key. */
export function stopsAll(value: string | null): boolean {
  return value !== null && value.trim().toLowerCase() === 'true';
}

/** No name contains it. */
const placeholder = '\0';

/** The key for a name that may not be UTF-8. Converting such a name to text would change it. */
export function keyOfName(keyOf: (name: string) => string, name: Buffer): string | Buffer {
  if (isUtf8(name)) return keyOf(name.toString());
  const [before = '', after = ''] = keyOf(placeholder).split(placeholder);
  return Buffer.concat([Buffer.from(before), name, Buffer.from(after)]);
}

/** Lua: counts a failed job in the totals, as Resque does. A counter of the wrong type must not cost the job. Reads `prefix`. */
export const countFailure = `redis.pcall('INCRBY', prefix .. 'stat:failed', 1)
redis.pcall('INCRBY', prefix .. 'stat:processed', 1)`;
