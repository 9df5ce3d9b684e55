/** Metrics of a runner. Their code is loaded only while they are on. */
import type { Config, MetricsConfig } from '../../config/config.ts';
import type { ListenAddress } from '../../config/metrics.ts';
import type { Engine } from '../../engine/engine.ts';
import { cannotListen } from '../../messages/events.ts';
import type { Health } from '../../monitoring/health/health.ts';
import type { MetricsServer } from '../../monitoring/http/metrics-server.ts';
import { OperatingError } from '../command-line/exit-codes.ts';

export interface RunnerMetricsOptions {
  readonly engine: Engine;
  readonly health: Health;
  readonly version: string;
  /** From the command line: the config's address doesn't count. */
  readonly listen: ListenAddress | null;
}

export class RunnerMetrics {
  readonly #options: RunnerMetricsOptions;
  #server: MetricsServer | null = null;
  /** All changes so far, in a chain. */
  #changes: Promise<void> = Promise.resolve();

  constructor(options: RunnerMetricsOptions) {
    this.#options = options;
  }

  /** Call it before the engine starts. @throws OperatingError if the address can't be used */
  async open(config: Config): Promise<void> {
    const metrics = this.#configOf(config);
    if (metrics.listen === null) return;
    const server = await this.#load();
    try {
      await server.open(metrics);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new OperatingError(`metrics: ${cannotListen(metrics.listen.text, reason)}`, {
        cause: error,
      });
    }
  }

  /** Call it after the engine has started. */
  tell(): void {
    const address = this.#server?.address ?? null;
    if (address !== null) this.#options.engine.report({ type: 'metrics.opened', address });
  }

  reconfigure(config: Config): void {
    this.#changes = this.#changes.then(async () => {
      const metrics = this.#configOf(config);
      if (this.#server === null && metrics.listen === null) return;
      await (await this.#load()).reconfigure(metrics);
    });
  }

  async close(): Promise<void> {
    await this.#changes;
    await this.#server?.close();
  }

  #configOf({ metrics }: Config): MetricsConfig {
    return { ...metrics, listen: this.#options.listen ?? metrics.listen };
  }

  async #load(): Promise<MetricsServer> {
    const { engine, health, version } = this.#options;
    const loaded = await import('../../monitoring/http/metrics-server.ts');
    this.#server ??= new loaded.MetricsServer(engine, health, version);
    return this.#server;
  }
}
