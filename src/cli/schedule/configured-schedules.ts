/** The schedules that a command looks at besides those in Redis. */
import type { Schedule } from '../../config/config.ts';
import type { Flags } from '../command-line/flags.ts';
import { type ConfigIo, findConfig, loadConfig } from '../files/load-config.ts';

/** The schedules of the config; none without one. @throws UsageError if the config has mistakes */
export function configuredSchedules(
  io: ConfigIo,
  { config, redis }: Pick<Flags, 'config' | 'redis'>,
): readonly Schedule[] {
  const file = findConfig(io, config);
  return file === null ? [] : loadConfig(io, file, redis).config.schedules;
}
