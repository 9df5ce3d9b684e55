/**
 * Finds problems with workers and runners in Redis, and repairs them. The caller decides which runners are dead, and ends the
 * programs that they left on this machine. All reject with RedisError.
 */
import { trimArgument } from '../failed/failed-limit.ts';
import type { ResqueKeys } from '../format/keys.ts';
import { readPayload } from '../format/payload.ts';
import { readOwnWorkerId } from '../format/worker-id.ts';
import { workerRecord } from '../format/worker-record.ts';
import type { CommandSender } from '../redis/send.ts';
import { DeadRunners, type LeftRunner, type ProgramsEnd } from '../workers/dead-runners.ts';
import type { Vantage } from '../workers/liveness.ts';
import { type RunnerEntry, writeEntry } from '../workers/runner-entry.ts';
import { FailedRepair } from './failed-repair.ts';
import { type Finding, findingsOf, type LeftOwner } from './findings.ts';
import { carryOut, type Repair } from './repair.ts';
import { type ResqueState, readState } from './state.ts';

export interface AuditOptions {
  /** The machine that judges runners. */
  readonly here: Vantage;
  /** Ends programs of this process that still run here. */
  readonly endPrograms: (entry: RunnerEntry) => Promise<ProgramsEnd>;
  /** For a runner without an entry: as in the entry, what to do with its jobs. */
  readonly requeues: readonly string[];
  readonly maxRecoveries: number;
  /** Of resque-scheduler's lock; '' for none. */
  readonly lockPrefix: string;
  /** See failed-limit.ts. */
  readonly failedLimit?: number | null;
  /** Names of the config's schedules; `null` if it leaves schedules to others. */
  readonly schedules?: readonly string[] | null;
  /** Queues to look at besides those that Redis lists. */
  readonly queues: readonly string[];
}

/** Jobs that a dead runner process left, by what happens to them. */
export interface OrphanedJobs {
  readonly failed: number;
  readonly requeued: number;
}

/**
 * `told`: it can't be repaired from here. `changed`: it has changed since it was judged. `held-up`: programs of the runner
 * still run, or another process is recovering runners.
 */
export type RepairResult =
  | { readonly kind: 'repaired'; readonly orphanedJobs: OrphanedJobs | null }
  | { readonly kind: 'told' | 'changed' | 'held-up' };

export class Audit {
  readonly failures: FailedRepair;
  readonly #sender: CommandSender;
  readonly #keys: ResqueKeys;
  readonly #options: AuditOptions;
  readonly #dead: DeadRunners;

  constructor(sender: CommandSender, keys: ResqueKeys, options: AuditOptions) {
    this.#sender = sender;
    this.#keys = keys;
    this.#options = options;
    this.#dead = new DeadRunners(sender, keys);
    this.failures = new FailedRepair(sender, keys);
  }

  /** Writes nothing. */
  async examine(): Promise<{ readonly state: ResqueState; readonly findings: readonly Finding[] }> {
    const state = await readState(this.#sender, this.#keys, this.#options.queues, this.#options.lockPrefix);
    const { here, schedules } = this.#options;
    return { state, findings: findingsOf(state, this.#keys, here, schedules) };
  }

  /** What a repair would do with the jobs. */
  async orphanedJobs(left: LeftOwner): Promise<OrphanedJobs> {
    const runner = this.#runnerOf(left);
    const { workers, held } = await this.#dead.leftBy(runner);
    const goesBack = (id: string) => runner.entry.requeues.includes(readOwnWorkerId(id)?.queues ?? '');
    const ends = [
      ...workers.map(({ end }) => end?.kind ?? 'none'),
      ...[...left.strays.keys()].map((id) => (goesBack(id) ? 'requeue' : 'failure')),
    ];
    const heldCount = held.reduce((sum, { jobs }) => sum + jobs.length, 0);
    const unlisted = [...left.state.held].filter(([queue]) => !held.some((list) => list.queue === queue));
    const returns = ends.filter((kind) => kind === 'requeue').length;
    return {
      failed: ends.filter((kind) => kind === 'failure').length,
      requeued: unlisted.reduce((sum, [, jobs]) => sum + jobs, heldCount + returns),
    };
  }

  /** The entry of a dead runner. */
  entryOf(left: LeftOwner): RunnerEntry {
    return this.#runnerOf(left).entry;
  }

  async repair(finding: Finding): Promise<RepairResult> {
    if (finding.kind === 'left-owner') return await this.#recover(finding);
    if (!('repair' in finding) || finding.repair === undefined) return { kind: 'told' };
    const kind = await this.#carryOut(finding.repair);
    return kind === 'repaired' ? { kind, orphanedJobs: null } : { kind };
  }

  async #recover(left: LeftOwner): Promise<RepairResult> {
    const runner = this.#runnerOf(left);
    const { here, failedLimit = null } = this.#options;
    const unlock = await this.#dead.lock(`check ${process.pid}`);
    if (unlock === null) return { kind: 'held-up' };
    try {
      const { entry } = runner;
      const isEnded = entry.nonce === '' || (await this.#options.endPrograms(entry)).kind === 'ended';
      if ((await this.#adopt(left, runner)) === 'changed') return { kind: 'changed' };
      if (!isEnded && (await this.#dead.waitMs(runner)) > 0) return { kind: 'held-up' };
      const orphanedJobs = await this.#dead.recover(runner, here, trimArgument(failedLimit, Date.now()));
      return orphanedJobs === null ? { kind: 'changed' } : { kind: 'repaired', orphanedJobs };
    } finally {
      await unlock();
    }
  }

  /** If the registry has no entry, makes one. */
  #runnerOf({ owner, state }: LeftOwner): LeftRunner {
    const { requeues, maxRecoveries } = this.#options;
    const nonce = state.step?.split(' ')[0] ?? '';
    const made = { machine: '', pid: 0, startedAt: '', requeues, maxRecoveries, nonce, seenAtMs: 0 };
    const entry = state.entry ?? made;
    return { owner, entry, text: state.entryText ?? writeEntry(entry) };
  }

  /** Enters a process that is not in the registry, so that it can be recovered like any dead process. */
  #adopt(
    { owner, state, heartbeats, registered, strays }: LeftOwner,
    { text }: LeftRunner,
  ): Promise<'repaired' | 'changed'> {
    const keys = this.#keys;
    return this.#carryOut({
      seen: [
        [['HGET', keys.runners, owner], state.entryText ?? ''],
        [['GET', keys.runnerStep(owner)], state.step ?? ''],
        ...[...registered, ...strays.keys()].map(
          (id) => [['HGET', keys.heartbeat, id], heartbeats.get(id) ?? ''] as const,
        ),
        ...[...strays].map(
          ([id, hasRecord]) => [['EXISTS', hasRecord ? keys.worker(id) : keys.workerPayload(id)], 1] as const,
        ),
      ],
      writes: [
        ['HSET', keys.runners, owner, text],
        ...[...state.held.keys()].map((queue) => ['SADD', keys.heldQueues(owner), queue] as const),
        ...[...strays.keys()].flatMap((id) => [
          ['SET', keys.worker(id), recordBeside(id, readOwnWorkerId(id)?.queues ?? ''), 'NX'] as const,
          ['SADD', keys.workers, id] as const,
        ]),
      ],
    });
  }

  async #carryOut(repair: Repair): Promise<'repaired' | 'changed'> {
    return (await carryOut(this.#sender, this.#keys, repair)) ? 'repaired' : 'changed';
  }
}

/** As a step writes it for a payload beside the record. */
function recordBeside(worker: string, queue: string): string {
  const payload = readPayload(Buffer.from('{}'));
  return workerRecord({ worker, queue, payload, runAt: new Date(), step: null });
}
