/** Runs a schedule and returns the broken promises. */
import { checkEnd } from './checker.ts';
import type { RealRedis } from './real-redis.ts';
import type { Schedule } from './schedule.ts';
import { World } from './world.ts';

export interface Result {
  /** Broken promises, a line each. */
  readonly violations: readonly string[];
  /** Everything that happened, a line each. */
  readonly trace: readonly string[];
  /** Simulated. */
  readonly ms: number;
  readonly runs: number;
}

export async function runSchedule(schedule: Schedule, redis: RealRedis): Promise<Result> {
  const world = new World(schedule, redis);
  const crashed = (error: unknown) =>
    world.log.broken(`a runner has crashed: ${error instanceof Error ? error.stack : String(error)}`);
  process.on('uncaughtException', crashed);
  process.on('unhandledRejection', crashed);
  try {
    await world.run();
    if (!world.log.isBroken) for (const what of await checkEnd(world)) world.log.broken(what);
  } catch (error) {
    crashed(error);
  } finally {
    process.off('uncaughtException', crashed);
    process.off('unhandledRejection', crashed);
    world.dispose();
  }
  const { log, agenda, book } = world;
  return { violations: log.violations, trace: log.lines, ms: agenda.nowMs, runs: book.runs.length };
}
