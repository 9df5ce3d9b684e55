import type { PauseReason } from '../../protocol/events.ts';
import type { ResqueClient } from '../../resque/steps/client.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import type { QueueRouter } from '../pools/queue-router.ts';

/** Other runners may empty queues that this one may not take from, without any notice here. */
const recheckMs = 1_000;

/** These pauses may last for days. All other ones end by themselves, or with a fix. */
const kindsByPeople: readonly PauseReason['kind'][] = ['operator', 'all', 'cluster'];

/** Notices when all watched queues are empty or paused by people, and nothing runs. */
export class Drain {
  readonly #client: ResqueClient;
  readonly #router: QueueRouter;
  readonly #dispatcher: Dispatcher;
  readonly #onDrained: () => void;
  #isChecking = false;

  constructor(client: ResqueClient, router: QueueRouter, dispatcher: Dispatcher, onDrained: () => void) {
    this.#client = client;
    this.#router = router;
    this.#dispatcher = dispatcher;
    this.#onDrained = onDrained;
  }

  /** Call it when nothing runs. */
  check(): void {
    if (this.#isChecking || !this.#client.session.isUp) return;
    this.#isChecking = true;
    void this.#check();
  }

  async #check(): Promise<void> {
    try {
      const isPaused = (queue: string) =>
        this.#router.pausesOf(queue).some(({ kind }) => kindsByPeople.includes(kind));
      const backlog = await this.#client.backlog(this.#router.queues.filter((queue) => !isPaused(queue)));
      const isEmpty = [...backlog.values()].every((count) => count <= 0);
      const isQuiet = this.#dispatcher.runningCount === 0 && this.#dispatcher.unwritten === 0;
      if (isEmpty && isQuiet) this.#onDrained();
      else this.#client.clock.after(recheckMs, () => this.#dispatcher.scheduleStep(), { keepsAlive: false });
    } catch (error) {
      this.#client.session.fail(error);
    } finally {
      this.#isChecking = false;
    }
  }
}
