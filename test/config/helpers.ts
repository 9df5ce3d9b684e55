import type { Config } from '../../src/config/config.ts';
import { type ParseOptions, parseConfig } from '../../src/config/files/parse-config.ts';

const options: ParseOptions = { file: '/etc/rr/cfg.json' };

/** The smallest valid file, with `extra` laid over it. */
export function fileWith(extra: Record<string, unknown> = {}): string {
  return JSON.stringify({ runners: { mail: 1 }, script: '/bin/job', ...extra });
}

/** The config of a text that has no problems. */
export function configOf(text: string, extra: Partial<ParseOptions> = {}): Config {
  const result = parseConfig(text, { ...options, ...extra });
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.config;
}

/** The problems of a text; none for a valid one. */
export function problemsOf(text: string, extra: Partial<ParseOptions> = {}): readonly string[] {
  const result = parseConfig(text, { ...options, ...extra });
  return result.ok ? [] : result.problems;
}
