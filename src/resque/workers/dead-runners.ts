/**
 * What dead runner processes left in Redis, and its recovery. The caller decides which processes are dead; this file knows
 * only what Redis knows. All reject with RedisError.
 */
import { type RetryEntry, readEntry as readRetryEntry } from '../delayed/retry-entry.ts';
import { exceptions, failureRecord } from '../format/failure-record.ts';
import type { ResqueKeys } from '../format/keys.ts';
import { type Payload, readPayload } from '../format/payload.ts';
import { isPlugin, keysToDelete, type Moment } from '../format/plugin-keys.ts';
import { queueList } from '../format/queue-patterns.ts';
import { readOwnWorkerId, readWorkerId } from '../format/worker-id.ts';
import { isUnlockedRecord, payloadOfRecord, queueOfRecord, withoutMarkup } from '../format/worker-record.ts';
import { type Clock, systemClock } from '../redis/clock.ts';
import { readConnections, waitsOf } from '../redis/connection-set.ts';
import { LargeReads } from '../redis/large-reads.ts';
import { runScript } from '../redis/script.ts';
import type { CommandSender } from '../redis/send.ts';
import { type RedisView, silentLimitMs, type Vantage } from './liveness.ts';
import {
  type LeftQueue,
  type LeftWorker,
  type Recovered,
  type Recovery,
  recoverArguments,
  recoverReply,
  recoverScript,
} from './recovery-script.ts';
import { type ListedRunner, readRunners } from './registry.ts';
import type { RunnerEntry } from './runner-entry.ts';

export interface LeftRunner extends ListedRunner {
  readonly entry: RunnerEntry;
}

/** `uncertain`: some programs may still run, because they can't be identified or ended; `pids` are the suspects. */
export type ProgramsEnd =
  | { readonly kind: 'ended' }
  | { readonly kind: 'uncertain'; readonly pids: readonly number[] };

/**
 * A lock expires after this time, in case its holder has died. A holder that needs longer does no harm: the lock only saves
 * work, and of two concurrent recoveries only one takes effect.
 */
export const lockMs = 10_000;

export class DeadRunners {
  readonly #session: CommandSender;
  readonly #keys: ResqueKeys;
  readonly #clock: Clock;
  readonly #reads: LargeReads;

  constructor(
    session: CommandSender,
    keys: ResqueKeys,
    clock: Clock = systemClock,
    reads: LargeReads = new LargeReads(session),
  ) {
    this.#reads = reads;
    this.#clock = clock;
    this.#session = session;
    this.#keys = keys;
  }

  /** All runner processes in the registry that this version can read, and what is needed to judge them. */
  async runners(): Promise<RedisView & { readonly runners: readonly LeftRunner[] }> {
    const found = await readRunners(this.#session, this.#keys);
    const isReadable = (runner: ListedRunner): runner is LeftRunner => runner.entry !== null;
    return { ...found, runners: found.runners.filter(isReadable) };
  }

  /**
   * Takes the lock under this name, even if the same name or one of these dead processes still has it.
   *
   * @returns releases the lock; `null` if another process has it
   */
  async lock(name: string, dead: readonly LeftRunner[] = []): Promise<(() => Promise<void>) | null> {
    const { recoveryLock } = this.#keys;
    const holder = await this.#session.command((commands) => commands.get(recoveryLock));
    if (holder === name || dead.some(({ entry }) => entry.nonce === holder)) {
      await this.#session.command((commands) => commands.del(recoveryLock));
    }
    const reply = await this.#session.command((commands) =>
      commands.set(recoveryLock, name, 'PX', lockMs, 'NX'),
    );
    if (reply !== 'OK') return null;
    return async () => {
      // Another process may have taken it after ours expired.
      const now = await this.#session.command((commands) => commands.get(recoveryLock));
      if (now === name) await this.#session.command((commands) => commands.del(recoveryLock));
    };
  }

  /**
   * Settles what this process left. End its children first, because jobs that go back may run immediately.
   *
   * @param trim see `trimArgument`
   * @returns `null` if the process is gone or has changed since it was judged
   */
  async recover(runner: LeftRunner, here: Vantage, trim = ''): Promise<Recovered | null> {
    await this.#endConnections(runner.entry);
    const left = await this.leftBy(runner);
    // A tombstone is needed only if the process may live, or if another user must read its outcomes on the disk.
    const isSurelyGone = here.presenceOf(runner.entry) === 'gone' && runner.entry.uid === here.identity.uid;
    const args = recoverArguments(this.#keys, isSurelyGone ? { ...left, nonce: '' } : left, trim);
    return recoverReply(await runScript(this.#session, recoverScript, 0, args), args);
  }

  /**
   * Redis may still serve a wait of a process that is gone or suspended: a BLPOP would lose a job, and a BLMOVE would move
   * it to a list that nobody reads. The newest wait may be missing in the entry, but its connection has the process' name.
   */
  async #endConnections({ connections, nonce, mark: instanceId = nonce }: RunnerEntry): Promise<void> {
    if (connections === undefined) return;
    const open = await readConnections(this.#session);
    if (open === null) return;
    const known = open.runId === connections.runId ? connections.ids : [];
    const isItsOwn = (id: number) => known.includes(id) || open.waits.get(id) === waitsOf(instanceId);
    const ids = [...open.ids].filter(isItsOwn);
    // Refused if a connection has just closed, or if CLIENT KILL isn't permitted.
    await this.#session.command((commands) =>
      Promise.allSettled(ids.map((id) => commands.client('KILL', 'ID', id))),
    );
  }

  /**
   * How long to wait with the recovery if programs of this runner may still run. If one of its jobs would run again, until
   * the runner has been silent for the full limit; otherwise 0.
   */
  async waitMs(runner: LeftRunner): Promise<number> {
    const { workers, held } = await this.leftBy(runner);
    const runsAgain =
      held.some(({ jobs }) => jobs.length > 0) || workers.some(({ end }) => end?.kind === 'requeue');
    if (!runsAgain) return 0;
    const [seconds] = await this.#session.command((commands) => commands.time());
    return Math.max(0, runner.entry.seenAtMs + silentLimitMs - Number(seconds) * 1000);
  }

  /** Ids of the workers that Redis lists for this process. */
  async registered(owner: string): Promise<string[]> {
    const all = await this.#session.command((commands) => commands.smembers(this.#keys.workers));
    return all.filter((id) => readOwnWorkerId(id)?.process === owner);
  }

  /** What this process left, and what the recovery will do with it. */
  async leftBy({ owner, entry, text }: LeftRunner): Promise<Recovery> {
    // First, because any later step invalidates everything that is read here.
    const step = await this.#session.command((commands) => commands.get(this.#keys.runnerStep(owner)));
    const recorded = await Promise.all((await this.registered(owner)).map((id) => this.#recordedFor(id)));
    const held = await this.#heldBy(owner, entry, recorded);
    const rest = held.flatMap(({ queue, jobs }) => jobs.map(({ payload }) => ({ queue, payload })));
    const isHeld = (queue: string, payload: Buffer) => {
      const at = rest.findIndex((job) => job.queue === queue && job.payload.equals(payload));
      if (at !== -1) rest.splice(at, 1);
      return at !== -1;
    };
    const workers = recorded.map((worker) => this.#settled(worker, entry, isHeld));
    const { nonce, maxRecoveries } = entry;
    return { owner, entry: text, step: step ?? '', nonce, maxRecoveries, workers, held };
  }

  async #recordedFor(id: string): Promise<RecordedWorker> {
    const [record = null, bytes = null, retry = null] = await this.#reads.values([
      this.#keys.worker(id),
      this.#keys.workerPayload(id),
      this.#keys.workerRetry(id),
    ]);
    const key = readWorkerId(id).queues;
    const name = record === null ? key : (queueOfRecord(record) ?? key);
    // The record has the name without the characters that resque-web takes for markup.
    const queue = withoutMarkup(key) === name ? key : name;
    const payload = record === null ? null : bytes === null ? payloadOfRecord(record) : readPayload(bytes);
    return { id, record, queue, payload, retry: retry === null ? null : readRetryEntry(retry.toString()) };
  }

  #settled(
    { id, record, queue, payload, retry }: RecordedWorker,
    { requeues, holds, plugins }: RunnerEntry,
    isHeld: (queue: string, payload: Buffer) => boolean,
  ): LeftWorker {
    // Without a payload, the record is not ours.
    if (record === null || payload === null) return { id, record, end: null };
    const key = readWorkerId(id).queues;
    const mayBeHeld = holds?.includes(key) ?? true;
    if (mayBeHeld && isHeld(queue, payload.bytes)) return { id, record, end: null };
    const { statusName, bytes } = payload;
    if (requeues.includes(key))
      return { id, record, end: { kind: 'requeue', queue, payload: bytes, statusName, pluginKeys: '' } };
    const pluginKeys = keysOfFailed(plugins?.[key], queue, payload, record);
    const failure = deadFailure(id, queue, payload, this.#now(), retry);
    return { id, record, end: { kind: 'failure', statusName, pluginKeys, failure } };
  }

  async #heldBy(
    owner: string,
    { holds, plugins }: RunnerEntry,
    recorded: readonly RecordedWorker[],
  ): Promise<LeftQueue[]> {
    const lists = await readHeldLists(this.#session, this.#reads, this.#keys, owner);
    return lists.map(({ queue, payloads }) => {
      const ofQueue = recorded.filter(({ id }) => takes(readWorkerId(id).queues, queue));
      const jobs = payloads.map((bytes) => {
        const payload = readPayload(bytes);
        const at = ofQueue.find((worker) => worker.payload?.bytes.equals(bytes));
        // The slot of a held job may be unknown: any worker of its queue will do.
        const worker = at?.id ?? ofQueue[0]?.id ?? `${owner}-0:${queue}`;
        const failure = deadFailure(worker, queue, payload, this.#now(), at?.retry);
        const names = plugins?.[readWorkerId(worker).queues];
        const pluginKeys = keysOfFailed(names, queue, payload, at?.record ?? null);
        return { payload: bytes, failure, statusName: payload.statusName, pluginKeys };
      });
      const mayHaveBegun = holds?.some((key) => takes(key, queue)) ?? true;
      return { queue, mayHaveBegun, jobs };
    });
  }

  #now(): Date {
    return new Date(this.#clock.nowMs());
  }
}

/** A worker of a dead process, and what it worked on. */
interface RecordedWorker {
  readonly id: string;
  readonly record: Buffer | null;
  readonly queue: string;
  /** `null` if it had no job, or one that is not ours. */
  readonly payload: Payload | null;
  /** `null` if its job was not a retry. */
  readonly retry: RetryEntry | null;
}

/** @param record says whether the keys are deleted that the start deletes; `null`: no step recorded the job, or deleted any */
function keysOfFailed(
  plugins: readonly string[] | undefined,
  queue: string,
  payload: Payload,
  record: Buffer | null,
): string {
  if (plugins === undefined || !payload.isObject) return '';
  const isLocked = record === null || !isUnlockedRecord(record);
  const moments: Moment[] = ['ended', 'over', ...(isLocked ? ['taken' as const] : [])];
  return keysToDelete(payload.bytes, queue, plugins.filter(isPlugin), moments);
}

function takes(key: string, queue: string): boolean {
  return queueList(key).expand([queue]).includes(queue);
}

/**
 * In Ruby's words, see `Resque::PruneDeadWorkerDirtyExit`.
 *
 * @param retry of a job that had run before
 */
export function deadFailure(
  worker: string,
  queue: string,
  taken: Payload,
  now: Date,
  retry: RetryEntry | null = null,
): string {
  const payload = retry === null ? taken : readPayload(retry.payload);
  const what = payload.isObject ? (payload.jobClass ?? 'a job') : 'a job';
  return failureRecord({
    failedAt: now,
    worker,
    queue,
    payload,
    exception: exceptions.deadRunner,
    error: `Worker ${worker} did not gracefully exit while processing ${what}`,
    backtrace: [],
    attempts: retry?.attempt ?? null,
    firstFailedAt: retry?.firstFailedAt ?? null,
    exitCode: null,
    signal: null,
    stderr: '',
    stdout: '',
  });
}

export interface HeldList {
  readonly queue: string;
  /** Oldest first. */
  readonly payloads: readonly Buffer[];
}

/** @param others queues to look at even if they are missing in the set */
export async function readHeldLists(
  sender: CommandSender,
  reads: LargeReads,
  keys: ResqueKeys,
  owner: string,
  others: readonly string[] = [],
): Promise<HeldList[]> {
  const queues = await sender.command((commands) => commands.smembers(keys.heldQueues(owner)));
  return await Promise.all(
    [...new Set([...queues, ...others])].map(async (queue) => ({
      queue,
      payloads: await reads.list(keys.held(owner, queue)),
    })),
  );
}
