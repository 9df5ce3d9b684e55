/**
 * What the engine's Redis side takes from the machine it runs on: time, chance, connections, processes. The simulator
 * brings its own.
 */
import { randomUUID } from 'node:crypto';
import { systemClock } from '../resque/clock.ts';
import { openConnection } from '../resque/connection.ts';
import type { SessionMeans } from '../resque/session.ts';
import { endPrograms } from './left-programs.ts';
import { isGone, ownIdentity, type ProcessIdentity } from './process-identity.ts';

export interface Machine extends SessionMeans {
  /** Tells a runner process from every other one. */
  readonly newNonce: () => string;
  /** Of this process. */
  readonly identity: ProcessIdentity;
  /** @returns `null` if that can't be told from here */
  readonly isGone: (identity: ProcessIdentity) => boolean | null;
  /** Ends the programs that a dead runner left running here. @returns whether none is left */
  readonly endPrograms: (nonce: string) => Promise<boolean>;
}

export function thisMachine(): Machine {
  return {
    clock: systemClock,
    random: Math.random,
    openConnection,
    newNonce: randomUUID,
    identity: ownIdentity(),
    isGone,
    endPrograms,
  };
}
