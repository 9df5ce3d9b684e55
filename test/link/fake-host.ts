/** A fake engine: publishes and replies as the test wants, and records what the link does with it. */
import type { LinkHost } from '../../src/link/server/client-connection.ts';
import type { Command, CommandReply } from '../../src/protocol/commands.ts';
import type { EngineEvent, EngineFact } from '../../src/protocol/events.ts';
import type { HealthView } from '../../src/protocol/frames.ts';
import type { OutputReader } from '../../src/protocol/job.ts';
import type { Snapshot } from '../../src/protocol/snapshot.ts';
import { emptySnapshot } from '../../src/store/reduce.ts';

export class FakeHost implements LinkHost {
  readonly hello = {
    version: '1.2.3',
    pid: 4711,
    configFile: '/etc/resque-runner.json',
    workerHost: 'box.runner',
    runners: ['mail', 'default'],
    startedAtMs: 1_000,
  };
  readonly executed: { readonly command: Command; readonly by: string }[] = [];
  readonly listeners = new Set<(event: EngineEvent) => void>();
  watching = 0;
  snapshots = 0;
  ownersGone = 0;
  seq = 0;
  /** Part of every snapshot, to make it large. */
  history: readonly EngineEvent[] = [];
  onExecute: (command: Command) => Promise<CommandReply> = () =>
    Promise.resolve({ ok: true, message: 'done' });
  onOpenOutput: (jobId: string) => OutputReader | null = () => null;
  onHealth = (): HealthView => ({ notAlive: [], notReady: [] });

  health(): HealthView {
    return this.onHealth();
  }

  snapshot(): Snapshot {
    this.snapshots += 1;
    return { ...emptySnapshot, seq: this.seq, history: this.history };
  }

  subscribe(listener: (event: EngineEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  execute(command: Command, by: string): Promise<CommandReply> {
    this.executed.push({ command, by });
    return this.onExecute(command);
  }

  watch(): () => void {
    this.watching += 1;
    return () => {
      this.watching -= 1;
    };
  }

  openOutput(jobId: string): OutputReader | null {
    return this.onOpenOutput(jobId);
  }

  onOwnerGone(): void {
    this.ownersGone += 1;
  }

  /** @returns its number */
  publish(fact: EngineFact): number {
    return this.publishEvent({ ...fact, seq: this.seq + 1, atMs: 0 });
  }

  publishEvent(event: EngineEvent): number {
    this.seq = event.seq;
    for (const listener of this.listeners) listener(event);
    return event.seq;
  }
}

/** The simplest fact, as large as the test wants. */
export function fact(size = 1): EngineFact {
  return { type: 'queue.resumed', queue: 'q'.repeat(size) };
}

/** An event that counts how often it becomes JSON. */
export function countedEvent(size = 1): {
  readonly event: EngineEvent;
  readonly plain: EngineEvent;
  count: number;
} {
  const plain: EngineEvent = { ...fact(size), seq: 1, atMs: 0 };
  const counted = {
    plain,
    count: 0,
    event: Object.assign(
      Object.create({
        toJSON: () => {
          counted.count += 1;
          return plain;
        },
      }),
      plain,
    ) as EngineEvent,
  };
  return counted;
}
