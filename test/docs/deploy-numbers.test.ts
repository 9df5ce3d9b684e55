/** The times in docs/deploy.md and deploy/ are long enough for a stop with the default limits. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config/parse-config.ts';
import { answerLimitMs } from '../../src/resque/redis/send.ts';
import { repository } from './markdown.ts';

/** `drainLimitMs` of src/engine/process/child.ts: how long another process may hold the output open. */
const outputSeconds = 1;

function read(path: string): string {
  return readFileSync(join(repository, path), 'utf8');
}

function defaults(): { shutdownTimeout: number; killAfter: number } {
  const result = parseConfig('{"runners":{"q":1},"script":"./job.sh"}', { file: '/etc/cfg.json' });
  const [runner] = result.ok ? result.config.runners : [];
  if (!result.ok || runner === undefined) throw new Error('no defaults');
  return { shutdownTimeout: result.config.shutdownTimeoutSeconds, killAfter: runner.killAfterSeconds };
}

test('the seconds before KILL are enough for the longest stop', () => {
  const { shutdownTimeout, killAfter } = defaults();
  const longest = shutdownTimeout + 2 * killAfter + outputSeconds + answerLimitMs / 1000;
  expect(read('src/engine/process/child.ts')).toContain('drainLimitMs = 1_000');
  expect(read('docs/deploy.md')).toContain(
    `2 × \`killAfter\` + ${outputSeconds + answerLimitMs / 1000} = ${longest}.`,
  );
  expect(read('docs/deploy.md')).toContain(`| ${shutdownTimeout} s | TERM`);
  expect(read('docs/deploy.md')).toContain(`| ${shutdownTimeout + killAfter} s | KILL`);

  const given = [
    [read('deploy/resque-runner.service'), /^TimeoutStopSec=(\d+)$/m],
    [read('deploy/kubernetes.yaml'), /terminationGracePeriodSeconds: (\d+)$/m],
    [read('docs/deploy.md'), /--stop-timeout (\d+) --/],
    [read('docs/deploy.md'), /docker stop -t (\d+)/],
    [read('docs/deploy.md'), /foreman start -t (\d+)/],
  ] as const;
  for (const [text, pattern] of given) {
    expect(Number(pattern.exec(text)?.[1]), String(pattern)).toBeGreaterThanOrEqual(longest);
  }
});
