/** What the link's server asks of the engine's process. */
import type { Command, CommandReply } from '../../protocol/commands.ts';
import type { EngineEvent } from '../../protocol/events.ts';
import type { ServerHello } from '../../protocol/frames.ts';
import type { OutputReader } from '../../protocol/output.ts';
import type { Snapshot } from '../../protocol/snapshot.ts';

export interface LinkHost {
  readonly hello: Omit<ServerHello, 'type' | 'protocol' | 'isOwner'>;
  snapshot(): Snapshot;
  /** Held while anyone looks. @returns ends the subscription */
  subscribe(listener: (event: EngineEvent) => void): () => void;
  /**
   * Gets well-formed commands only, none that changes something from a client that may only read.
   *
   * @param by who: what the client calls itself, at most 64 characters, hostile until sanitised
   */
  execute(command: Command, by: string): Promise<CommandReply>;
  /** While anyone looks; returns the end of it. */
  watch(): () => void;
  /** `null`: nothing is kept of that job's output. */
  openOutput(jobId: string): OutputReader | null;
  /** The owner's connection ended without `disown`. */
  onOwnerGone(): void;
}
