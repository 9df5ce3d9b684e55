import type { Command, CommandReply } from '../../protocol/commands.ts';
import type { OutputBatch } from '../../protocol/output.ts';
import type { AppStore } from '../../store/app-store.ts';
import type { EndSignal } from '../terminal/screen-guard.ts';

/** Never rejects: a link that is gone is a refusal. */
export type Send = (command: Command) => Promise<CommandReply>;

/** `null` for a batch: nothing is kept of that job's output. @returns ends the watch */
export type Watch = (jobId: string, onBatch: (batch: OutputBatch | null) => void) => () => void;

/** How the person left. What becomes of the engine is the owner's business. */
export type UiEnd =
  /** Leaves an engine that isn't ours, or ours by choice. */
  | { readonly kind: 'detached' }
  /** The engine has stopped, as asked here or elsewhere. */
  | { readonly kind: 'stopped' }
  /** The link to the engine broke off. */
  | { readonly kind: 'lost'; readonly reason: string }
  | { readonly kind: 'signal'; readonly signal: EndSignal };

export interface UiOptions {
  readonly store: AppStore;
  readonly send: Send;
  readonly watch: Watch;
  /** Resolves when the link to the engine has ended, with the reason. */
  readonly lost: Promise<string>;
  readonly isReadOnly: boolean;
  /** Which runner it is, for questions about all of it: `process 4431 (/srv/app/cfg.json)`. */
  readonly runnerName: string;
  /** Name of the user whose runner it is; `null` for one of our own user. */
  readonly runnerUser: string | null;
  /** The engine was started by this UI, and stops with it unless it is left running. */
  readonly isOwner: boolean;
  /** False where the engine can't go on without us, as in a demo. */
  readonly canLeaveRunning: boolean;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream & { readonly fd: number };
}
