/**
 * Finds and ends programs that jobs of a dead runner left running on this machine. A program carries its runner's nonce in
 * its environment. Other users can neither read that nor end the program, so some programs can't be identified:
 *
 *     its environment can be read and has the nonce, or it is in the session of such a one      ended
 *     it can't be read, is of the runner's user, and began after the runner in an orphaned
 *     session of its own                                                                        may be one
 *     processes of the runner's user are hidden (`hidepid`)                                     there may be some
 */
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { ProgramsEnd } from '../../resque/workers/dead-runners.ts';
import type { RunnerEntry } from '../../resque/workers/runner-entry.ts';
import { ownIdentity } from '../machine/identity.ts';
import { pids, readIfThere, statOf } from '../machine/proc.ts';
import { signalGroup } from './child.ts';
import { runnerVariable } from './program.ts';

const checkMs = 10;
/** A killed process may take a while to end if a disk or a debugger holds it. */
const endLimitMs = 5_000;

interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
  /** The pid of the session's leader; 0 if that is outside of our pid namespace. */
  readonly session: number;
  /** In ticks of the kernel's clock. */
  readonly startedAt: number;
  /** `null` if it can't be read. */
  readonly environment: string | null;
}

export interface LeftProgram {
  readonly pid: number;
  /** Of its job; `null` if its environment is another by now. */
  readonly queue: string | null;
}

export class LeftPrograms {
  /** Nonce → programs that didn't end. Once their parents are gone, nothing else shows which runner they belong to. */
  readonly #stubborn = new Map<string, readonly RunningProcess[]>();

  /** @param runners pids of live runners on this machine: their programs aren't orphans */
  async end(entry: RunnerEntry, runners: ReadonlySet<number> = new Set()): Promise<ProgramsEnd> {
    const { mark: nonce = entry.nonce } = entry;
    const deadline = performance.now() + endLimitMs;
    const sessions = new Set<number>();
    for (;;) {
      // Not even this process is listed: no descriptor is left, or /proc is missing.
      if (pids().length === 0 && process.platform === 'linux') return { kind: 'uncertain', pids: [] };
      const all = runningProcesses();
      const left = programsOf(nonce, all, sessions, this.#stubborn.get(nonce));
      if (left.length === 0) {
        this.#stubborn.delete(nonce);
        return endOfOthers(entry, all, runners);
      }
      const refusals = left.map(({ pid }) => kill(pid));
      if (performance.now() > deadline || refusals.every((isRefused) => isRefused)) {
        this.#stubborn.set(nonce, left);
        return { kind: 'uncertain', pids: left.map(({ pid }) => pid) };
      }
      await new Promise((resolve) => setTimeout(resolve, checkMs));
    }
  }
}

/**
 * @param sessions of its programs as far as they were found; those of now are added
 * @param stubborn programs of it that didn't end
 */
function programsOf(
  nonce: string,
  all: readonly RunningProcess[],
  sessions: Set<number>,
  stubborn: readonly RunningProcess[] = [],
): RunningProcess[] {
  const wanted = `${runnerVariable}=${nonce}`;
  const marked = all.filter(({ environment }) => environment?.split('\0').includes(wanted) === true);
  const isThere = (pid: number) => all.some((each) => each.pid === pid);
  for (const { session } of marked) {
    const isItsOwn = marked.some(({ pid }) => pid === session) || !isThere(session);
    if (session > 0 && isItsOwn) sessions.add(session);
  }
  return all.filter(
    (each) =>
      marked.includes(each) ||
      sessions.has(each.session) ||
      stubborn.some(({ pid, startedAt }) => pid === each.pid && startedAt === each.startedAt),
  );
}

/** What `LeftPrograms` would end of a dead runner, as far as it can be told now. */
export function findLeftPrograms({ mark, nonce }: Pick<RunnerEntry, 'mark' | 'nonce'>): LeftProgram[] {
  const wanted = mark ?? nonce;
  if (wanted === '') return [];
  const found = programsOf(wanted, runningProcesses(), new Set());
  const queues = new Map<number, string>();
  for (const { session, environment } of found) {
    const queue = /(?:^|\0)RESQUE_QUEUE=([^\0]*)/.exec(environment ?? '')?.[1];
    if (queue !== undefined) queues.set(session, queue);
  }
  return found.map(({ pid, session }) => ({ pid, queue: queues.get(session) ?? null }));
}

/** The rest, once the programs that could be told are gone. */
function endOfOthers(
  entry: RunnerEntry,
  all: readonly RunningProcess[],
  runners: ReadonlySet<number>,
): ProgramsEnd {
  const { machine, uid: own = 0 } = ownIdentity();
  const { uid = own, startedAt } = entry;
  if (machine === '' || entry.machine !== machine) return { kind: 'ended' };
  if (uid !== own && hidesProcesses()) return { kind: 'uncertain', pids: [] };
  const byPid = new Map(all.map((each) => [each.pid, each]));
  const mayBeOne = (each: RunningProcess): boolean => {
    if (each.environment !== null || each.session === 0 || each.startedAt < Number(startedAt)) return false;
    if (userOf(each.pid) !== uid) return false;
    const leader = byPid.get(each.session);
    if (leader === undefined) return true;
    if (leader.environment !== null || leader.startedAt < Number(startedAt)) return false;
    return !runners.has(leader.parent) && mayHaveAdopted(leader.parent);
  };
  // Process 1, or another one that adopts orphans: it was there before the runner.
  const mayHaveAdopted = (pid: number): boolean => {
    if (pid === process.pid) return false;
    const parent = byPid.get(pid);
    return pid <= 1 || parent === undefined || parent.startedAt <= Number(startedAt);
  };
  const candidates = all.filter(mayBeOne).map(({ pid }) => pid);
  return candidates.length === 0 ? { kind: 'ended' } : { kind: 'uncertain', pids: candidates };
}

/** Without this process, and without processes that have ended and wait to be reaped. */
function runningProcesses(): RunningProcess[] {
  return pids().flatMap((pid) => {
    const fields = pid === process.pid ? null : statOf(pid);
    if (fields === null || fields[0] === 'Z') return [];
    // proc(5): fields 4, 6 and 22.
    const [parent, session, startedAt] = [fields[1], fields[3], fields[19]].map(Number);
    if (parent === undefined || session === undefined || startedAt === undefined) return [];
    const environment = environmentIn(`/proc/${pid}/environ`);
    return environment === undefined ? [] : [{ pid, parent, session, startedAt, environment }];
  });
}

/** @returns `null` if it can't be read, `undefined` if the process has just ended */
function environmentIn(path: string): string | null | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    return code === 'ENOENT' || code === 'ESRCH' ? undefined : null;
  }
}

/** The user who started it, even if it has changed its user or can't be inspected. */
function userOf(pid: number): number | null {
  const user = /^Uid:\s+(\d+)/m.exec(readIfThere(`/proc/${pid}/status`) ?? '')?.[1];
  return user === undefined ? null : Number(user);
}

/** Whether /proc hides processes of other users from us. */
function hidesProcesses(): boolean {
  const mounts = (readIfThere('/proc/self/mounts') ?? '').split('\n').map((line) => line.split(' '));
  const options =
    mounts
      .filter(([, place]) => place === '/proc')
      .at(-1)?.[3]
      ?.split(',') ?? [];
  const value = (name: string) =>
    options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1);
  const hiding = value('hidepid') ?? 'off';
  if (['0', 'off'].includes(hiding) || process.geteuid?.() === 0) return false;
  const isExempt = process.getgroups?.().includes(Number(value('gid') ?? 0)) === true;
  return ['4', 'ptraceable'].includes(hiding) || !isExempt;
}

/** Also its group, if it leads one, to include what it has just started. @returns whether we may not end it */
function kill(pid: number): boolean {
  signalGroup(pid, 'SIGKILL');
  try {
    process.kill(pid, constants.signals.SIGKILL);
    return false;
  } catch (error) {
    // ESRCH: it has ended.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
