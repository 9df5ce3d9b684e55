/** The metrics and the health of an engine, at an address that follows the config. */
import type { MetricsConfig } from '../../config/config.ts';
import type { ListenAddress } from '../../config/metrics.ts';
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
    this.#served = { page: (format) => this.#pages.page(format), health };
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

  /** Applies a config that was read again. If the new address can't be used, the old one stays. */
  async reconfigure({ listen, hasClassLabel }: MetricsConfig): Promise<void> {
    this.#engine.countClasses(hasClassLabel && listen !== null);
    const before = this.#listener;
    if (listen?.text === before?.address.text) return;
    if (listen === null) {
      this.#listener = null;
      if (before !== null) this.#engine.report({ type: 'metrics.closed', address: before.text });
      await before?.close();
      return;
    }
    try {
      await this.#move(before, listen);
      this.#engine.report({ type: 'metrics.opened', address: this.address ?? listen.text });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#engine.report({ type: 'metrics.failed', address: listen.text, reason, current: this.address });
    }
  }

  async #move(before: Listener | null, listen: ListenAddress): Promise<void> {
    try {
      this.#listener = await Listener.open(listen, this.#served);
      await before?.close();
    } catch (error) {
      if (before === null || !haveSamePort(before.address, listen)) throw error;
      // The old address may block the new one, as one address of the machine does for all of them.
      this.#listener = null;
      await before.close();
      await this.#open(listen, before.address);
    }
  }

  /** @param otherwise opened instead if that fails; rejects all the same */
  async #open(listen: ListenAddress, otherwise: ListenAddress): Promise<void> {
    try {
      this.#listener = await Listener.open(listen, this.#served);
    } catch (error) {
      this.#listener = await Listener.open(otherwise, this.#served);
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#pages.stop();
    await this.#listener?.close();
  }
}

function haveSamePort(a: ListenAddress, b: ListenAddress): boolean {
  return a.kind === 'tcp' && b.kind === 'tcp' && a.port === b.port;
}
