/** What a reload changed in the config, for people. */
import type { Config, PoolConfig, Schedule } from '../../config/config.ts';

/** Fields that only the start reads, with their names in the file: what a reload doesn't apply. */
const startFields: Readonly<Record<Exclude<keyof Config, 'runners' | 'schedules' | 'failedLimit'>, string>> =
  {
    redis: 'redis',
    namespace: 'namespace',
    shutdownTimeoutSeconds: 'shutdownTimeout',
    maxRecoveries: 'maxRecoveries',
    scheduler: 'scheduler',
    schedulerLockPrefix: 'schedulerLockPrefix',
    workerHost: 'worker.host',
  };

/** Changed fields that take effect only after a restart. @param running the config that the runner started with */
export function fieldsForRestart(running: Config, now: Config): string[] {
  const names = Object.keys(startFields) as (keyof typeof startFields)[];
  return names
    .filter((name) => JSON.stringify(running[name]) !== JSON.stringify(now[name]))
    .map((name) => startFields[name]);
}

/** The differences between two versions of an entry. Shows no values of `env`, which may be secret. */
export function differences(before: PoolConfig, after: PoolConfig): string[] {
  const changes: string[] = [];
  const names = Object.keys(after) as (keyof PoolConfig)[];
  for (const name of names) {
    const [old, now] = [JSON.stringify(before[name]), JSON.stringify(after[name])];
    if (old === now) continue;
    changes.push(`${after.key}.${name}: ${name === 'env' ? 'changed' : `${old} → ${now}`}`);
  }
  return changes;
}

/** The differences between two versions of the schedules. */
export function scheduleChanges(before: readonly Schedule[], after: readonly Schedule[]): string[] {
  const textOf = (all: readonly Schedule[]) => new Map(all.map((each) => [each.name, JSON.stringify(each)]));
  const [old, now] = [textOf(before), textOf(after)];
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((name) => old.get(name) !== now.get(name))
    .map((name) => `schedules.${name}: ${!old.has(name) ? 'added' : now.has(name) ? 'changed' : 'removed'}`);
}
