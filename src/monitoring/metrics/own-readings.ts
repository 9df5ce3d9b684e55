/** What this process uses of the machine. */
import { type IntervalHistogram, monitorEventLoopDelay, performance } from 'node:perf_hooks';

export interface OwnReadings {
  readonly lagSeconds: number;
  readonly busySeconds: number;
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
  readonly startedSeconds: number;
}

/** Node measures the lag with a timer of its own. */
const resolutionMs = 50;
/** The longest lag is that of the last four periods and the present one. */
const periodMs = 15_000;
const periods = 4;

export class OwnProcess {
  readonly #delays: IntervalHistogram;
  readonly #timer: NodeJS.Timeout;
  /** Of periods that are over, in milliseconds. */
  #longest: number[] = [];

  constructor() {
    this.#delays = monitorEventLoopDelay({ resolution: resolutionMs });
    this.#delays.enable();
    this.#timer = setInterval(() => {
      this.#longest = [this.#present, ...this.#longest].slice(0, periods);
      this.#delays.reset();
    }, periodMs).unref();
  }

  stop(): void {
    this.#delays.disable();
    clearInterval(this.#timer);
  }

  /** Node counts the whole time between two runs of its timer. */
  get #present(): number {
    return this.#delays.count === 0 ? 0 : Math.max(0, this.#delays.max / 1e6 - resolutionMs);
  }

  read(): OwnReadings {
    const { user, system } = process.cpuUsage();
    return {
      lagSeconds: Math.max(this.#present, ...this.#longest) / 1_000,
      busySeconds: performance.eventLoopUtilization().active / 1_000,
      cpuSeconds: (user + system) / 1e6,
      memoryBytes: process.memoryUsage.rss(),
      startedSeconds: performance.timeOrigin / 1_000,
    };
  }
}
