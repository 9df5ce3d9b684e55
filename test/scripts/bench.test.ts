import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeSmallCheckout, type SmallCheckout } from './small-checkout.ts';

let checkout: SmallCheckout;
beforeAll(async () => {
  checkout = makeSmallCheckout("console.log('program');");
  checkout.write('bench/README.md', '');
  checkout.write(
    'bench/parts/shared.ts',
    'export const name: string = __VERSION__;\ndeclare const __VERSION__: string;',
  );
  checkout.write(
    'bench/first.ts',
    "import { name } from './parts/shared.ts';\nconsole.log('first', name, process.argv.slice(2));",
  );
  checkout.write(
    'bench/second.ts',
    "import { existsSync } from 'node:fs';\nconsole.log('second', existsSync('bench/second.ts'));",
  );
  checkout.write('bench/third.ts', 'process.exitCode = 4;');
  await bench('first');
}, 120_000);
afterAll(() => checkout.remove());

function bench(...args: string[]) {
  return execa('npm', ['run', 'bench', '--silent', '--', ...args], {
    cwd: checkout.root,
    env: checkout.env,
    reject: false,
  });
}

describe('npm run bench', () => {
  test('runs the named benches in order, from the root of the checkout', async () => {
    const { stdout, exitCode } = await bench('second', 'first', '--jobs=5');

    expect(stdout).toBe("second true\nfirst 0.1.0 [ '--jobs=5' ]");
    expect(exitCode).toBe(0);
  });

  test('runs every bench if none is named, and fails if one of them fails', async () => {
    const { stdout, exitCode } = await bench();

    expect(stdout).toBe('first 0.1.0 []\nsecond true');
    expect(exitCode).toBe(4);
  });

  test('lists the benches if one is unknown', async () => {
    const { stderr, stdout, exitCode } = await bench('first', 'frist');

    expect(stderr).toBe('resque-runner: there is no bench called frist; benches are first, second, third');
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
  });

  test('cleans up', () => {
    const cache = join(checkout.root, 'node_modules/.cache');
    expect(existsSync(cache) ? readdirSync(cache) : []).toEqual([]);
  });
});
