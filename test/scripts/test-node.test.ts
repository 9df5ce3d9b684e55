import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { repository } from './small-checkout.ts';

test('npm run test:node rejects invalid versions of Node', async () => {
  const script = join(repository, 'scripts/test-node.mjs');
  const { exitCode, stderr } = await execa(process.execPath, [script, '22', 'lts'], { reject: false });
  expect([exitCode, stderr]).toEqual([
    2,
    'resque-runner: "lts" is not a version of Node; try: npm run test:node -- 22 24',
  ]);
});
