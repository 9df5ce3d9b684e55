/** What a command has changed on the `failed` list so far, for its events and its reply. */
import { grouped, plural } from '../messages/quantities.ts';
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

/**
 * How a change of many entries ended. `lost`: other clients changed the list so much that old and new entries could no
 * longer be told apart. `cancelled`: the user stopped it.
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

  /** Counts an entry that can't be retried because it has no job or no queue. */
  addUnretryable(): void {
    this.#tally.unretryable += 1;
  }

  /** Publishes the changes since the last call. */
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
    if (gone > 0) rest.push(`${grouped(gone)} ${gone === 1 ? 'was' : 'were'} already retried or removed`);
    if (unretryable > 0) rest.push(`${grouped(unretryable)} can't be retried (no job or no queue)`);
    if (end === 'lost') rest.push('stopped there because other clients changed the list');
    if (end === 'cancelled') rest.push('stopped there because it was cancelled');
    const isAll = rest.length === 0;
    const none = isAll ? 'no failures' : 'none';
    const some = isAll ? plural(count, 'failure') : grouped(count);
    return done([`${verb} ${count === 0 ? none : some}`, ...rest].join('; '), this.#data);
  }

  /** The same for a change of one entry: if nothing changed, the command is rejected. */
  replyForOne(): CommandReply {
    if (this.#tally.gone > 0) {
      return refused('failure-gone', 'this failure was already retried or removed');
    }
    if (this.#tally.unretryable > 0) {
      return refused('failure-unretryable', "this failure can't be retried: it has no job or no queue");
    }
    return done(this.kind === 'remove' ? 'removed' : putBack(this.#last), this.#data);
  }

  /** If Redis fails in the middle of a step, it is unknown whether Redis carried the step out. */
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
  return `put back on ${last?.queue}${last?.wasRetried === true ? ' again' : ''}`;
}
