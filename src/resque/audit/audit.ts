/**
 * Finds problems with workers and runners in Redis, and repairs them. The caller decides which runners are dead, and ends the
 * programs that they left on this machine. All reject with RedisError.
 */
import { trimArgument } from '../failed/failed-limit.ts';
import type { ResqueKeys } from '../format/keys.ts';
import { readPayload } from '../format/payload.ts';
import { heartbeatText, runAtText } from '../format/timestamps.ts';
import { readOwnWorkerId } from '../format/worker-id.ts';
import { withoutMarkup, workerRecord } from '../format/worker-record.ts';
import { runScript, type Script } from '../redis/script.ts';
import type { CommandSender } from '../redis/send.ts';
import { DeadRunners, type LeftRunner, type ProgramsEnd } from '../workers/dead-runners.ts';
import { livenessOf, type Vantage } from '../workers/liveness.ts';
import { type RunnerEntry, writeEntry } from '../workers/runner-entry.ts';
import { shownRecord } from '../workers/worker-problems.ts';
import { lostJob, unreadableJob } from './failed-entry.ts';
import { FailedRepair } from './failed-repair.ts';
import { type BadRecord, type Finding, findingsOf, type LeftOwner } from './findings.ts';
import { adoptScript, repairHeartbeatScript, scheduleTimesScript, settleScript } from './repair-scripts.ts';
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
    const isDead = (_: string, { entry }: { entry: RunnerEntry | null }) =>
      entry !== null && livenessOf(entry, this.#options.here, state) === 'dead';
    return { state, findings: findingsOf(state, isDead, this.#options.schedules) };
  }

  /** What a repair would do with the jobs. */
  async orphanedJobs(left: LeftOwner): Promise<OrphanedJobs> {
    const runner = this.#runnerOf(left);
    const { workers, held } = await this.#dead.leftBy(runner);
    const goesBack = (id: string) => runner.entry.requeues.includes(readOwnWorkerId(id)?.queues ?? '');
    const ends = [
      ...workers.map(({ end }) => end?.kind ?? 'none'),
      ...left.strays.map((id) => (goesBack(id) ? 'requeue' : 'failure')),
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
    switch (finding.kind) {
      case 'left-owner':
        return await this.#recover(finding);
      case 'bad-record':
        return await this.#repairRecord(finding);
      case 'stray-record':
        return await this.#giveUp(finding.id, finding.record);
      case 'bad-id':
        return finding.isAlive ? { kind: 'told' } : await this.#giveUp(finding.id, finding.record);
      case 'bad-heartbeat':
        return await this.#repairHeartbeat(finding.id, finding.value, finding.isRegistered);
      case 'stray-heartbeat':
        return await this.#repairHeartbeat(finding.id, finding.value, false);
      case 'unscheduled-times':
        return await this.#run(scheduleTimesScript, finding.times);
      default:
        return { kind: 'told' };
    }
  }

  async #recover(left: LeftOwner): Promise<RepairResult> {
    const runner = this.#runnerOf(left);
    const { here, failedLimit = null } = this.#options;
    const unlock = await this.#dead.lock(`check ${process.pid}`);
    if (unlock === null) return { kind: 'held-up' };
    try {
      const { entry } = runner;
      const isEnded = entry.nonce === '' || (await this.#options.endPrograms(entry)).kind === 'ended';
      if ((await this.#adopt(left, runner)).kind === 'changed') return { kind: 'changed' };
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

  async #adopt(
    { owner, state, heartbeats, registered, strays }: LeftOwner,
    { text }: LeftRunner,
  ): Promise<RepairResult> {
    const seen = [...registered, ...strays].flatMap((id) => [id, heartbeats.get(id) ?? '']);
    const records = strays.flatMap((id) => [id, recordBeside(id, readOwnWorkerId(id)?.queues ?? '')]);
    return await this.#run(adoptScript, [
      ...[owner, state.entryText ?? '', text, state.step ?? ''],
      ...[seen.length / 2, ...seen],
      ...[state.held.size, ...state.held.keys()],
      ...[strays.length, ...records],
    ]);
  }

  async #repairRecord({ id, record, isLeft }: BadRecord): Promise<RepairResult> {
    const queue = id.split(':').slice(2).join(':');
    const [kind, bytes] = isLeft
      ? ['fail', unreadableJob(id, queue, record)]
      : ['rewrite', shownRecord(record, withoutMarkup(queue), runAtText(new Date()))];
    return await this.#run(settleScript, [id, record, kind, bytes, 0, '']);
  }

  /** Unregisters the worker, and records its job, if it has one, as failed. */
  async #giveUp(id: string, record: Buffer | null): Promise<RepairResult> {
    const { failure, statusName } = lostJob(id, record);
    return await this.#run(settleScript, [id, record ?? '', 'fail', failure, 1, statusName]);
  }

  /** A registered worker gets the current time: if it is dead, it will be found by its silence. */
  async #repairHeartbeat(id: string, value: string, isRegistered: boolean): Promise<RepairResult> {
    const [seconds] = await this.#sender.command((commands) => commands.time());
    const now = isRegistered ? heartbeatText(new Date(Number(seconds) * 1000)) : '';
    return await this.#run(repairHeartbeatScript, [id, value, now]);
  }

  /** Each script first compares what was seen with what is there. */
  async #run(script: Script, args: readonly (string | Buffer | number)[]): Promise<RepairResult> {
    const isDone = (await runScript(this.#sender, script, 0, [this.#keys.prefix, ...args])) === 1;
    return isDone ? { kind: 'repaired', orphanedJobs: null } : { kind: 'changed' };
  }
}

/** As a step writes it for a payload beside the record. */
function recordBeside(worker: string, queue: string): string {
  const payload = readPayload(Buffer.from('{}'));
  return workerRecord({ worker, queue, payload, runAt: new Date(), step: null });
}
