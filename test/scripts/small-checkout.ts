/**
 * A checkout with our real scripts, a tiny program and the bundler as its only dependency. A complete set-up takes seconds
 * there. Its path contains a space.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../..', import.meta.url));

export interface SmallCheckout {
  readonly root: string;
  /** The environment for all programs in it, which keeps their locks and temporary files inside. */
  readonly env: Readonly<Record<string, string>>;
  write(path: string, content: string): void;
  remove(): void;
}

interface LockFile {
  packages: Record<string, object>;
}

export function makeSmallCheckout(program: string): SmallCheckout {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'resque runner checkout ')));
  const write = (path: string, content: string) => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  const readJson = (path: string) => JSON.parse(readFileSync(join(repository, path), 'utf8'));

  cpSync(join(repository, 'scripts'), join(root, 'scripts'), { recursive: true });
  cpSync(join(repository, '.npmrc'), join(root, '.npmrc'));
  const { devDependencies, ...rest } = readJson('package.json');
  const packageJson = {
    ...rest,
    dependencies: {},
    optionalDependencies: {},
    devDependencies: { esbuild: devDependencies.esbuild },
  };
  const lock: LockFile = readJson('package-lock.json');
  const bundler = Object.entries(lock.packages).filter(([path]) =>
    /^node_modules\/(esbuild|@esbuild\/[^/]+)$/.test(path),
  );
  write('package.json', JSON.stringify(packageJson));
  write(
    'package-lock.json',
    JSON.stringify({ ...lock, packages: { '': packageJson, ...Object.fromEntries(bundler) } }),
  );
  write('src/cli/main.ts', program);
  write('tmp/.keep', '');

  return {
    root,
    env: { TMPDIR: join(root, 'tmp') },
    write,
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
