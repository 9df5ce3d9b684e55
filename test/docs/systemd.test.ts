/**
 * The unit of docs/deploy.md, checked by systemd-analyze and run by a systemd. That is a user's systemd with its own
 * process namespace and control groups, so it can't touch services of this machine. It reads the same unit files as the
 * system's. If namespaces or control groups aren't available (no root, read-only), only the check runs.
 */
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/files/parse-config.ts';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { kill } from '../helpers/processes.ts';
import { waitFor } from '../helpers/wait-for.ts';
import { allDocuments, repository } from './markdown.ts';

const program = join(repository, 'dist', 'resque-runner.js');
const unitText = readFileSync(join(repository, 'deploy/resque-runner.service'), 'utf8');
const strictText = readFileSync(join(repository, 'deploy/strict.conf'), 'utf8');

/** The unit with a drop-in. */
function withDropIn(unit: string, dropIn: string): string {
  return unit.replace('[Install]', `${dropIn}\n[Install]`);
}

/** The unit, with the program's and the config's real paths. */
function unitFor(config: string): string {
  return unitText
    .replace('ExecStart=resque-runner', `ExecStart=${process.execPath} ${program}`)
    .replace('/srv/jobs/cfg.json', config)
    .replace('/srv/jobs', dirname(config));
}

describe.skipIf(spawnSync('sh', ['-c', 'systemd-analyze --version']).status !== 0)('the unit', () => {
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'rr-unit-'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test.each([
    ['resque-runner.service', 'cfg.json', [], ''],
    ['resque-runner-strict.service', 'cfg.json', [], strictText],
    // The template that the document makes of it, as one instance.
    ['resque-runner@.service', '%i.json', ['resque-runner@mail.service'], ''],
  ])('%s is valid for systemd', async (name, config, instances, dropIn) => {
    writeFileSync(join(directory, name), withDropIn(unitFor(`/srv/jobs/${config}`), dropIn));
    const units = (instances.length === 0 ? [name] : instances).map((unit) => join(directory, unit));
    const { exitCode, all } = await execa(
      'sh',
      ['-c', 'exec systemd-analyze verify --man=no "$@"', 'sh', ...units],
      {
        all: true,
        reject: false,
      },
    );
    // It may also report problems in the machine's own units.
    expect(all.split('\n').filter((line) => line.includes('resque-runner'))).toEqual([]);
    expect(exitCode).toBe(0);
  });
});

/** The block of docs/deploy.md that has this command. */
function typed(command: string): string {
  const deploy = allDocuments().find(({ path }) => path === 'docs/deploy.md');
  const block = deploy?.blocks.find(({ text }) => text.includes(command));
  if (block === undefined) throw new Error(`no block has ${command}`);
  return block.text;
}

describe('the commands of the document', () => {
  let root = '';
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'rr-typed-'));
    for (const folder of ['bin', 'work', 'etc/systemd/system'])
      mkdirSync(join(root, folder), { recursive: true });
    const modules = join(root, 'lib/node_modules');
    putProgram('sudo', 'exec "$@"');
    putProgram('useradd', ':');
    putProgram('systemctl', `echo "$@" >> '${root}/systemctl'`);
    putProgram(
      'npm',
      `if [ "$1" = root ]; then echo '${modules}'; else
      mkdir -p '${modules}/resque-runner'; cp -r '${repository}/deploy' '${modules}/resque-runner'; fi`,
    );
    // Into this directory, and without the user, who wasn't created.
    putProgram(
      'install',
      `count=$#; for word; do shift; count=$((count - 1))
        [ $count = 0 ] && word='${root}'"$word"
        case $word in --group=*) ;; *) set -- "$@" "$word" ;; esac
      done; PATH=/usr/bin:/bin exec install "$@"`,
    );
    writeFileSync(join(root, 'work/cfg.json'), '{"runners": {"mail": 5}, "script": "./job.sh"}');
    writeFileSync(join(root, 'work/job.sh'), '#!/bin/sh\n');
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  function putProgram(name: string, body: string): void {
    writeFileSync(join(root, 'bin', name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  }

  /** Runs the block that has this command. @returns the words of `ExecStart` in the installed unit */
  async function execStart(command: string, unit: string): Promise<string[]> {
    const env = { PATH: `${join(root, 'bin')}:${process.env.PATH}` };
    await execa('sh', ['-e', '-c', typed(command)], { cwd: join(root, 'work'), env });
    const text = readFileSync(join(root, 'etc/systemd/system', unit), 'utf8');
    expect(text).toContain('WorkingDirectory=/srv/jobs\n');
    return /^ExecStart=(.*)$/m.exec(text)?.[1]?.split(' ') ?? [];
  }

  test('put all files where the unit expects them', async () => {
    const [name, config = ''] = await execStart('sudo useradd', 'resque-runner.service');
    // Without a directory: systemd looks in /usr/local/bin and /usr/bin, and npm installs to either.
    expect(name).toBe('resque-runner');
    const file = join(root, config);
    const result = parseConfig(readFileSync(file, 'utf8'), { file });
    const [script = ''] = result.ok ? (result.config.runners[0]?.script ?? []) : [];
    expect(script).toBe(join(root, 'srv/jobs/job.sh'));
    accessSync(script, constants.X_OK);
    expect(readFileSync(join(root, 'systemctl'), 'utf8')).toBe('daemon-reload\nenable --now resque-runner\n');
  });

  test('make a template of the unit', async () => {
    const [, config] = await execStart('resque-runner@', 'resque-runner@.service');
    expect(config).toBe('/srv/jobs/%i.json');
  });
});

const systemd = ['/lib/systemd/systemd', '/usr/lib/systemd/systemd'].find((path) => existsSync(path));
/** The roots of control groups; machines with cgroup v1 have several. */
const cgroups = ['/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified', '/sys/fs/cgroup'].filter((path) =>
  existsSync(join(path, 'cgroup.procs')),
);
const canBoot =
  systemd !== undefined && process.getuid?.() === 0 && cgroups.length > 0 && cgroups.every(isWritable);

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    const probe = join(path, `rr-docs-${randomUUID()}`);
    mkdirSync(probe);
    rmdirSync(probe);
    return true;
  } catch {
    return false; // Read-only, as in most containers.
  }
}

/** A systemd that runs only the units of a test. */
class Manager {
  readonly #root: string;
  readonly #groups: readonly string[];
  readonly #process: ReturnType<typeof startIn>;

  constructor(root: string) {
    this.#root = root;
    const name = `rr-docs-${randomUUID()}`;
    this.#groups = cgroups.map((path) => join(path, name));
    for (const group of this.#groups) mkdirSync(group);
    for (const folder of ['run', 'config/systemd/user'])
      mkdirSync(join(root, folder), { recursive: true, mode: 0o700 });
    writeFileSync(join(root, 'config/systemd/user/idle.target'), '[Unit]\nAllowIsolate=yes\n');
    const enter = this.#groups.map((group) => `echo $$ > ${group}/cgroup.procs`).join('; ');
    // A user's systemd needs /run/systemd/system, which doesn't exist if another init booted the machine.
    const boot = `mount -t tmpfs none /run; mkdir -p /run/systemd/system; exec ${systemd} --user --unit=idle.target --log-target=null`;
    const own = `unshare --pid --fork --mount --mount-proc --cgroup --kill-child sh -c '(${boot}) & wait'`;
    this.#process = startIn(this.#environment, `${enter}; exec ${own}`);
  }

  get #environment(): Record<string, string> {
    return {
      HOME: this.#root,
      XDG_RUNTIME_DIR: join(this.#root, 'run'),
      XDG_CONFIG_HOME: join(this.#root, 'config'),
      // Hides this machine's own units for users.
      XDG_DATA_DIRS: join(this.#root, 'none'),
      DBUS_SESSION_BUS_ADDRESS: '',
    };
  }

  async ready(): Promise<void> {
    const socket = join(this.#root, 'run/systemd/private');
    await waitFor(() => existsSync(socket), { message: 'systemd listens', timeoutMs: 15_000 });
  }

  addUnit(name: string, text: string): void {
    writeFileSync(join(this.#root, 'config/systemd/user', name), text);
  }

  /** Runs systemctl inside the namespace: systemd replies only to processes that it can see. @returns the output */
  async systemctl(...args: string[]): Promise<string> {
    const [inside = 0] = this.#members().filter((pid) => pid !== this.#process.pid);
    const { all } = await execa(
      'sh',
      [
        '-c',
        'exec nsenter --pid --mount --target "$@"',
        'sh',
        String(inside),
        'systemctl',
        '--user',
        ...args,
      ],
      { env: this.#environment, all: true, reject: false },
    );
    return all;
  }

  async property(unit: string, name: string): Promise<string> {
    return await this.systemctl('show', unit, '--value', '--property', name);
  }

  async end(): Promise<void> {
    for (const pid of this.#members()) kill(pid);
    await this.#process;
    await waitFor(() => this.#members().length === 0, { message: 'the control groups are empty' });
    for (const group of this.#groups) removeGroups(group);
  }

  /** The command lines of its processes. */
  commands(): string[] {
    return this.#members().flatMap((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      } catch {
        return []; // It has ended.
      }
    });
  }

  #members(): number[] {
    return this.#groups.flatMap(membersOf);
  }
}

function startIn(env: Record<string, string>, script: string) {
  return execa('sh', ['-c', script], { env, stdio: 'ignore', reject: false });
}

function membersOf(group: string): number[] {
  return groupsIn(group).flatMap((path) =>
    readFileSync(join(path, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number),
  );
}

/** The innermost first. */
function groupsIn(group: string): string[] {
  if (!existsSync(group)) return [];
  const inner = readdirSync(group, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...inner.flatMap(({ name }) => groupsIn(join(group, name))), group];
}

function removeGroups(group: string): void {
  for (const path of groupsIn(group)) rmdirSync(path);
}

describe.skipIf(!canBoot)('a systemd that runs the unit', () => {
  const stage = useEndToEnd();
  const unit = 'resque-runner.service';
  let manager: Manager;

  afterEach(async () => {
    await manager.end();
  });

  /** Boots one. The unit is unchanged, except for `User`, which a user's systemd doesn't support, and a shorter delay. */
  async function boot(config: Record<string, unknown>, dropIn = ''): Promise<void> {
    const file = stage.write('cfg.json', JSON.stringify(stage.config(config)));
    manager = new Manager(stage.path('systemd'));
    const restrictions = dropIn.replaceAll('/srv/jobs', stage.directory);
    const text = withDropIn(unitFor(file), restrictions).replace(
      /^User=.*$/m,
      `StandardOutput=append:${stage.path('log')}`,
    );
    manager.addUnit(unit, text.replace('RestartSec=5', 'RestartSec=100ms'));
    await manager.ready();
  }

  async function waitForLog(pattern: RegExp): Promise<void> {
    await waitFor(() => pattern.test(stage.read('log')), {
      message: () => `${pattern} in\n${stage.read('log')}`,
    });
  }

  async function waitForState(state: string): Promise<void> {
    let now = '';
    await waitFor(
      async () => {
        now = await manager.property(unit, 'ActiveState');
        return now === state;
      },
      { message: () => `the unit is ${state}, not ${now}` },
    );
  }

  /** Records each TERM and goes on. */
  const stubborn = `trap 'echo TERM >> "$D/signals"' TERM; echo $$ > "$D/job"; cat > /dev/null
    while :; do sleep 0.1; done`;

  test('gives running jobs time at a stop, and ends processes that are left behind', async () => {
    const daemon = stage.script(
      // Waits until the daemon has left the group: processes in the group end with the job.
      `cat > /dev/null; setsid sh -c "echo \\$\\$ > $D/daemon; exec sleep 60" > /dev/null 2>&1 &
      while [ ! -s "$D/daemon" ]; do sleep 0.1; done`,
    );
    await boot({
      runners: { stubborn: { script: stage.script(stubborn) }, daemon: { script: daemon } },
      shutdownTimeout: 0.3,
      killAfter: 0.3,
    });
    // It returns when the runner has reached Redis.
    expect(await manager.systemctl('start', unit)).toBe('');
    // Its line may follow it a moment later.
    await waitFor(() => stage.read('log').includes('"redis.up"'), { message: 'the log says so' });
    expect(await manager.property(unit, 'StatusText')).toBe('0/2 slots, 0 failed');
    expect(readdirSync(stage.path('systemd/run/resque-runner'))).toContain('runner.sock');

    expect(await manager.systemctl('reload', unit)).toBe('');
    await waitForLog(/"config\.reloaded"/);

    await stage.enqueue('stubborn', { class: 'A', args: [] });
    await stage.enqueue('daemon', { class: 'B', args: [] });
    const [daemonPid] = await stage.waitForFileLines('daemon');
    await stage.waitForFileLines('job');
    expect(await manager.systemctl('stop', unit)).toBe('');

    // One TERM, from the runner after its timeout. A second one would come from systemd.
    expect(stage.fileLines('signals')).toEqual(['TERM']);
    expect(await stage.failure()).toMatchObject({ exception: 'Resque::TermException', signal: 'SIGKILL' });
    expect(await manager.property(unit, 'Result')).toBe('success');
    expect(stage.read('log')).toMatch(/"engine\.stopped".*"unwritten":0/);
    expect(daemonPid).toMatch(/^\d+$/);
    expect(await manager.property(unit, 'ActiveState')).toBe('inactive');
    await waitForNoSleeper();
  });

  /** The daemon's pid is from another namespace, so it is found by its command line. */
  async function waitForNoSleeper(): Promise<void> {
    await waitFor(() => manager.commands().every((command) => !command.startsWith('sleep 60')), {
      message: () => `nothing is left: ${manager.commands().join(', ')}`,
    });
  }

  test('restarts after a crash, but not after QUIT or with a mistake in the config', async () => {
    // Without what needs the mounts of a booted machine. The directory of the test is in /tmp.
    const strict = strictText.replace(/^(PrivateTmp|PrivateDevices|ProtectKernel\w+)=.*$/gm, '');
    await boot({ runners: { stubborn: { script: stage.script(stubborn) } } }, strict);
    await manager.systemctl('start', unit);
    await stage.enqueue('stubborn', { class: 'A', args: [] });
    await stage.waitForFileLines('job');
    await manager.systemctl('kill', '--kill-who=main', '--signal=KILL', unit);
    expect(await stage.failure()).toMatchObject({ exception: 'Resque::PruneDeadWorkerDirtyExit' });
    expect(await manager.property(unit, 'NRestarts')).toBe('1');
    expect(stage.fileLines('signals')).toEqual([]);

    await manager.systemctl('kill', '--kill-who=main', '--signal=QUIT', unit);
    await waitForState('inactive');

    stage.write('cfg.json', '{"runers": {}}');
    await manager.systemctl('start', unit);
    await waitForState('failed');
    expect(await manager.property(unit, 'ExecMainStatus')).toBe('2');
    expect(await manager.property(unit, 'NRestarts')).toBe('0');
  });
});
