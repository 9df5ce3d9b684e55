import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filesLoadedWith, loadedWith, type Metafile, uiInHeadlessProcesses } from './bundle-graph.ts';
import { makeSmallCheckout, repository, type SmallCheckout } from './small-checkout.ts';

const packageJson = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));

describe('the bundle', () => {
  test("does not load the screen's code into a process without a screen", () => {
    const metafile: Metafile = JSON.parse(readFileSync(join(repository, 'dist/meta.json'), 'utf8'));

    expect(loadedWith(metafile, 'dist/resque-runner.js', 'ever')).toContain('src/cli/main.ts');
    expect(uiInHeadlessProcesses(metafile)).toEqual([]);
  });

  test('opens few files in a start without a screen', () => {
    const metafile: Metafile = JSON.parse(readFileSync(join(repository, 'dist/meta.json'), 'utf8'));
    const started = [
      'src/cli/main.ts',
      'src/cli/read-arguments.ts',
      'src/cli/run/start.ts',
      'src/cli/run/headless.ts',
    ];

    const files = Object.entries(metafile.outputs)
      .filter(([, { entryPoint }]) => entryPoint !== undefined && started.includes(entryPoint))
      .flatMap(([file]) => filesLoadedWith(metafile, file, 'at start'));
    // Without merged chunks there would be about a hundred. A changed import moves their number by a few.
    expect(new Set(files).size).toBeLessThan(28);
  });

  test('loads nothing of metrics unless they are on', () => {
    const metafile: Metafile = JSON.parse(readFileSync(join(repository, 'dist/meta.json'), 'utf8'));
    const loaded = (when: 'at start' | 'ever') =>
      Object.entries(metafile.outputs)
        .filter(([, { entryPoint }]) => entryPoint === 'src/cli/run/headless.ts')
        .flatMap(([file]) => [...loadedWith(metafile, file, when)])
        .filter((input) => /^src\/monitoring\/(metrics|http)\/|node_modules\/prom-client\//.test(input));
    expect(loaded('at start')).toEqual([]);
    expect(loaded('ever')).toContain('src/monitoring/metrics/page.ts');
  });

  test('contains no character that makes V8 use two bytes per character', () => {
    const metafile: Metafile = JSON.parse(readFileSync(join(repository, 'dist/meta.json'), 'utf8'));
    for (const file of Object.keys(metafile.outputs)) {
      expect(readFileSync(join(repository, file), 'latin1'), file).toMatch(/^[\0-\x7f]*$/);
    }
  });
});

describe("the check for the screen's code in a process without a screen", () => {
  const file = (entryPoint: string | null, inputs: string[], imports: [string, string][] = []) => ({
    ...(entryPoint === null ? {} : { entryPoint }),
    inputs: Object.fromEntries(inputs.map((input) => [input, {}])),
    imports: imports.map(([path, kind]) => ({ path, kind })),
  });
  const ui = file('src/cli/watch.ts', [
    'src/cli/watch.ts',
    'src/ui/app.tsx',
    'node_modules/ink/build/index.js',
  ]);

  test('passes a program that loads it later', () => {
    const outputs = {
      'dist/resque-runner.js': file(
        'src/cli/main.ts',
        ['src/cli/main.ts'],
        [
          ['dist/run.js', 'dynamic-import'],
          ['dist/watch.js', 'dynamic-import'],
        ],
      ),
      'dist/run.js': file(
        'src/cli/run/headless.ts',
        ['src/engine/engine.ts'],
        [['dist/shared.js', 'import-statement']],
      ),
      'dist/shared.js': file(null, ['node_modules/execa/index.js']),
      'dist/watch.js': ui,
    };

    expect(uiInHeadlessProcesses({ outputs })).toEqual([]);
  });

  test('finds it if it is loaded at the start, even in a shared chunk', () => {
    const outputs = {
      'dist/resque-runner.js': file(
        'src/cli/main.ts',
        ['src/cli/main.ts'],
        [['dist/shared.js', 'import-statement']],
      ),
      'dist/shared.js': file(null, ['node_modules/react/index.js']),
    };

    expect(uiInHeadlessProcesses({ outputs })).toEqual(['src/cli/main.ts loads node_modules/react/index.js']);
  });

  test("finds it if the engine's part loads it later", () => {
    const outputs = {
      'dist/run.js': file(
        'src/cli/run/headless.ts',
        ['src/engine/engine.ts'],
        [['dist/watch.js', 'dynamic-import']],
      ),
      'dist/watch.js': ui,
    };

    expect(uiInHeadlessProcesses({ outputs })).toEqual(['src/cli/run/headless.ts loads src/ui/app.tsx']);
  });
});

describe('npm run build', () => {
  let checkout: SmallCheckout;
  beforeAll(async () => {
    checkout = makeSmallCheckout(
      "declare const __VERSION__: string;\nconsole.log(__VERSION__, (await import('./later.ts')).later);",
    );
    checkout.write('src/cli/later.ts', "export const later = 'one';");
    await build();
  }, 120_000);
  afterAll(() => checkout.remove());

  const dist = (name: string) => join(checkout.root, 'dist', name);
  const build = (...args: string[]) =>
    execa(process.execPath, ['scripts/build.mjs', ...args], { cwd: checkout.root, env: checkout.env });
  const chunks = () => readdirSync(dist('')).filter((name) => name.startsWith('later-'));

  test('makes a program that can be started by name and knows its version', async () => {
    expect((await execa(dist('resque-runner.js'))).stdout).toBe(`${packageJson.version} one`);
    expect(statSync(dist('resque-runner.js')).mode & 0o777).toBe(0o755);
  });

  test('keeps the chunks of an earlier build for an hour, because it may still be running', async () => {
    const [first = ''] = chunks();
    checkout.write('src/cli/later.ts', "export const later = 'two';");

    await build();
    expect(chunks()).toContain(first);
    expect((await execa(dist('resque-runner.js'))).stdout).toBe(`${packageJson.version} two`);

    const longAgo = new Date(Date.now() - 61 * 60 * 1000);
    utimesSync(dist(first), longAgo, longAgo);
    await build();
    expect(chunks()).toHaveLength(1);
    expect(chunks()).not.toContain(first);
  });

  test('deletes them immediately for a package', async () => {
    writeFileSync(dist('later-OLD.js'), '');

    await build('--prune');
    expect(chunks()).toHaveLength(1);
    expect(chunks()).not.toContain('later-OLD.js');
  });
});
