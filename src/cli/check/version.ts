/** Whether the server has all that the config needs. */
import type { PoolConfig } from '../../config/config.ts';
import { fail, type Verdict } from './verdict.ts';

/** Valkey and other relatives give the version of Redis that they equal. */
export function versionVerdicts(
  version: string,
  runners: readonly Pick<PoolConfig, 'key' | 'delivery'>[],
): Verdict[] {
  const [major = Number.NaN, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  // Unknown counts as new: better to try than to refuse.
  if (major < 5) return [fail('version', `${version} has no CLIENT UNBLOCK; 5.0 is needed at least`)];
  const held = runners.filter(({ delivery }) => delivery === 'at-least-once').map(({ key }) => key);
  if (held.length === 0 || !(major < 6 || (major === 6 && minor < 2))) return [];
  return [
    fail(
      'version',
      `${version} has no BLMOVE, which at-least-once delivery needs (${held.join(', ')}); 6.2 is needed at least`,
    ),
  ];
}
