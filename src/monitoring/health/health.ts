/**
 * Whether the runner is alive, and whether it is ready: what `/livez` and `/readyz`, `resque-runner health` and systemd's
 * watchdog ask. A verdict needs no waiting: it comes from what the engine knows already.
 *
 * Alive: the event loop turns (if it didn't, nobody would get a verdict), and the engine isn't stuck. An outage of Redis
 * doesn't count: restarting the runner won't end it. Every command to Redis has a time limit, and so does every pause between two
 * attempts to connect. So an engine without a reply, an error or an attempt for longer is stuck, and so is one with a step that
 * doesn't end while Redis is up. Jobs may run as long as they like.
 *
 * Ready: alive, Redis is usable, and the runner takes jobs. A Redis that hangs with its connections open is noticed by a heartbeat
 * without a reply, after 14 seconds at most.
 */
import { healthMessages } from '../../messages/runners.ts';
import type { EngineEvent } from '../../protocol/events.ts';
import { type Clock, systemClock } from '../../resque/redis/clock.ts';
import type { Progress } from '../../resque/steps/client.ts';

export type Verdict = { readonly ok: true } | { readonly ok: false; readonly reasons: readonly string[] };

/** The part of the engine that it needs. */
export interface WatchedEngine {
  readonly progress: Progress;
  subscribe(listener: (event: EngineEvent) => void): () => void;
}

const lookMs = 5_000;
/** Above the longest time limit of a command: a wait for jobs may take 70 s. */
export const stuckMs = 90_000;
/** Counted in looks: while the process is stopped, or the machine sleeps, nothing can make progress. */
const stuckLooks = stuckMs / lookMs;

/** A number that must grow. */
interface Standstill {
  last: number;
  /** How many looks in a row have seen `last`. */
  looks: number;
}

export class Health {
  readonly #engine: WatchedEngine;
  readonly #stops: (() => void)[];
  readonly #redis: Standstill = { last: 0, looks: 0 };
  readonly #steps: Standstill = { last: 0, looks: 0 };
  #wasUp = false;
  #isUp = false;
  #isStopping = false;
  /** Why Redis can't be used; `null` if it can, or before the first try has failed. */
  #trouble: string | null = null;

  /** Create it before the engine starts, so that it misses no event. */
  constructor(engine: WatchedEngine, clock: Clock = systemClock) {
    this.#engine = engine;
    this.#stops = [
      engine.subscribe((event) => this.#heard(event)),
      clock.every(lookMs, () => this.#look(), { keepsAlive: false }),
    ];
  }

  livez(): Verdict {
    return verdict(this.#stuckReasons());
  }

  #stuckReasons(): string[] {
    const reasons: string[] = [];
    if (this.#redis.looks >= stuckLooks) reasons.push(healthMessages.stuckRedis(this.#redis.looks * lookMs));
    if (this.#steps.looks >= stuckLooks) reasons.push(healthMessages.stuckStep(this.#steps.looks * lookMs));
    return reasons;
  }

  readyz(): Verdict {
    const reasons = this.#stuckReasons();
    if (this.#isStopping) reasons.push(healthMessages.stopping);
    // At the end, the runner itself closes its connections.
    else if (!this.#wasUp) reasons.push(healthMessages.neverUp(this.#trouble));
    else if (!this.#isUp) reasons.push(healthMessages.away(this.#trouble ?? ''));
    return verdict(reasons);
  }

  /** Leaves no timer. */
  close(): void {
    for (const stop of this.#stops) stop();
  }

  #heard(event: EngineEvent): void {
    switch (event.type) {
      case 'redis.up':
        this.#wasUp = true;
        this.#isUp = true;
        this.#trouble = null;
        break;
      case 'redis.down':
        this.#isUp = false;
        this.#trouble = event.reason;
        break;
      case 'engine.stopping':
      case 'engine.stopped':
        this.#isStopping = true;
        break;
      default:
    }
  }

  #look(): void {
    const { isOpen, isUp, redis, stepsUnderWay, stepsEnded } = this.#engine.progress;
    count(this.#redis, redis, isOpen);
    count(this.#steps, stepsEnded, isUp && stepsUnderWay > 0);
  }
}

/** @param mustGrow false while a number that stays the same is normal */
function count(standstill: Standstill, now: number, mustGrow: boolean): void {
  if (mustGrow && now === standstill.last) standstill.looks += 1;
  else standstill.looks = 0;
  standstill.last = now;
}

function verdict(reasons: readonly string[]): Verdict {
  return reasons.length === 0 ? { ok: true } : { ok: false, reasons };
}
