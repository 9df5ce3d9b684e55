/**
 * Moves outcomes that Redis couldn't store to the disk, when there are too many or the process ends, and from there to Redis:
 * its own after an outage, and those of dead processes before their recovery.
 */
import type { EngineFact } from '../../protocol/events.ts';
import type { ResqueKeys } from '../../resque/format/keys.ts';
import { RedisError } from '../../resque/redis/redis-error.ts';
import type { CommandSender } from '../../resque/redis/send.ts';
import { Replay } from '../../resque/steps/replay.ts';
import { entryCount, type SpooledStep, type SpooledSteps } from '../../resque/steps/spooled-steps.ts';
import type { OutcomeWrite, StepRequest } from '../../resque/steps/step.ts';
import type { EngineMeans } from '../process/engine-means.ts';
import { Spool, type SpoolFile } from './spool.ts';

export interface SpoolingOptions {
  readonly client: {
    readonly session: CommandSender;
    readonly keys: ResqueKeys;
    /** Name and nonce of this process. */
    readonly owner: string;
    readonly nonce: string;
    /** See resque/failed/failed-limit.ts. */
    readonly failedLimit: number | null;
  };
  /** `null`: no directory; outcomes that can't be written are lost. */
  readonly directory: string | null;
  /** Redis and namespace. Files of other scopes are ignored. */
  readonly scope: string;
  readonly machine: Pick<EngineMeans, 'identity' | 'presenceOf' | 'clock'>;
  readonly publish: (fact: EngineFact) => void;
  /** This failure was recorded from the disk. */
  readonly onRecorded?: (record: string | Buffer) => void;
}

/** @param unrun goes into a separate step with the number `next` */
export function spooledSteps(
  requests: readonly StepRequest[],
  unrun: SpooledStep['unrun'],
  next: number,
): SpooledStep[] {
  const steps = requests.map(({ step, outcomes, returns, starts = [] }) => ({
    ...{ step, outcomes, returns, starts },
    unrun: [],
  }));
  return unrun.length === 0 ? steps : [...steps, { step: next, outcomes: [], returns: [], unrun }];
}

export interface WaitingFile {
  readonly peer: string;
  readonly file: string;
  /** As in `outcomes.spooled`. */
  readonly count: number;
  readonly unrun: number;
}

interface OwnFile {
  readonly path: string;
  /** Number of its first step. */
  readonly first: number;
  readonly count: number;
}

export class Spooling {
  readonly #options: SpoolingOptions;
  readonly #spool: Spool | null;
  readonly #replay: Replay;
  /** Files of this process, oldest first. */
  #own: OwnFile[] = [];
  readonly #told = new Set<string>();
  /** Nonces of processes whose steps Redis refused at the last try. */
  readonly #refused = new Set<string>();

  constructor(options: SpoolingOptions) {
    const { client, directory, scope, machine } = options;
    this.#options = options;
    this.#replay = new Replay(client.session, client.keys, machine.clock, () => client.failedLimit);
    const owner = () => ({ name: client.owner, nonce: client.nonce });
    this.#spool = directory === null ? null : new Spool({ directory, scope, machine, owner });
  }

  /** How many outcomes of this process are on the disk. */
  get count(): number {
    return this.#own.reduce((sum, { count }) => sum + count, 0);
  }

  /** Number of this process' first step on the disk, or `null`. */
  get first(): number | null {
    return this.#own[0]?.first ?? null;
  }

  /** @returns whether they are on the disk now */
  keep(steps: readonly SpooledStep[], isLast = false): boolean {
    const [count, unrun] = [entryCount(steps), unrunCount(steps)];
    const [first] = steps;
    if (first === undefined || count + unrun === 0) return true;
    if (this.#spool === null) return false;
    const { publish } = this.#options;
    try {
      const path = this.#spool.write(steps, isLast);
      this.#own.push({ path, first: first.step, count });
      publish({ type: 'outcomes.spooled', count, unrun, file: path });
      return true;
    } catch (error) {
      publish({ type: 'spool.failed', file: this.#spool.directory, count, reason: reasonOf(error) });
      return false;
    }
  }

  /** Writes this process' first file to Redis, after an outage. Rejects with RedisError. */
  async restoreFirst(): Promise<void> {
    const [file] = this.#own;
    if (file === undefined) return;
    const spooled = this.#spool?.read(file.path)?.spooled ?? null;
    const isTaken = spooled !== null && (await this.#replay.take(spooled));
    this.#own.shift();
    this.#spool?.remove(file.path);
    if (isTaken) this.#tellRecorded(spooled.steps);
  }

  #tellRecorded(steps: readonly SpooledStep[]): void {
    const { onRecorded } = this.#options;
    if (onRecorded === undefined) return;
    for (const outcome of steps.flatMap(({ outcomes }) => outcomes)) {
      if (outcome.kind === 'failure') onRecorded(outcome.record);
    }
  }

  /** This process' outcomes on the disk. */
  ownOutcomes(): OutcomeWrite[] {
    return this.#ownSteps().flatMap(({ outcomes }) => [...outcomes]);
  }

  /** Takes this process' steps off the disk. */
  takeOwn(): SpooledStep[] {
    const steps = this.#ownSteps();
    for (const { path } of this.#own.splice(0)) this.#spool?.remove(path);
    return steps;
  }

  #ownSteps(): SpooledStep[] {
    return this.#own.flatMap(({ path }) => [...(this.#spool?.read(path)?.spooled.steps ?? [])]);
  }

  /** The files that `restoreDead` would read. */
  waiting(dead?: ReadonlySet<string>): WaitingFile[] {
    const files = this.#spool?.look(dead).files ?? [];
    return files.map(({ path, spooled }) => ({
      peer: spooled.owner.name,
      file: path,
      count: entryCount(spooled.steps),
      unrun: unrunCount(spooled.steps),
    }));
  }

  /**
   * Writes the files of dead processes to Redis. Call it before their recovery, which would fail their jobs.
   *
   * @param dead nonces of processes known to be dead, even if this machine can't see them
   */
  async restoreDead(dead?: ReadonlySet<string>): Promise<void> {
    const { files, refused } = this.#spool?.claimDead(dead) ?? { files: [], refused: [] };
    for (const { path, reason } of refused) this.#tellOnce(path, 0, `${reason}; the file stays`);
    const processes = new Map<string, SpoolFile[]>();
    for (const file of files) {
      const { nonce } = file.spooled.owner;
      processes.set(nonce, [...(processes.get(nonce) ?? []), file]);
    }
    for (const ofOne of processes.values()) await this.#restore(ofOne);
  }

  async #restore(files: readonly SpoolFile[]): Promise<void> {
    const owner = files[0]?.spooled.owner;
    if (owner === undefined) return;
    const steps = files.flatMap(({ spooled }) => spooled.steps).sort((a, b) => a.step - b.step);
    const spooled: SpooledSteps = { owner, steps };
    const count = entryCount(steps);
    if (await this.#isTaken(spooled, files)) {
      for (const { path } of files) this.#spool?.remove(path);
      await this.#replay.forget(spooled);
      this.#options.publish({ type: 'outcomes.restored', peer: owner.name, count, unrun: unrunCount(steps) });
      this.#tellRecorded(steps);
      return;
    }
    if (this.#refused.has(owner.nonce)) return;
    const reason = `${owner.name} was recovered before this file was read; its jobs were recorded as failed or put back`;
    for (const file of files) {
      const late = this.#spool?.setAside(file) ?? file.path;
      this.#tellOnce(late, entryCount(file.spooled.steps), reason);
    }
  }

  /** If Redis refuses another process' steps, this one must still work. */
  async #isTaken(spooled: SpooledSteps, files: readonly SpoolFile[]): Promise<boolean> {
    this.#refused.delete(spooled.owner.nonce);
    try {
      return await this.#replay.take(spooled);
    } catch (error) {
      if (!(error instanceof RedisError) || error.kind !== 'refused') throw error;
      this.#refused.add(spooled.owner.nonce);
      for (const { path } of files) this.#tellOnce(path, entryCount(spooled.steps), error.message);
      return false;
    }
  }

  #tellOnce(file: string, count: number, reason: string): void {
    if (this.#told.has(file)) return;
    this.#told.add(file);
    this.#options.publish({ type: 'spool.failed', file, count, reason });
  }
}

function unrunCount(steps: readonly SpooledStep[]): number {
  return steps.reduce((count, { unrun }) => count + unrun.length, 0);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
