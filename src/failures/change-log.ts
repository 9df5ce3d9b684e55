/** What a command has changed on the `failed` list so far: told as events, and as the command's reply. */
import type { CommandReply } from '../protocol/commands.ts';
import { done, refused } from '../protocol/commands.ts';
import type { EngineFact } from '../protocol/events.ts';
import type { Change, ChangeResult } from '../resque/failed/failed-list.ts';
import type { ListedRecord } from '../resque/failed/failed-page.ts';
import { viewFailure } from '../resque/format/failure-record.ts';
import { RedisError } from '../resque/redis/redis-error.ts';

const words = {
  retry: { event: 'failures.retried', verb: 'retried' },
  remove: { event: 'failures.removed', verb: 'removed' },
} as const;

/** What an entry that can't be retried doesn't do. */
export const sayWhat = 'say which job to put back onto which queue';

/**
 * How a change of many came to its end. `lost`: others changed the list so much that what was left of it could not be
 * told from what came; `cancelled`: whoever asked for it has called it off.
 */
export type ChangeEnd = 'whole' | 'lost' | 'cancelled';

interface Changed {
  readonly queue: string | null;
  readonly jobClass: string | null;
  readonly wasRetried: boolean;
}

export class ChangeLog {
  readonly kind: Change['kind'];
  readonly #publish: (fact: EngineFact) => void;
  readonly #tally: Record<ChangeResult, number> = { done: 0, gone: 0, unretryable: 0 };
  #untold: Changed[] = [];
  #last: Changed | null = null;

  constructor(kind: Change['kind'], publish: (fact: EngineFact) => void) {
    this.kind = kind;
    this.#publish = publish;
  }

  get tally(): Readonly<Record<ChangeResult, number>> {
    return this.#tally;
  }

  add(entries: readonly ListedRecord[], results: readonly ChangeResult[]): void {
    for (const [at, { record }] of entries.entries()) {
      const result = results[at] ?? 'gone';
      this.#tally[result] += 1;
      if (result !== 'done') continue;
      const { queue, jobClass, retriedAt } = viewFailure(record);
      this.#last = { queue, jobClass, wasRetried: retriedAt !== null };
      this.#untold.push(this.#last);
    }
  }

  /** An entry that would have been changed if it said how. */
  addUnretryable(): void {
    this.#tally.unretryable += 1;
  }

  /** Tells what was done since the last time. */
  publish(): void {
    const changed = this.#untold;
    this.#untold = [];
    if (changed.length === 0) return;
    const queues = new Set(changed.flatMap(({ queue }) => queue ?? []));
    const jobClass = changed.length === 1 ? (changed[0]?.jobClass ?? null) : null;
    this.#publish({ type: words[this.kind].event, count: changed.length, queues: [...queues], jobClass });
  }

  reply(end: ChangeEnd = 'whole'): CommandReply {
    const { verb } = words[this.kind];
    const { done: count, gone, unretryable } = this.#tally;
    const rest: string[] = [];
    if (gone > 0) {
      const [were, them] = gone === 1 ? ['was', 'it'] : ['were', 'them'];
      rest.push(`${grouped(gone)} ${were} no longer on the list (someone retried or removed ${them})`);
    }
    if (unretryable > 0) {
      rest.push(`${grouped(unretryable)} ${unretryable === 1 ? "doesn't" : "don't"} ${sayWhat}`);
    }
    if (end === 'lost') rest.push('others changed the list meanwhile, and the rest of it was left alone');
    if (end === 'cancelled') rest.push('then it was called off, and the rest of the list was left alone');
    const what = rest.length === 0 ? failures(count) : count === 0 ? 'none' : grouped(count);
    return done([`${verb} ${what}`, ...rest].join('; '), this.#data);
  }

  /** The same where it was about one entry: that nothing came of it is then a refusal. */
  replyForOne(): CommandReply {
    if (this.#tally.gone > 0) {
      return refused(
        'failure-gone',
        'the failure is no longer on the list as it was: someone retried or removed it',
      );
    }
    if (this.#tally.unretryable > 0) {
      return refused('failure-unretryable', `this failure does not ${sayWhat}`);
    }
    return done(this.kind === 'remove' ? 'removed' : putBack(this.#last), this.#data);
  }

  /** Redis went away in the middle: of the step on its way, nobody knows whether it was carried out. */
  interrupted(error: unknown): CommandReply {
    if (!(error instanceof RedisError)) throw error;
    const { done: count } = this.#tally;
    const before = count === 0 ? '' : `; ${words[this.kind].verb} ${grouped(count)} before that`;
    return refused('redis-down', `Redis: ${error.message}${before}`);
  }

  get #data() {
    return { kind: 'bulk' as const, ...this.#tally };
  }
}

function putBack(last: Changed | null): string {
  return `put back onto ${last?.queue}${last?.wasRetried === true ? ' again' : ''}`;
}

function failures(count: number): string {
  return count === 1 ? '1 failure' : `${count === 0 ? 'no' : grouped(count)} failures`;
}

/** 1,204; not by `toLocaleString`, for which Node loads what it knows of all languages. */
function grouped(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',');
}
