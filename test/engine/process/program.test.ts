/** What a job's program never inherits. */
import { expect, test } from 'vitest';
import { launchSpecOf } from '../../../src/engine/process/program.ts';
import { runnerDefaults } from '../../helpers/runner-config.ts';

test.each(['process', 'persistent'] as const)('a job of mode %s sees no variable of systemd', (mode) => {
  const hidden = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID', 'JOURNAL_STREAM'];
  // Variables of the config come after those of the runner.
  const env = Object.fromEntries([...hidden, 'SHOWN'].map((name) => [name, 'x']));
  const facts = { queue: 'mail', worker: 'host:1-0:mail', mark: 'm', attempt: null };
  const config = { ...runnerDefaults, key: 'mail', script: ['job'], mode, env };
  const spec = launchSpecOf(config, facts, { stdin: 'pipe', hasResults: mode === 'persistent' });
  const names = spec.env.map((variable) => variable.split('=', 1)[0]);
  expect(names).toContain('SHOWN');
  expect(names.filter((name) => hidden.includes(name ?? ''))).toEqual([]);
});
