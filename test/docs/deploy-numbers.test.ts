/** The numbers in docs/ and deploy/ are those of the program: a stop with the default limits, programs that hear of failures. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config/files/parse-config.ts';
import { noticeLimits } from '../../src/engine/notices/notices.ts';
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

test('the limits of programs that hear of failures are those of the program', () => {
  const { runMs, killAfterMs, running, waiting, waitingBytes, graceMs } = noticeLimits;
  const text = read('docs/failures.md').replace(/\s+/g, ' ');
  expect(text).toContain(`at most ${running} at a time`);
  expect(text).toContain(`Up to ${waiting} records (${waitingBytes / 2 ** 20} MiB) wait`);
  expect(text).toContain(`after ${runMs / 1000} s it gets TERM, and ${killAfterMs / 1000} s later KILL`);
  expect(text).toContain(`go on for ${graceMs.terminate / 1000} s after the last job has ended`);
  expect(text).toContain(`or for ${graceMs.quit / 1000} s after QUIT or with \`--drain\``);
  expect(graceMs).toMatchObject({ drained: graceMs.quit, kill: 0 });
  expect(read('docs/deploy.md').replace(/\s+/g, ' ')).toContain(
    `they get TERM after ${graceMs.terminate / 1000} s and KILL ${killAfterMs / 1000} s later`,
  );
  // Within the time that Redis may take to answer.
  expect(graceMs.terminate + 2 * killAfterMs + outputSeconds * 1000).toBeLessThan(answerLimitMs);
});
