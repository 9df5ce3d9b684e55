/** `check` with `RR_NATIVE`, which the program reads when it starts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from '../../helpers/redis.ts';
import { useDirectory } from '../directory.ts';
import { runProgram } from '../program.ts';

const directory = useDirectory();

test('check says that jobs start through Node if RR_NATIVE turns the native way off', async () => {
  const redis = `redis://127.0.0.1:${await freePort()}`;
  const config = { redis, runners: { mail: 1 }, script: '/bin/true' };
  writeFileSync(join(directory.path, 'cfg.json'), JSON.stringify(config));
  const { stdout } = await runProgram(['check'], { cwd: directory.path, env: { RR_NATIVE: 'off' } });
  expect(stdout).toMatch(/^ok {3}start {6}jobs start through Node, because RR_NATIVE is "off"/m);
});
