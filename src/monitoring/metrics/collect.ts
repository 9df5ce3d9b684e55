/** Prepares what the engine knows for the table of metrics: queues and classes get their labels. */
import type { EngineFigures, QueueFigures } from '../../engine/figures.ts';
import type { ClassTotals } from '../../engine/statistics/class-totals.ts';
import type { ReadFigures } from '../../engine/watch/redis-figures.ts';
import type { OwnReadings } from './own-readings.ts';
import {
  LabelFold,
  type Labels,
  type Member,
  otherValue,
  SeriesOfTotals,
  type TotalsSeries,
} from './series.ts';

/** Queues with their own names. */
export const mostQueues = 1_000;

export interface LabeledQueue {
  readonly figures: QueueFigures;
  readonly labels: Labels & { readonly queue: string };
}

/** Everything that metrics are made of. */
export interface Facts {
  readonly version: string;
  readonly engine: EngineFigures;
  /** `null` if Redis didn't answer in time. */
  readonly read: ReadFigures | null;
  readonly own: OwnReadings;
  readonly queues: readonly LabeledQueue[];
  /** Totals by queue, or by queue and class. */
  readonly jobs: readonly TotalsSeries[];
}

export interface CollectorOptions {
  readonly version: string;
  readonly onFolded: (label: 'queue' | 'class', limit: number) => void;
}

export class Collector {
  readonly #options: CollectorOptions;
  #areClassesFolded = false;
  readonly #queues: LabelFold;
  readonly #jobs = new SeriesOfTotals();

  constructor(options: CollectorOptions) {
    this.#options = options;
    this.#queues = new LabelFold(mostQueues, () => options.onFolded('queue', mostQueues));
  }

  collect(engine: EngineFigures, read: ReadFigures | null, own: OwnReadings): Facts {
    const exists = new Set(engine.queues.map(({ name }) => name));
    this.#queues.keep((name) => exists.has(name));
    const queues = engine.queues.map((figures) => {
      return { figures, labels: { queue: this.#queues.labelOf(figures.name) } };
    });
    const { classes } = engine.statistics;
    if (classes?.isFolded === true && !this.#areClassesFolded) {
      this.#areClassesFolded = true;
      this.#options.onFolded('class', classes.limit);
    }
    const jobs = this.#jobs.of(membersOf(queues, classes));
    return { version: this.#options.version, engine, read, own, queues, jobs };
  }
}

/** Counters begin at 0: Prometheus doesn't see the rise of one that appears with its first job. */
function* membersOf(queues: readonly LabeledQueue[], byClass: ClassTotals | null): Iterable<Member> {
  for (const { figures, labels } of queues) {
    const { name, totals } = figures;
    const isShared = labels.queue === otherValue;
    const classes = byClass?.ofQueue(name);
    if (classes === undefined) yield { key: name, labels, isShared, totals };
    else
      for (const [jobClass, ofClass] of classes) {
        const key = JSON.stringify([name, jobClass]);
        yield { key, labels: { ...labels, class: jobClass }, isShared, totals: ofClass };
      }
  }
}
