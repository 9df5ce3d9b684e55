/**
 * Enqueues any number of jobs in steps. Redis carries out each step once, even if replies, connections or this process are
 * lost. Redis keeps the progress, so another process that knows the id can resume.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { ResqueKeys } from '../format/keys.ts';
import { runScript, type Script } from '../redis/script.ts';
import type { RetryingSender } from './retrying-sender.ts';
import { addScript, beginScript, type ReplyKind, resumeScript } from './scripts.ts';

/** An interrupted enqueue can be resumed for this long. */
export const progressLifeSeconds = 86_400;

export interface EnqueueStep {
  /** JSON objects, separated by line feeds, in the order in which they are pushed. */
  readonly payloads: Buffer;
  /** How often to enqueue each of them. */
  readonly times: number;
  /** Number of jobs in all. */
  readonly jobs: number;
  /** Where to resume after this step. `resume` returns it. */
  readonly cursor: string;
}

/** The progress of an earlier process. */
export interface Resumed {
  readonly jobs: number;
  readonly cursor: string;
}

export type RefusalKind = Exclude<ReplyKind, 'done'>;

/** Why a step was not carried out. Trying again doesn't help. */
export class EnqueueRefused extends Error {
  override readonly name = 'EnqueueRefused';
  readonly kind: RefusalKind;
  /** `locked`: when the lock ends, in seconds since the epoch. `foreign`: the queue that the id is for. `undelayed`: 1 if its jobs are delayed. `mistyped`: the key, its type, the type that it should have. */
  readonly details: readonly string[];

  constructor(kind: RefusalKind, details: readonly string[]) {
    super([kind, ...details].join(' '));
    this.kind = kind;
    this.details = details;
  }
}

/** When delayed jobs are due: so many seconds from now by Redis' clock, or at this time in seconds since the epoch. */
export type Delay = { readonly kind: 'in' | 'at'; readonly seconds: number };

/** As QueueLock of node-resque: the job is enqueued only if the lock doesn't exist or has ended, and then takes it. */
export interface QueueLock {
  /** Key without the namespace prefix. */
  readonly name: string;
  /** How long it lasts, by Redis' clock. */
  readonly seconds: number;
}

export interface EnqueueTarget {
  readonly queue: string;
  /** `null`: the jobs go to the queue at once. Otherwise the payloads must be those of `delayedItem`. */
  readonly delay: Delay | null;
  readonly atHead: boolean;
  /** For a single job; `null` without a lock. */
  readonly lock?: QueueLock | null;
  /** The enqueue to resume; `null` for a new one. */
  readonly id: string | null;
}

/** Must send a command again if its reply was lost. */
export type EnqueueSender = Pick<RetryingSender, 'command' | 'once'>;

/** Every method rejects with RedisError, or with EnqueueRefused. */
export class Enqueue {
  readonly id: string;
  readonly #sender: EnqueueSender;
  readonly #keys: ResqueKeys;
  readonly #target: EnqueueTarget;
  readonly #run = randomUUID();
  #step = 0;
  #jobs = 0;
  #waiting = 0;
  #due = '';

  constructor(sender: EnqueueSender, keys: ResqueKeys, target: EnqueueTarget) {
    this.#sender = sender;
    this.#keys = keys;
    this.#target = target;
    this.id = target.id ?? randomBytes(4).toString('hex');
  }

  /** Jobs that are certainly enqueued, including those of earlier processes. */
  get jobs(): number {
    return this.#jobs;
  }

  /** When the jobs are due, in seconds since the epoch; `null` if they aren't delayed. */
  get dueAt(): number | null {
    return this.#due === '' ? null : Number(this.#due);
  }

  /** The length of the queue, or of the list of delayed jobs, in the last reply. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Creates the progress hash. No step is possible before this. */
  async begin(cursor: string): Promise<void> {
    const { queue, delay } = this.#target;
    const args = [this.#run, queue, cursor, progressLifeSeconds, delay?.kind ?? '', delay?.seconds ?? ''];
    const [due = ''] = await this.#call(beginScript, args);
    this.#due = due;
  }

  /** Takes over from an earlier process, whose late steps will be refused. */
  async resume(): Promise<Resumed> {
    const [step, jobs, cursor = '', due = ''] = await this.#call(resumeScript, [
      this.#run,
      this.#target.queue,
      progressLifeSeconds,
      this.#target.delay === null ? 0 : 1,
    ]);
    this.#due = due;
    this.#step = Number(step);
    this.#jobs = Number(jobs);
    return { jobs: this.#jobs, cursor };
  }

  async add({ payloads, times, jobs, cursor }: EnqueueStep): Promise<void> {
    const all = this.#jobs + jobs;
    const { lock = null } = this.#target;
    await this.#call(addScript, [
      this.#run,
      this.#target.queue,
      progressLifeSeconds,
      this.#step + 1,
      this.#target.atHead ? 'LPUSH' : 'RPUSH',
      cursor,
      all,
      times,
      payloads,
      this.#due,
      lock === null ? '' : this.#keys.prefix + lock.name,
      lock?.seconds ?? '',
    ]);
    this.#step += 1;
    this.#jobs = all;
  }

  /** Removes the progress hash. If that fails, the hash expires. */
  async end(): Promise<void> {
    await this.#sender.once((commands) => commands.del(this.#keys.enqueueProgress(this.id)));
  }

  /** @returns the rest of the reply after the queue's length */
  async #call(script: Script, args: readonly (string | number | Buffer)[]): Promise<string[]> {
    const { enqueueProgress, queue, queues } = this.#keys;
    const keys = [enqueueProgress(this.id), queue(this.#target.queue), queues];
    const reply = await runScript(this.#sender, script, keys.length, [...keys, ...args]);
    const [kind, ...details] = (reply as (Buffer | number)[]).map(String);
    if (kind !== 'done') throw new EnqueueRefused(kind as RefusalKind, details);
    const [length, ...rest] = details;
    this.#waiting = Number(length);
    return rest;
  }
}
