/** What a session tells, and what it takes from its surroundings. */
import { type Clock, systemClock } from './clock.ts';
import { type OpenConnection, openConnection } from './connection.ts';
import type { RedisError } from './redis-error.ts';

export interface SessionHooks {
  /**
   * Called with the connections usable but before the session counts as up: says who we are and writes what
   * could not be written. A rejection is trouble like any other, so this is also the test that Redis takes
   * our writes.
   */
  resume(): Promise<void>;
  onUp(fact: { readonly serverVersion: string; readonly awayMs: number | null }): void;
  /** Once per outage, and once more where another kind of trouble takes its place. */
  onDown(trouble: RedisError): void;
}

/** What a session takes from its surroundings; the simulator brings its own. */
export interface SessionMeans {
  readonly clock: Clock;
  readonly openConnection: OpenConnection;
  /** From 0 up to 1. */
  readonly random: () => number;
}

export const systemMeans: SessionMeans = { clock: systemClock, openConnection, random: Math.random };
