/** Commands about the workers that Redis knows, of every kind and host. Each does a bounded amount of work. */

import { type CommandOf, type CommandReply, done, refused } from '../../protocol/commands.ts';
import type { WorkerInfo } from '../../protocol/redis-views.ts';
import { readSigns, removeStaleWorker } from '../../resque/audit/stale-worker.ts';
import { cut } from '../../resque/format/payload.ts';
import { heartbeatTime } from '../../resque/format/timestamps.ts';
import type { ResqueClient } from '../../resque/steps/client.ts';
import { ageAt, currentJob } from '../../resque/workers/current-job.ts';
import { isAlive, type JudgedWorker, judgeWorkers } from '../../resque/workers/judge-workers.ts';
import { silentLimitMs, type Vantage } from '../../resque/workers/liveness.ts';
import { type Registry, readRegistry, readWorkers } from '../../resque/workers/registry.ts';
import type { Recovery } from './recovery.ts';

export interface Peers {
  readonly client: ResqueClient;
  /** This machine, which can see its own processes. */
  readonly here: Vantage;
  readonly recovery: Pick<Recovery, 'recoverPeer' | 'listeningMs'>;
  /** This failure of a removed worker's job was recorded. */
  readonly onRecorded: (record: string) => void;
}

/** Bytes of a record that are read; jobs may be as large as Redis allows. */
const recordLimit = 64 * 1024;
/** Characters of a job's args. */
const argsLimit = 500;
/** After an outage, every worker is silent. Ruby's give a sign of life once a minute. */
const settledMs = 120_000;

export async function readWorkerInfos(
  { count }: CommandOf<'read-workers'>,
  peers: Peers,
): Promise<CommandReply> {
  const { client } = peers;
  const registry = await readRegistry(client.session, client.keys);
  const judged = await judge(peers, registry, mostSilent(registry, count));
  // Slot 2 comes before slot 10.
  const { compare } = new Intl.Collator('en', { numeric: true });
  const workers = judged
    .map((worker) => infoOf(worker, registry.nowMs, client.owner))
    .sort((a, b) => Number(isAlive(a)) - Number(isAlive(b)) || compare(a.id, b.id));
  const total = registry.workers.length;
  return done(`${workers.length} of ${total} workers`, { kind: 'workers', total, workers });
}

/** Those that may be stale come first, so that the limit cuts off others. */
function mostSilent({ workers, heartbeats, nowMs }: Registry, count: number): readonly Buffer[] {
  if (workers.length <= count) return workers;
  // Without such a heartbeat, it may have one of node-resque's kind.
  const seenAt = (id: Buffer) => heartbeatTime(heartbeats.get(id.toString()) ?? '') ?? nowMs - silentLimitMs;
  return workers
    .map((id) => ({ id, seenAtMs: seenAt(id) }))
    .sort((a, b) => a.seenAtMs - b.seenAtMs)
    .slice(0, count)
    .map(({ id }) => id);
}

async function judge(
  { client, here, recovery }: Peers,
  { heartbeats, runners, nowMs, connections }: Registry,
  ids: readonly Buffer[],
): Promise<JudgedWorker[]> {
  const { session, keys } = client;
  const { facts } = await readWorkers(session, keys, { workers: ids, heartbeats }, recordLimit);
  const entries = new Map([...runners].map(([owner, { entry }]) => [owner, entry]));
  const { listeningMs } = recovery;
  return judgeWorkers({ workers: facts, runners: entries, nowMs, connections, listeningMs }, here);
}

function infoOf(
  { facts, kind, state, death, silentMs }: JudgedWorker,
  nowMs: number,
  own: string,
): WorkerInfo {
  const { id, about, startedAtMs, processed, failed } = facts;
  const { host, pid, process, queues } = about;
  const job = currentJob(facts, nowMs);
  return {
    ...{ id, kind, state, death, host, pid, process, queues, silentMs, processed, failed },
    isOwn: process === own,
    ageMs: ageAt(nowMs, startedAtMs),
    job: job === null ? null : { ...job, args: cut(job.args, argsLimit) },
  };
}

/**
 * Removes a worker that is stale now. A runner's worker is removed by the recovery of its process, which may put jobs back;
 * any other as Resque prunes it.
 */
export async function removeWorker(
  { worker: id }: CommandOf<'remove-worker'>,
  peers: Peers,
): Promise<CommandReply> {
  const { client, recovery, onRecorded } = peers;
  const { session, keys } = client;
  // Before it is judged: if it changes after that, nothing happens.
  const signs = await readSigns(session, keys, id);
  if (signs === null) return refused('worker-gone', `worker ${id} is no longer registered`);
  const registry = await readRegistry(session, keys);
  const [judged] = await judge(peers, registry, [Buffer.from(id)]);
  if (judged === undefined || isAlive(judged)) return refused('worker-alive', aliveText(id, judged));
  const { process } = judged.facts.about;
  if (judged.kind === 'resque-runner') {
    return registry.runners.has(process) ? await recoverRunner(process, recovery) : notListed(process);
  }
  if (judged.facts.wrongRecordType !== null) {
    return refused(
      'worker-held',
      `the record of ${id} is a ${judged.facts.wrongRecordType}: delete ${keys.worker(id)}`,
    );
  }
  if (recovery.listeningMs < settledMs) {
    return refused(
      'worker-alive',
      'Redis was away a moment ago, so living workers seem silent: wait 2 minutes',
    );
  }
  const removed = await removeStaleWorker(session, keys, signs);
  if (removed.kind === 'changed')
    return refused('worker-alive', `worker ${id} has just shown a sign of life`);
  if (removed.failure !== null) onRecorded(removed.failure);
  return done(`removed worker ${id}${removed.failure === null ? '' : '; its job is recorded as failed'}`);
}

function aliveText(id: string, judged: JudgedWorker | undefined): string {
  if (judged?.state === 'unknown')
    return `worker ${id} may be alive: a runner counts as dead after 5 minutes`;
  return judged?.silentMs === null
    ? `worker ${id} sends no heartbeat, so it may be alive`
    : `worker ${id} is alive`;
}

async function recoverRunner(owner: string, recovery: Peers['recovery']): Promise<CommandReply> {
  const result = await recovery.recoverPeer(owner);
  if (result === 'alive') return refused('worker-alive', `runner ${owner} is alive`);
  if (result === 'held') {
    return refused(
      'worker-held',
      `runner ${owner} can't be removed yet: its programs may still run, or another runner removes it`,
    );
  }
  const { failed, requeued } = result;
  return done(
    `removed runner ${owner}; of its jobs, ${failed} failed and ${requeued} went back to their queues`,
  );
}

function notListed(owner: string): CommandReply {
  return refused(
    'worker-held',
    `runner ${owner} is missing in Redis' list of runners: use resque-runner check --repair`,
  );
}
