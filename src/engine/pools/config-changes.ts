/** What HUP finds changed in a config, in words. */
import type { Config, PoolConfig } from '../../config/config.ts';

/** Everything of a config but its entries is read at start only: where it stands in the file. */
const startFields: Readonly<Record<Exclude<keyof Config, 'runners'>, string>> = {
  redis: 'redis',
  namespace: 'namespace',
  shutdownTimeoutSeconds: 'shutdownTimeout',
  maxRecoveries: 'maxRecoveries',
  workerHost: 'worker.host',
};

/** Fields that differ and take effect only after a restart. @param running the config that the runner started with */
export function fieldsForRestart(running: Config, now: Config): string[] {
  const names = Object.keys(startFields) as (keyof typeof startFields)[];
  return names
    .filter((name) => JSON.stringify(running[name]) !== JSON.stringify(now[name]))
    .map((name) => startFields[name]);
}

/** In words, what differs between two versions of an entry. Secrets may be in `env`: no values of it. */
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
