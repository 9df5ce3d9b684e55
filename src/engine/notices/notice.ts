/**
 * One run of an entry's `onFailure` program: it gets the queue as its argument and a failure record on STDIN, like a job.
 *
 *     running ──runMs──▶ TERM ──killAfterMs──▶ KILL
 *        └──exit code 0: told      ──another end: failed, with its reason
 */
import type { PoolConfig } from '../../config/config.ts';
import { isNotStarted, type LaunchSpec, type NotStarted } from '../launch/launched-process.ts';
import type { ExitStatus } from '../launch/libc.ts';
import { OutputTail } from '../output/output-tail.ts';
import { type Child, startChild } from '../process/child.ts';
import { type EnvironmentFacts, launchSpecOf } from '../process/program.ts';
import { checkStartable, mayNeverHaveRun, whyItNeverRan } from '../process/startable.ts';

/** How long a program may run. */
export interface NoticeTimes {
  /** Before it gets TERM. */
  readonly runMs: number;
  /** Between TERM and KILL; also for what the program leaves in its process group. */
  readonly killAfterMs: number;
}

/** Its output is kept for the reason of a failure, and for nothing else. */
const outputBytes = 4_096;
const lastWordsLimit = 300;
const field = 'onFailure';

export interface NoticeSpec {
  readonly config: PoolConfig;
  /** Its `onFailure`. */
  readonly program: readonly string[];
  readonly facts: EnvironmentFacts;
  readonly record: Buffer;
}

const programConfigs = new WeakMap<PoolConfig, PoolConfig>();

/** The entry with its `onFailure` program in place of its script. */
export function noticeConfig(config: PoolConfig, program: readonly string[]): PoolConfig {
  const known = programConfigs.get(config);
  if (known !== undefined) return known;
  const made: PoolConfig = { ...config, script: program, args: [] };
  programConfigs.set(config, made);
  return made;
}

export class Notice {
  /** Its pid while it runs, or when it did. */
  readonly pid: number;
  /** When it and its output have ended: why it failed; `null` if it didn't. Never rejects. */
  readonly failure: Promise<string | null>;
  readonly #child: Child | null;
  readonly #times: NoticeTimes;
  readonly #timers: NodeJS.Timeout[] = [];
  #isOutOfTime = false;

  constructor({ config, program, facts, record }: NoticeSpec, times: NoticeTimes) {
    this.#times = times;
    const own = noticeConfig(config, program);
    const spec: LaunchSpec = launchSpecOf(own, facts, { stdin: record, hasResults: false });
    const output = new OutputTail(outputBytes);
    const child = startChild(spec, {
      take(_, chunk) {
        output.push(chunk);
        return null;
      },
    });
    if (isNotStarted(child)) {
      this.#child = null;
      this.pid = 0;
      this.failure = whyNotStarted(own, child);
      return;
    }
    this.#child = child;
    this.pid = child.pid;
    this.#after(times.runMs, () => {
      this.#isOutOfTime = true;
      this.end();
    });
    this.failure = child.ended.then(async (exit) => {
      for (const timer of this.#timers) clearTimeout(timer);
      const neverRan = mayNeverHaveRun(exit) ? await whyItNeverRan(own, field) : null;
      if (neverRan !== null) return await neverRan.whyNot;
      const why = this.#isOutOfTime ? `it ran for more than ${times.runMs / 1_000} s` : whyFailed(exit);
      if (why === null) return null;
      const lastWords = output.text().trim().slice(-lastWordsLimit);
      return lastWords === '' ? why : `${why}: ${lastWords}`;
    });
  }

  /** TERM to its process group, and KILL soon after. */
  end(): void {
    if (this.#child === null || this.#child.hasExited()) return;
    this.#child.signal('SIGTERM');
    this.#after(this.#times.killAfterMs, () => this.kill());
  }

  kill(): void {
    this.#child?.signal('SIGKILL');
  }

  #after(ms: number, act: () => void): void {
    this.#timers.push(setTimeout(act, ms));
  }
}

/** In the system's words, or in better ones if the files show the reason. */
async function whyNotStarted(config: PoolConfig, { whyNot }: NotStarted): Promise<string> {
  const verdict = await checkStartable(config, field);
  return verdict.ok || !verdict.isCertain ? await whyNot : verdict.reason;
}

function whyFailed({ exitCode, signal }: ExitStatus): string | null {
  if (signal !== null) return signal;
  return exitCode === 0 ? null : `exit code ${exitCode}`;
}
