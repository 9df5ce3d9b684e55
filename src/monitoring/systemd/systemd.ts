/**
 * What a service of `Type=notify` tells systemd:
 *
 *     start ──first contact with Redis──▶ READY ──HUP──▶ RELOADING ──▶ READY
 *                                           └── WATCHDOG while alive, STATUS when it changes
 *     any ──stop──▶ STOPPING ── EXTEND_TIMEOUT_USEC until the timetable of the stop is over
 *
 * Loaded only if systemd asks for it with NOTIFY_SOCKET.
 */
import { systemdMessages } from '../../messages/runners.ts';
import type { EngineEvent, ShutdownMode } from '../../protocol/events.ts';
import type { Cancel, Clock } from '../../resque/redis/clock.ts';
import type { Health } from '../health/health.ts';
import { Notifier, type NotifierOptions } from './notifier.ts';

/** The part of the engine that it needs. */
export interface NotifyingEngine {
  readonly slots: { readonly busy: number; readonly all: number };
  /** How long a stop with TERM may take. */
  readonly stopLimitMs: number;
  subscribe(listener: (event: EngineEvent) => void): () => void;
}

export interface SystemdOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly pid: number;
  readonly engine: NotifyingEngine;
  readonly health: Pick<Health, 'livez' | 'readyz'>;
  readonly notifier: Pick<Notifier, 'send' | 'close' | 'isCheap'>;
  readonly clock: Clock;
  readonly tell: (message: string) => void;
}

/** @returns `null` if the address that systemd gave can't be used */
export function openSystemd(
  options: Pick<SystemdOptions, 'env' | 'engine' | 'health' | 'clock' | 'tell'> &
    Pick<NotifierOptions, 'koffi'>,
): Systemd | null {
  const notifier = Notifier.open(options);
  return notifier === null ? null : new Systemd({ ...options, notifier, pid: process.pid });
}

/** Between two looks at the status; longer if each notification is a process. */
const statusMs = 5_000;
const costlyStatusMs = 30_000;
/** While it stops, systemd waits this much longer after each of the notifications, which come more often. */
const extensionMs = 30_000;
const extendEveryMs = 10_000;

export class Systemd {
  readonly #options: SystemdOptions;
  readonly #stops: Cancel[];
  #isReady = false;
  /** When the timetable of the stop ends, by the monotonic clock; `null` before a stop. */
  #stopsUntilMs: number | null = null;
  #failed = 0;
  #told = '';
  #hasToldNoPing = false;

  constructor(options: SystemdOptions) {
    const { engine, clock, env, pid, notifier } = options;
    this.#options = options;
    const every = (ms: number, act: () => void) => clock.every(ms, act, { keepsAlive: false });
    const watchdogMs = watchdogMsOf(env, pid);
    this.#stops = [
      engine.subscribe((event) => this.#heard(event)),
      every(notifier.isCheap ? statusMs : costlyStatusMs, () => this.#sendStatus()),
      every(extendEveryMs, () => this.#extend()),
      ...(watchdogMs === null ? [] : [every(watchdogMs / 2, () => this.#ping())]),
    ];
    this.#sendStatus();
  }

  /** A reload begins. `reloaded` ends it, in the same turn of the event loop. */
  reloading(): void {
    if (!this.#isReady || this.#stopsUntilMs !== null) return;
    // systemd compares it with its own clock, the same one.
    this.#options.notifier.send(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}`);
  }

  reloaded(): void {
    if (this.#isReady && this.#stopsUntilMs === null) this.#options.notifier.send('READY=1');
  }

  /** Leaves no timer. */
  async close(): Promise<void> {
    for (const stop of this.#stops) stop();
    await this.#options.notifier.close();
  }

  #heard(event: EngineEvent): void {
    switch (event.type) {
      case 'redis.up':
        if (this.#isReady || this.#stopsUntilMs !== null) return;
        this.#isReady = true;
        this.#sendWithStatus('READY=1');
        this.#ping();
        break;
      case 'job.finished':
        if (event.outcome === 'failed' || event.outcome === 'retried') this.#failed += 1;
        break;
      case 'failure.recorded':
        // Its payload is not a job, so there are no other events of it.
        if (event.failure.jobId === null) this.#failed += 1;
        break;
      case 'engine.stopping':
        this.#stop(event.mode);
        break;
      default:
    }
  }

  #stop(mode: ShutdownMode): void {
    const { clock, engine } = this.#options;
    const isFirst = this.#stopsUntilMs === null;
    // A stop without a limit waits for its jobs.
    const hasLimit = mode === 'terminate' || mode === 'kill';
    this.#stopsUntilMs = hasLimit ? clock.elapsedMs() + engine.stopLimitMs : Number.POSITIVE_INFINITY;
    if (isFirst) this.#sendWithStatus('STOPPING=1');
    this.#extend();
  }

  #extend(): void {
    const { clock, health, notifier } = this.#options;
    if (this.#stopsUntilMs === null || !health.livez().ok) return;
    const leftMs = Math.min(extensionMs, this.#stopsUntilMs - clock.elapsedMs());
    if (leftMs > 0) notifier.send(`EXTEND_TIMEOUT_USEC=${Math.ceil(leftMs * 1_000)}`);
  }

  #ping(): void {
    const { health, notifier, tell } = this.#options;
    const verdict = health.livez();
    if (verdict.ok) notifier.send('WATCHDOG=1');
    else if (!this.#hasToldNoPing) tell(systemdMessages.noPing(verdict.reasons));
    this.#hasToldNoPing = !verdict.ok;
  }

  #sendStatus(): void {
    const status = this.#newStatus();
    if (status !== null) this.#options.notifier.send(status);
  }

  #sendWithStatus(state: string): void {
    const status = this.#newStatus();
    this.#options.notifier.send(status === null ? state : `${state}\n${status}`);
  }

  /** @returns `null` if it is the last one */
  #newStatus(): string | null {
    const status = `STATUS=${this.#status()}`;
    if (status === this.#told) return null;
    this.#told = status;
    return status;
  }

  #status(): string {
    const { engine, health } = this.#options;
    const { busy, all: slots } = engine.slots;
    if (this.#stopsUntilMs !== null) return systemdMessages.stopping(busy);
    const verdict = health.readyz();
    if (!verdict.ok) return verdict.reasons.join('; ');
    return systemdMessages.status(busy, slots, this.#failed);
  }
}

/** How soon systemd wants a sign of life; `null` if it wants none of this process. */
function watchdogMsOf({ WATCHDOG_USEC, WATCHDOG_PID }: NodeJS.ProcessEnv, pid: number): number | null {
  const microseconds = Number(WATCHDOG_USEC ?? '');
  if (!Number.isFinite(microseconds) || microseconds <= 0) return null;
  const isOurs = WATCHDOG_PID === undefined || WATCHDOG_PID === '' || WATCHDOG_PID === String(pid);
  return isOurs ? microseconds / 1_000 : null;
}
