/**
 * Every Redis key of the Resque format. Only our Lua scripts spell keys again, because they get no more than a prefix.
 *
 * Source: Resque 3.0.0 (Ruby), `lib/resque/data_store.rb`. All take a namespace prefix, `resque:` by default.
 */
import { isUtf8 } from 'node:buffer';

/** Without the prefix. */
const names = {
  /** Set of the names of all queues. */
  queues: 'queues',
  /** List of the queue's payloads, head first. */
  queue: (name: string) => `queue:${name}`,
  /** Set of the ids of all workers. */
  workers: 'workers',
  /** JSON of the job that the worker runs; absent while it is idle. */
  worker: (id: string) => `worker:${id}`,
  /** When the worker started, as Ruby's `Time#to_s`. */
  workerStarted: (id: string) => `worker:${id}:started`,
  /**
   * Ours: the exact bytes of a payload that can't be embedded in the worker's JSON, as long as the job runs.
   */
  workerPayload: (id: string) => `worker:${id}:payload`,
  /** Ours: the entry of the retry that the worker runs, see delayed/retry-entry.ts. */
  workerRetry: (id: string) => `worker:${id}:retry`,
  /** Ours: list of the entries of waiting retries, by the SHA-1 of their job in a form that it may come back in. */
  retries: (sha1: string) => `runner:retry:${sha1}`,
  /** Ours: a runner process' last step in Redis, so that none is carried out twice. */
  runnerStep: (owner: string) => `runner:${owner}:step`,
  /**
   * Ours: the last step of a runner process that was declared dead, by its nonce, for seven days. If the process lives
   * after all, this tells it that others have settled its jobs.
   */
  tombstone: (nonce: string) => `runner:dead:${nonce}`,
  /** Ours: hash of runner processes, `HOST:PID` → JSON of runner-entry.ts, for their recovery. */
  runners: 'runners',
  /** Ours: hash with the progress of an enqueue of many jobs; see enqueue/scripts.ts. */
  enqueueProgress: (id: string) => `runner:enqueue:${id}`,
  /** Ours: hash of what operators set by hand for the runners of a config on a host, see workers/overrides.ts. */
  overrides: (host: string, configFile: string) => `runner:overrides:${host}:${configFile}`,
  /** Ours: held by the one runner that recovers dead ones. */
  recoveryLock: 'runner:recovery',
  /** Ours: set of the queues whose jobs a runner process holds. */
  heldQueues: (owner: string) => `runner:${owner}:held`,
  /** Ours: list of the jobs of one queue that a runner process has taken and not yet settled, oldest first. */
  held: (owner: string, queue: string) => `runner:${owner}:held:${queue}`,
  /** Ours: set of the workers that have a share of the queue's limit, see limits.ts. */
  runningShares: (queue: string) => `runner:running:${queue}`,
  /** Ours: list that wakes runners that wait for a share of the queue's limit. */
  freeShares: (queue: string) => `runner:free:${queue}`,
  /** Ours: when the next job of a queue with a rate is due. */
  rate: (queue: string) => `runner:rate:${queue}`,
  /** Ours: hash of how often a job was recovered from a dead runner, by SHA-1 of queue, NUL and payload. */
  recoveries: 'runner:recoveries',
  /** Hash: worker id → ISO 8601 time of its last sign of life. */
  heartbeat: 'workers:heartbeat',
  /** List of failure records, oldest first. */
  failed: 'failed',
  /** Ours: hash of how many failures `failedLimit` removed, by the day since the epoch. */
  failedRemoved: 'runner:failed-removed',
  /** Ours: held by the one runner that reports these numbers. */
  failedRemovedClaim: 'runner:failed-removed:claim',
  /** String; with `true`, no worker of the namespace takes jobs. */
  pauseAllWorkers: 'pause-all-workers',
  processed: 'stat:processed',
  failedCount: 'stat:failed',
  workerProcessed: (id: string) => `stat:processed:${id}`,
  workerFailed: (id: string) => `stat:failed:${id}`,
  /** node-resque's heartbeat by a worker's name (its id without queues): JSON with `time` in seconds. */
  workerPing: (name: string) => `worker:ping:${name}`,
  /** resque-scheduler's sorted set of the times that jobs are due at, in seconds since the epoch. */
  delayedSchedule: 'delayed_queue_schedule',
  /** List of the jobs that are due at such a time. */
  delayed: (seconds: string) => `delayed:${seconds}`,
  /** Set of the lists, such as `delayed:1796000000`, that hold this item. */
  timestamps: (item: string) => `timestamps:${item}`,
  /** node-resque's lock for the same purpose. */
  leaderLock: 'resque_scheduler_leader_lock',
  /** resque-scheduler's hash: name of a schedule → its JSON. Only of those that are kept in Redis. */
  persistentSchedules: 'persistent_schedules',
  /** resque-scheduler's hash: name of a schedule → when it was last enqueued, as Ruby's `Time#to_s`. */
  lastEnqueuedAt: 'delayed:last_enqueued_at',
  /** Ours: this time of a schedule, in seconds since the epoch, is done. */
  cronSlot: (name: string, seconds: number) => `runner:cron:${name}:${seconds}`,
  /** Ours: the runner that is moving many due jobs. Other runners wait until it is done. */
  mover: 'runner:mover',
  /** Ours: list of delayed jobs that could not be moved to a queue, byte for byte. */
  undeliverable: 'runner:undeliverable',
};

export type ResqueKeys = Readonly<typeof names> & {
  readonly prefix: string;
  /** resque-scheduler's lock: the only process that moves due jobs. @param lockPrefix '' without one */
  readonly masterLock: (lockPrefix: string) => string;
};

export function resqueKeys(namespace: string): ResqueKeys {
  const prefix = namespace === '' ? '' : `${namespace}:`;
  const keys = Object.entries(names).map(([member, key]) => [
    member,
    typeof key === 'string'
      ? `${prefix}${key}`
      : (...parts: never[]) => `${prefix}${(key as (...parts: never[]) => string)(...parts)}`,
  ]);
  // Ruby builds the key with the namespace, and Redis::Namespace adds it again.
  const masterLock = (lockPrefix: string) =>
    `${prefix}${namespace}:${lockPrefix === '' ? '' : `${lockPrefix}:`}resque_scheduler_master_lock`;
  return { prefix, masterLock, ...(Object.fromEntries(keys) as typeof names) };
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
