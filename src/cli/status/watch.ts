/**
 * Reads the status at intervals. If Redis fails, it shows the error and retries until Redis is back.
 *
 *     reading ──RedisError──▶ away ──a reading succeeds──▶ reading      any ──the view ends──▶ over
 *
 * The first reading must succeed: if it fails, the address is probably wrong.
 */
import { ownVantage } from '../../engine/machine/identity.ts';
import { countSchedules, type ScheduleCount } from '../../engine/scheduling/known-schedules.ts';
import { environmentOf } from '../../resque/delayed/persistent-schedule.ts';
import { RedisError } from '../../resque/redis/redis-error.ts';
import { readStatus, type StatusFacts } from '../../resque/workers/read-status.ts';
import { type Io, isInteractive } from '../command-line/io.ts';
import type { RedisTarget } from '../redis/target.ts';
import { explainRedisError, withSender } from '../redis/with-redis.ts';
import { type LocalRunners, readLocalRunners } from './local-runners.ts';
import { survey } from './survey.ts';
import { jsonView, textView, type WatchView } from './watch-view.ts';

export interface WatchOptions {
  readonly intervalMs: number;
  readonly isJson: boolean;
}

const openLimitMs = 4_000;

/** @throws OperatingError if the first reading fails */
export async function watchStatus(io: Io, target: RedisTarget, options: WatchOptions): Promise<void> {
  const view = await viewFor(io, options);
  const looks = new Looks(io, target, view, options.intervalMs);
  try {
    await Promise.race([looks.run(), view.ended]);
  } finally {
    looks.stop();
    view.close();
  }
}

async function viewFor(io: Io, { isJson, intervalMs }: WatchOptions): Promise<WatchView> {
  if (isJson) return jsonView(io);
  if (!isInteractive(io)) return textView(io);
  const { openScreenView } = await import('./screen-view.ts');
  return openScreenView(io, intervalMs);
}

class Looks {
  readonly #io: Io;
  readonly #target: RedisTarget;
  readonly #view: WatchView;
  readonly #intervalMs: number;
  #before: StatusFacts | null = null;
  /** When the current reading began, by the clock of this machine. */
  #lookedAtMs = 0;
  /** When the first failed reading began: it may hang for a while before it fails. */
  #awaySinceMs: number | null = null;
  #isStopped = false;
  #wake: () => void = () => {};

  constructor(io: Io, target: RedisTarget, view: WatchView, intervalMs: number) {
    this.#io = io;
    this.#target = target;
    this.#view = view;
    this.#intervalMs = intervalMs;
  }

  /** @throws OperatingError */
  async run(): Promise<void> {
    while (!this.#isStopped) {
      this.#lookedAtMs = this.#io.now();
      try {
        await withSender(this.#target.redis, openLimitMs, async (sender) => {
          while (!this.#isStopped) {
            this.#lookedAtMs = this.#io.now();
            const { keys, lockPrefix } = this.#target;
            await this.#show(
              ...(await Promise.all([
                readStatus(sender, keys, lockPrefix),
                readLocalRunners(this.#io),
                countSchedules(sender, this.#target, environmentOf(this.#io.env)),
              ])),
            );
            await this.#pause();
          }
        });
      } catch (error) {
        if (this.#before === null || !(error instanceof RedisError))
          explainRedisError(this.#target.redis, error);
        await this.#showAway(error.message);
        await this.#pause();
      }
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#wake();
  }

  async #show(facts: StatusFacts, local: LocalRunners, schedules: ScheduleCount | null): Promise<void> {
    const { shown: redis, namespace, keys } = this.#target;
    const here = ownVantage();
    const document = survey(facts, this.#before, { redis, namespace, keys, here, local, schedules });
    this.#before = facts;
    this.#awaySinceMs = null;
    if (!this.#isStopped) await this.#view.show(document);
  }

  async #showAway(reason: string): Promise<void> {
    const { shown: redis, namespace } = this.#target;
    const nowMs = this.#io.now();
    this.#awaySinceMs ??= this.#lookedAtMs;
    if (this.#isStopped) return;
    await this.#view.showAway({
      isReachable: false,
      redis,
      namespace,
      at: new Date(nowMs).toISOString(),
      awaySince: new Date(this.#awaySinceMs).toISOString(),
      reason,
    });
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#intervalMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
