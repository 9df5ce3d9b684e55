/**
 * Files with outcomes that a runner couldn't write to Redis, for the next start. A file's name identifies the Redis, the
 * namespace and the process.
 *
 *     NAME.tmp ──written, fsync──▶ NAME.spool ──claimed──▶ NAME.spool.PID-START ──in Redis──▶ removed
 *                                                               └──came too late──▶ NAME.late, for people
 *
 * Each arrow is a rename. Claims only save work: steps are numbered, and Redis carries out each number once.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { asObject, parsedJson } from '../../resque/format/json.ts';
import {
  readStepLines,
  type SpooledStep,
  type SpooledSteps,
  stepLines,
} from '../../resque/steps/spooled-steps.ts';
import type { StepOwner } from '../../resque/steps/step.ts';
import { silentLimitMs } from '../../resque/workers/liveness.ts';
import type { ProcessIdentity } from '../machine/identity.ts';
import type { EngineMeans } from '../process/engine-means.ts';

export interface SpoolOptions {
  readonly directory: string;
  /** Redis and namespace. Files of other scopes are ignored. */
  readonly scope: string;
  readonly machine: Pick<EngineMeans, 'identity' | 'presenceOf' | 'clock'>;
  /** The present owner: a new registration has another nonce. */
  readonly owner: () => StepOwner;
}

export interface SpoolFile {
  readonly path: string;
  readonly spooled: SpooledSteps;
}

export interface SpoolContents {
  /** Files of dead processes; those of one process are adjacent. */
  readonly files: readonly SpoolFile[];
  /** Unreadable files, which stay. */
  readonly refused: readonly { readonly path: string; readonly reason: string }[];
}

interface Header extends ProcessIdentity {
  readonly spool: 1;
  readonly scope: string;
  readonly owner: StepOwner;
  readonly writtenAt: string;
  /** The process ended with this file. */
  readonly isLast: boolean;
}

export class Spool {
  readonly #options: SpoolOptions;
  readonly #prefix: string;
  #written = 0;

  constructor(options: SpoolOptions) {
    this.#options = options;
    this.#prefix = createHash('sha256').update(options.scope).digest('hex').slice(0, 16);
  }

  get directory(): string {
    return this.#options.directory;
  }

  /** @returns the file's path. @throws if it can't be written */
  write(steps: readonly SpooledStep[], isLast = false): string {
    const { directory, scope, machine } = this.#options;
    const { identity, clock } = machine;
    const owner = this.#options.owner();
    prepareDirectory(directory);
    this.#written += 1;
    const name = `${this.#prefix}-${identity.pid}-${owner.nonce}-${this.#written}`;
    const header: Header = {
      spool: 1,
      scope,
      owner,
      ...identity,
      writtenAt: new Date(clock.nowMs()).toISOString(),
      isLast,
    };
    const lines = [JSON.stringify(header), ...stepLines(steps)];
    // The last line proves that no line is missing.
    lines.push(JSON.stringify({ lines: lines.length }));
    const temporary = join(directory, `${name}.tmp`);
    const path = join(directory, `${name}.spool`);
    try {
      writeDurably(temporary, lines);
      renameSync(temporary, path);
      syncDirectory(directory);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
    return path;
  }

  /**
   * Reads all files of dead processes. Never throws for their contents.
   *
   * @param dead nonces of processes known to be dead
   */
  look(dead: ReadonlySet<string> = new Set()): SpoolContents {
    const { directory, scope } = this.#options;
    const files: SpoolFile[] = [];
    const refused: { path: string; reason: string }[] = [];
    const all = this.#names().map((name) => {
      const path = join(directory, name);
      return { path, read: readSpool(path, scope) };
    });
    const ended = all.flatMap(({ read }) =>
      read !== null && 'header' in read && read.header.isLast ? [read.header.owner.nonce] : [],
    );
    const gone = new Set([...dead, ...ended]);
    for (const { path, read } of all) {
      if (read === null) continue; // Another process has just taken it.
      if ('reason' in read) refused.push({ path, reason: read.reason });
      else if (this.#isOfDead(read.header, gone)) {
        files.push({ path, spooled: spooledOf(read) });
      }
    }
    return { files, refused };
  }

  /** The same, and claims them. Skips files that other processes have claimed. */
  claimDead(dead?: ReadonlySet<string>): SpoolContents {
    const { files, refused } = this.look(dead);
    const claimed = files.flatMap(({ path, spooled }) => {
      const claim = this.#claim(basename(path));
      return claim === null ? [] : [{ path: claim, spooled }];
    });
    return { files: claimed, refused };
  }

  /**
   * A process of another machine that shares the home directory may be alive, and would read its files itself when Redis is
   * back, unless it ended with one of them.
   */
  #isOfDead(header: Header, dead: ReadonlySet<string>): boolean {
    const { machine } = this.#options;
    const owner = this.#options.owner();
    if (header.owner.nonce === owner.nonce) return false;
    const presence = machine.presenceOf(header);
    if (presence !== 'unknown') return presence === 'gone';
    if (dead.has(header.owner.nonce)) return true;
    return !(machine.clock.nowMs() - Date.parse(header.writtenAt) <= silentLimitMs);
  }

  /** Reads a file of this process. @returns `null` if another process has taken it */
  read(path: string): SpoolFile | null {
    const read = readSpool(path, this.#options.scope);
    if (read === null) return null;
    if ('reason' in read) throw new Error(`${path}: ${read.reason}`);
    return { path, spooled: spooledOf(read) };
  }

  remove(path: string): void {
    rmSync(path, { force: true });
    syncDirectory(this.#options.directory);
  }

  /** Keeps the file for people; no runner reads it again. @returns its new path */
  setAside({ path }: SpoolFile): string {
    const late = path.replace(/\.spool(\..*)?$/, '.late');
    renameSync(path, late);
    return late;
  }

  #names(): string[] {
    let names: string[];
    try {
      names = readdirSync(this.#options.directory);
    } catch {
      return []; // The directory is missing or unreadable.
    }
    return names
      .filter((name) => name.startsWith(`${this.#prefix}-`) && /\.spool(\.\d+-\d*)?$/.test(name))
      .sort();
  }

  /** @returns its new path; `null` if another process has claimed it */
  #claim(name: string): string | null {
    const { directory, machine } = this.#options;
    const { identity } = machine;
    const [, base = name, pid, startedAt] = /^(.*\.spool)\.(\d+)-(\d*)$/.exec(name) ?? [];
    const claim = `${identity.pid}-${identity.startedAt}`;
    if (pid !== undefined && startedAt !== undefined) {
      const claimer = { machine: identity.machine, pid: Number(pid), startedAt };
      if (`${pid}-${startedAt}` !== claim && machine.presenceOf(claimer) === 'running') return null;
    }
    const claimed = join(directory, `${base}.${claim}`);
    try {
      renameSync(join(directory, name), claimed);
      return claimed;
    } catch {
      return null;
    }
  }
}

function prepareDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const { uid } = lstatSync(directory);
  if (uid !== process.getuid?.()) throw new Error(`${directory} belongs to another user`);
  chmodSync(directory, 0o700);
}

function writeDurably(path: string, lines: readonly string[]): void {
  const fd = openSync(path, 'wx', 0o600);
  try {
    for (const line of lines) {
      const bytes = Buffer.from(`${line}\n`);
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    }
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Makes new and removed names durable. */
function syncDirectory(directory: string): void {
  const fd = openSync(directory, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

type ReadSpool = { readonly header: Header; readonly steps: SpooledStep[] } | { readonly reason: string };

function spooledOf({
  header,
  steps,
}: {
  readonly header: Header;
  readonly steps: SpooledStep[];
}): SpooledSteps {
  return { owner: header.owner, steps };
}

/** @returns `null` if it no longer exists */
function readSpool(path: string, scope: string): ReadSpool | null {
  let text: string;
  try {
    text = readOwn(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    return { reason: error instanceof Error ? error.message : String(error) };
  }
  const lines = text.split('\n').slice(0, -1);
  const header = asObject(parsedJson(lines[0] ?? ''));
  const last = asObject(parsedJson(lines.at(-1) ?? ''));
  if (!isHeader(header) || header.scope !== scope)
    return { reason: 'it is from another version or for another Redis' };
  if (last?.lines !== lines.length - 1) return { reason: 'it is incomplete' };
  const steps = readStepLines(lines.slice(1, -1));
  return steps === null ? { reason: "it has a line that this version can't read" } : { header, steps };
}

/** @throws if it isn't a file of this user */
function readOwn(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new Error('it is not a regular file');
    if (stats.uid !== process.getuid?.()) throw new Error('it belongs to another user');
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

function isHeader(
  value: Readonly<Record<string, unknown>> | null,
): value is Header & Record<string, unknown> {
  if (value === null) return false;
  const { spool, scope, owner, machine, pid, startedAt } = value;
  if (typeof owner !== 'object' || owner === null) return false;
  const { name, nonce } = owner as Partial<StepOwner>;
  return (
    spool === 1 &&
    [scope, machine, startedAt, name, nonce].every((text) => typeof text === 'string') &&
    typeof pid === 'number'
  );
}
