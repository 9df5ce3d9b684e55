/** The metrics and the health of an engine, at an address that follows the config. */
import type { MetricsConfig } from '../../config/config.ts';
import type { OwnersFact } from '../../protocol/events.ts';
import { MetricsPages, type MetricsSource } from '../metrics/page.ts';
import { Listener } from './listener.ts';
import type { Judge, Served } from './requests.ts';

export interface MeasuredEngine extends MetricsSource {
  countClasses(isWanted: boolean): void;
  report(fact: OwnersFact): void;
}

export class MetricsServer {
  readonly #engine: MeasuredEngine;
  readonly #pages: MetricsPages;
  readonly #served: Served;
  #listener: Listener | null = null;

  constructor(engine: MeasuredEngine, health: Judge, version: string) {
    this.#engine = engine;
    this.#pages = new MetricsPages(engine, {
      version,
      onFolded: (label, limit) => engine.report({ type: 'metrics.folded', label, limit }),
    });
    this.#served = { page: () => this.#pages.page(), health };
  }

  /** Rejects with the system's error. */
  async open({ listen, hasClassLabel }: MetricsConfig): Promise<void> {
    this.#engine.countClasses(hasClassLabel);
    if (listen !== null) this.#listener = await Listener.open(listen, this.#served);
  }

  /** Where it listens; `null` if it doesn't. */
  get address(): string | null {
    return this.#listener?.text ?? null;
  }

  /** Applies a config that was read again. If its address can't be used, metrics are off until the next reload. */
  async reconfigure({ listen, hasClassLabel }: MetricsConfig): Promise<void> {
    this.#engine.countClasses(hasClassLabel && listen !== null);
    const before = this.#listener;
    if (listen?.text === before?.address.text) return;
    // The old address may block the new one, as one address of the machine does for all of them.
    await this.#closeListener();
    if (listen === null) {
      if (before !== null) this.#engine.report({ type: 'metrics.closed', address: before.text });
      return;
    }
    try {
      this.#listener = await Listener.open(listen, this.#served);
      this.#engine.report({ type: 'metrics.opened', address: this.#listener.text });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#engine.report({ type: 'metrics.failed', address: listen.text, reason });
    }
  }

  async close(): Promise<void> {
    this.#pages.stop();
    await this.#closeListener();
  }

  async #closeListener(): Promise<void> {
    await this.#listener?.close();
    this.#listener = null;
  }
}
