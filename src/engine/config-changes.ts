/** What HUP finds changed in a config, in words. */
import type { RunnerConfig } from '../config/config.ts';

/** In words, what differs between two versions of an entry. Secrets may be in `env`: no values of it. */
export function differences(before: RunnerConfig, after: RunnerConfig): string[] {
  const changes: string[] = [];
  const names = Object.keys(after) as (keyof RunnerConfig)[];
  for (const name of names) {
    const [old, now] = [JSON.stringify(before[name]), JSON.stringify(after[name])];
    if (old === now) continue;
    changes.push(`${after.key}.${name}: ${name === 'env' ? 'changed' : `${old} → ${now}`}`);
  }
  return changes;
}
