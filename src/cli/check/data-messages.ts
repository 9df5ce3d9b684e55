/** The texts of the findings in Redis: the problem, what a repair would do, and what it did. */
import type { WaitingFile } from '../../engine/outcomes/spooling.ts';
import type { LeftProgram } from '../../engine/process/left-programs.ts';
import { spoolContents } from '../../messages/events.ts';
import { age, lastSeen, plural } from '../../messages/quantities.ts';
import { limitsText } from '../../messages/queues.ts';
import { visibleWithin } from '../../messages/visible.ts';
import type { OrphanedJobs } from '../../resque/audit/audit.ts';
import type { FailureProblem } from '../../resque/audit/failed-entry.ts';
import type { Finding, LeftOwner } from '../../resque/audit/findings.ts';

/** More programs than these are only counted. */
const mostPrograms = 20;

export interface FindingText {
  readonly what: string;
  /** Follows "--repair"; '' if a repair can't do anything. */
  readonly would: string;
  /** Follows "repaired:". */
  readonly did: string;
}

/** Whether it needs no repair here, so that it is only a warning. */
export function onlyTold({ kind }: Finding): boolean {
  return (
    kind === 'silent-worker' ||
    kind === 'unregistered-worker' ||
    kind === 'unreadable-runner' ||
    kind === 'undeliverable-jobs' ||
    kind === 'unknown-schedules'
  );
}

/**
 * @param orphanedJobs what happens, or happened, to the jobs of a dead runner; `null` if unknown
 * @param programs of that runner that still run here
 */
export function findingText(
  finding: Finding,
  orphanedJobs: OrphanedJobs | null,
  programs: readonly LeftProgram[] = [],
): FindingText {
  switch (finding.kind) {
    case 'left-owner':
      return leftOwnerText(finding, orphanedJobs, programs);
    case 'bad-record':
      return {
        what: `the record of worker ${shown(finding.id)} is ${finding.problem}, which breaks resque-web's pages`,
        would: finding.isLeft
          ? 'records its job as failed, with the record as text'
          : 'replaces it with a record that holds it as text',
        did: finding.isLeft
          ? 'its job is recorded as failed, with the record as text'
          : 'the new record holds it as text',
      };
    case 'stray-record':
      return {
        what: `worker ${shown(finding.id)} has a record of a job, but no registration and no heartbeat`,
        would: 'records its job as failed',
        did: 'its job is recorded as failed',
      };
    case 'bad-id':
      return finding.repair === undefined
        ? told(`worker id ${shown(finding.id)} crashes Ruby's worker pruning; stop that worker`)
        : {
            what: `worker id ${shown(finding.id)} crashes Ruby's worker pruning`,
            would: 'unregisters it, and records its job, if any, as failed',
            did: 'it is unregistered',
          };
    case 'bad-heartbeat': {
      const what = `the heartbeat of ${shown(finding.id)} is ${shown(JSON.stringify(finding.value))}, not an ISO 8601 time: it crashes Ruby's worker pruning`;
      return finding.isRegistered
        ? { what, would: 'sets it to the current time', did: 'it is set to the current time' }
        : { what, would: 'removes it, because no such worker is registered', did: 'it is removed' };
    }
    case 'stray-heartbeat':
      return {
        what: `the heartbeat of ${shown(finding.id)} is ${age(finding.silentMs)} old, and no such worker is registered`,
        would: 'removes it',
        did: 'it is removed',
      };
    case 'unregistered-worker':
      return told(
        `worker ${shown(finding.id)} is alive but not registered: another program removed it as dead; restart it so that resque-web shows it`,
      );
    case 'silent-worker':
      return told(
        `worker ${shown(finding.id)} has had no heartbeat for ${age(finding.silentMs)}; it is not a resque-runner worker, and the next Ruby worker that starts will unregister it`,
      );
    case 'unreadable-runner':
      return told(
        `the entry of runner ${shown(finding.owner)} can't be read by this version; nothing was changed`,
      );
    case 'two-schedulers':
      return told(
        `two schedulers move delayed jobs at the same time, ${shown(finding.master)} (resque-scheduler) and ${shown(finding.leader)} (node-resque): together they lose and repeat jobs; stop one of them`,
      );
    case 'different-limits': {
      const each = finding.limits.map(
        ({ owner, limit, rate }) => `${shown(owner)} has ${limitsText(limit, rate) || 'no limit'}`,
      );
      return told(
        `runners disagree about queue ${shown(finding.queue)}: ${each.join('; ')}; give it the same "limit" and "rate" in all their configs`,
      );
    }
    case 'unscheduled-times': {
      const lists = plural(finding.times.length, 'list');
      return {
        what: `${lists} of delayed jobs ${finding.times.length === 1 ? 'is' : 'are'} missing in the schedule, so no scheduler will move them: ${shown(finding.times.join(', '))}`,
        would: 'enters their times into the schedule',
        did: 'their times are in the schedule',
      };
    }
    case 'undeliverable-jobs':
      return told(
        `${plural(finding.count, 'delayed job')} could not be moved to a queue; see the list runner:undeliverable, and delete it when you no longer need it`,
      );
    case 'unknown-schedules':
      return told(
        `${plural(finding.names.length, 'schedule')} in delayed:last_enqueued_at ${finding.names.length === 1 ? 'is' : 'are'} neither in this config nor in persistent_schedules: ${shown(finding.names.join(', '))}; if resque-scheduler has them in its schedule file, move them to this config, because it enqueues nothing while a runner holds its lock; if nothing uses them, delete them with HDEL`,
      );
    case 'wrong-type':
      return told(
        `key ${shown(finding.key)} is a ${finding.type} but should be a ${finding.expected}: remove or rename that key`,
      );
  }
}

function leftOwnerText(
  { owner, isListed, registered, strays, state, silentMs }: LeftOwner,
  orphanedJobs: OrphanedJobs | null,
  programs: readonly LeftProgram[],
): FindingText {
  const heard = silentMs === null ? 'never seen' : lastSeen(silentMs);
  const heldJobs = [...state.held.values()].reduce((sum, jobs) => sum + jobs, 0);
  const has = [
    registered.length > 0 ? `${plural(registered.length, 'worker')} registered` : '',
    strays.size > 0 ? `${plural(strays.size, 'job')} of workers that aren't registered` : '',
    heldJobs > 0 ? `${plural(heldJobs, 'job')} held` : '',
  ].filter((text) => text !== '');
  const dead = isListed ? 'is dead' : 'is not registered';
  const what = `runner ${shown(owner)} ${dead} (${heard})${has.length > 0 ? `, with ${has.join(', ')}` : ''}`;
  const { failed, requeued } = orphanedJobs ?? { failed: 0, requeued: 0 };
  const would = [
    programs.length > 0 ? `ends ${programsText(programs)}` : '',
    failed > 0 ? `records ${plural(failed, 'job')} as failed` : '',
    requeued > 0 ? `puts ${jobsToHead(requeued)}` : '',
    registered.length > 0 ? 'unregisters its workers' : '',
  ].filter((text) => text !== '');
  const did = [
    failed > 0 ? `recorded ${plural(failed, 'job')} as failed` : '',
    requeued > 0 ? `put ${jobsToHead(requeued)}` : '',
    'removed its keys',
  ].filter((text) => text !== '');
  return { what, would: would.length > 0 ? would.join(', ') : 'removes its keys', did: did.join(', ') };
}

/** `2 jobs back to the head of their queues` */
function jobsToHead(count: number): string {
  return `${plural(count, 'job')} back to the head of ${count === 1 ? 'its queue' : 'their queues'}`;
}

/** `2 programs that it left running: pid 7 (queue mail), pid 9 (queue low)` */
function programsText(programs: readonly LeftProgram[]): string {
  const named = programs
    .slice(0, mostPrograms)
    .map(({ pid, queue }) => `pid ${pid}${queue === null ? '' : ` (queue ${shown(queue)})`}`);
  const more = programs.length - named.length;
  if (more > 0) named.push(`${more} more`);
  return `${plural(programs.length, 'program')} that it left running: ${named.join(', ')}`;
}

export function waitingText(waiting: WaitingFile): string {
  return (
    `${waiting.file} holds ${spoolContents(waiting)}, saved by ${shown(waiting.peer)} while Redis was away; ` +
    '--repair writes them to Redis, and so does the next runner that starts'
  );
}

export function failuresText(problem: FailureProblem, entries: number): FindingText {
  const what = `${entries === 1 ? '1 entry breaks' : `${entries} entries break`} resque-web's pages of failures: `;
  switch (problem) {
    case 'empty':
      return { what: `${what}empty, left by an interrupted removal`, would: 'removes them', did: 'removed' };
    case 'worker':
    case 'backtrace':
    case 'payload':
      return {
        what: what + memberProblems[problem],
        would: 'rewrites them in place, and keeps the old values in before_repair',
        did: 'rewritten in place, with the old values in before_repair',
      };
    default:
      return {
        what: what + problem,
        would: 'replaces them with records that hold them as text (raw_record)',
        did: 'replaced by records that hold them as text (raw_record)',
      };
  }
}

const memberProblems = {
  worker: 'no worker',
  backtrace: 'backtrace is not an array',
  payload: "a payload that resque-web can't show",
};

function told(what: string): FindingText {
  return { what, would: '', did: '' };
}

function shown(text: string): string {
  return visibleWithin(text, 120);
}
