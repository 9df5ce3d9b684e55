/**
 * Commands in documents that can't run in a sandbox, and the tests that run them instead. `commands.test.ts` runs all
 * other commands, and also finds rows here that no document needs any more.
 *
 * A row has a pattern for the whole command, the reason, and one of these: the test that runs the command, with words of
 * its source that show it; or, if nothing can run it, a `check` of the command's text.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository, wordsOf } from './markdown.ts';

export interface Elsewhere {
  readonly command: RegExp;
  readonly because: string;
  readonly testedBy?: { readonly file: string; readonly words: string };
  /** @returns what is wrong with a command, `null` for nothing */
  readonly check?: (command: string) => string | null;
}

export const elsewhere: readonly Elsewhere[] = [
  {
    command: /^npm start( -- \S+)?$/,
    because: 'it sets up a checkout, and runs until its screen is closed',
    testedBy: { file: 'test/scripts/start.test.ts', words: 'start' },
  },
  {
    command: /^npm (test|run test:quick)( -- .*)?$/,
    because: 'this is one of its tests',
    testedBy: { file: '.ci/run', words: 'npm test' },
    check: pathsExist,
  },
  {
    command: /^npm run test:node( -- [\d. ]+)?$/,
    because: 'it installs other versions of Node from the network, and runs most tests again',
    testedBy: { file: 'test/scripts/test-node.test.ts', words: 'test-node.mjs' },
  },
  {
    command: /^npm pack && npm install --global \.\/resque-runner-\*\.tgz$/,
    because: 'it installs from the network for the whole machine',
    testedBy: { file: 'test/scripts/package.test.ts', words: "'install', '--global'" },
  },
  {
    command:
      /^sudo (npm install|useradd|install|systemctl (daemon-reload|enable)) ?.*$|^sed .*npm root --global.*$/,
    because: 'it changes the machine, or reads what was installed on it',
    testedBy: { file: 'test/docs/systemd.test.ts', words: "execStart('sudo useradd'" },
  },
  {
    command: /^sudo systemctl (reload|restart|kill --kill-who=main --signal=QUIT) resque-runner$/,
    because: 'it needs a machine that runs the service',
    testedBy: { file: 'test/docs/systemd.test.ts', words: "'--kill-who=main', '--signal=QUIT'" },
  },
  {
    command: /^sudo systemd-run .* resque-runner check \/srv\/jobs\/cfg\.json$/,
    because: 'it needs a machine that runs systemd',
    check: (command) =>
      command.includes(' --uid=resque --property=EnvironmentFile=/etc/resque-runner/secrets ')
        ? null
        : 'not the user and the secrets of the service',
  },
  {
    command: /^sudo -u resque resque-runner attach --socket \/run\/resque-runner\/runner\.sock$/,
    because: 'it needs a machine that runs the service; the test of the unit finds the socket',
    testedBy: { file: 'test/docs/systemd.test.ts', words: 'runner.sock' },
  },
  {
    command: /^journalctl --unit resque-runner --output cat( --follow| \| jq '[^']*')$/,
    because: 'it needs the journal of a machine that runs the service; the format of its lines is tested',
    testedBy: { file: 'test/cli/log/log.test.ts', words: 'json' },
  },
  {
    command: /^docker (build|network|run|exec|stop|kill|wait) .*$/,
    because: 'it needs a daemon and images from the network; the runner as process 1 is tested without them',
    testedBy: { file: 'test/docs/container.test.ts', words: 'dockerCommand()' },
  },
  {
    command: /^kubectl (create|apply|rollout|exec) .*$/,
    because: 'it needs a cluster',
    testedBy: { file: 'test/docs/deploy-numbers.test.ts', words: 'deploy/kubernetes.yaml' },
  },
  {
    command:
      /^(mkdir -p|cd) ~\/redis$|^apt-get download |^for archive in|^export PATH="\$HOME|^redis-server --version$/,
    because: 'it needs the archives of a distribution, from the network',
    testedBy: { file: 'test/cli/redis/program.test.ts', words: "typed('apt-get download')" },
  },
  {
    command: /^npx vitest run( [\w./-]+)+$/,
    because: 'it already runs as part of all tests',
    check: pathsExist,
  },
  {
    command: /^npm run (build|typecheck|lint|format)$/,
    because: 'it is about the whole checkout, and all tests begin with it',
    testedBy: { file: 'scripts/test.mjs', words: "['biome', 'check', '.']" },
  },
  {
    command: /^npm run bench( -- .*)?$/,
    because: 'it takes minutes and needs the machine for itself',
    testedBy: { file: 'test/scripts/bench.test.ts', words: 'bench' },
    check: benchExists,
  },
  {
    command: /^npm run chaos( -- .*)?$/,
    because: 'it takes minutes',
    testedBy: { file: 'test/chaos/chaos.test.ts', words: 'chaos' },
  },
  {
    command: /^npm run simulate( -- .*)?$/,
    because: 'it takes a minute',
    testedBy: { file: 'test/simulate/simulate.test.ts', words: 'simulate' },
  },
];

/** @returns the row for a command; `undefined` if the command runs in a sandbox */
export function rowFor(command: string): Elsewhere | undefined {
  return elsewhere.find((row) => row.command.test(command));
}

/** @returns what is wrong with a row or with its command, or `null` */
export function objectionTo({ testedBy, check, because }: Elsewhere, command: string): string | null {
  if (because === '') return `${command}: no reason`;
  if (testedBy === undefined && check === undefined) return `${command}: neither a test nor a check`;
  const said = testedBy === undefined ? null : missing(testedBy);
  return said ?? check?.(command) ?? null;
}

function missing({ file, words }: NonNullable<Elsewhere['testedBy']>): string | null {
  const path = join(repository, file);
  if (!existsSync(path)) return `${file} doesn't exist`;
  return readFileSync(path, 'utf8').includes(words) ? null : `${file} doesn't say: ${words}`;
}

/** Arguments with a slash must be files and folders of this repository. */
function pathsExist(command: string): string | null {
  const paths = wordsOf(command).filter((word) => word.includes('/') && !word.startsWith('-'));
  const absent = paths.find((path) => !existsSync(join(repository, path)));
  return absent === undefined ? null : `${absent} doesn't exist`;
}

function benchExists(command: string): string | null {
  const [, name] = / -- ([a-z]\w*)/.exec(command) ?? [];
  return name === undefined || existsSync(join(repository, 'bench', `${name}.ts`))
    ? null
    : `no bench ${name}`;
}
