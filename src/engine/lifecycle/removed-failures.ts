/** Reports once a day how many failures went because of `failedLimit`: after midnight UTC, by one of all runners. */
import type { EngineFact } from '../../protocol/events.ts';
import { reportRemoved } from '../../resque/failed/failed-limit.ts';
import type { Cancel } from '../../resque/redis/clock.ts';
import type { ResqueClient } from '../../resque/steps/client.ts';

const intervalMs = 3_600_000;

export class RemovedFailures {
  readonly #client: ResqueClient;
  readonly #publish: (fact: EngineFact) => void;
  #cancel: Cancel = () => {};

  constructor(client: ResqueClient, publish: (fact: EngineFact) => void) {
    this.#client = client;
    this.#publish = publish;
  }

  start(): void {
    this.#cancel = this.#client.clock.every(intervalMs, () => this.look(), { keepsAlive: false });
  }

  stop(): void {
    this.#cancel();
  }

  /** Without a limit, nothing is asked. */
  look(): void {
    const { session, keys, nonce: teller, failedLimit: limit } = this.#client;
    if (limit === null || !session.isUp) return;
    const nowMs = this.#client.redisNow().getTime();
    reportRemoved(session, keys, { nowMs, teller }, (removed) =>
      this.#publish({ type: 'failures.trimmed', ...removed, limit }),
    ).catch((error: unknown) => session.fail(error));
  }
}
