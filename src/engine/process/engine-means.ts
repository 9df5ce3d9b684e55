/**
 * What the engine's Redis side uses of its machine: time, random numbers, connections, processes. The simulator has its
 * own.
 */
import { randomUUID } from 'node:crypto';
import { systemClock } from '../../resque/redis/clock.ts';
import { openConnection } from '../../resque/redis/connection.ts';
import type { SessionMeans } from '../../resque/redis/session.ts';
import type { ProgramsEnd } from '../../resque/workers/dead-runners.ts';
import type { Presence } from '../../resque/workers/liveness.ts';
import type { RunnerEntry } from '../../resque/workers/runner-entry.ts';
import { ownIdentity, type ProcessIdentity, presenceOf } from '../machine/identity.ts';
import { LeftPrograms } from './left-programs.ts';

export interface EngineMeans extends SessionMeans {
  /** Identifies a runner process. */
  readonly newNonce: () => string;
  /** This process. */
  readonly identity: ProcessIdentity;
  readonly presenceOf: (process: ProcessIdentity) => Presence;
  /** Ends the programs that a dead runner left running here; `runners` are pids of live runners. */
  readonly endPrograms: (entry: RunnerEntry, runners?: ReadonlySet<number>) => Promise<ProgramsEnd>;
}

export function thisMachine(): EngineMeans {
  const left = new LeftPrograms();
  return {
    clock: systemClock,
    random: Math.random,
    openConnection,
    newNonce: randomUUID,
    identity: ownIdentity(),
    presenceOf,
    endPrograms: (entry, runners) => left.end(entry, runners),
  };
}
