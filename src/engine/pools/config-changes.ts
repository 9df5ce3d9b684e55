/** What a reload changed in the config, for people. */
import type { Config, PoolConfig, Schedule } from '../../config/config.ts';
import { entryChanges, scheduleChanges, topLevelChanges } from '../../config/effective.ts';

/** Fields outside of `runners` and `schedules` that a reload applies. The start reads the others. */
const appliedFields: readonly string[] = ['failedLimit', 'metrics'];

export interface RestartChanges {
  /** Fields of the file. */
  readonly names: readonly string[];
  /** What differs in them: `namespace ("resque" → "app")`. */
  readonly details: readonly string[];
}

/** Changed fields that take effect only after a restart. @param running the config that the runner started with */
export function changesForRestart(running: Config, now: Config): RestartChanges {
  const changes = topLevelChanges(running, now).filter(
    ({ path: [top = ''] }) => !appliedFields.includes(top),
  );
  return {
    // All of `redis` is one field: a URL has no others.
    names: [...new Set(changes.map(({ path }) => (path[0] === 'redis' ? 'redis' : path.join('.'))))],
    details: changes.map(({ path, text }) => `${path.join('.')} (${text})`),
  };
}

/** The differences about metrics, which the engine's owner applies: `metrics.listen: null → ":9464"`. */
export function metricsChanged(before: Config, after: Config): string[] {
  return topLevelChanges(before, after)
    .filter(({ path: [top] }) => top === 'metrics')
    .map(({ path, text }) => `${path.join('.')}: ${text}`);
}

/** The differences between two versions of an entry: `mail.timeout: 60 → 90`. */
export function differences(before: PoolConfig, after: PoolConfig): string[] {
  return entryChanges(before, after).map(({ path: [, ...rest], text }) => `${rest.join('.')}: ${text}`);
}

/** The differences between two versions of the schedules: `schedules.nightly: added`. */
export function schedulesChanged(before: readonly Schedule[], after: readonly Schedule[]): string[] {
  return scheduleChanges(before, after).map(({ path, text }) => `${path.join('.')}: ${text}`);
}
