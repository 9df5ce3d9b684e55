import type { AwayDocument, StatusDocument } from './document.ts';

/** Where looks go. Each returns once more can be taken. */
export interface WatchView {
  show(document: StatusDocument): Promise<void>;
  showAway(away: AwayDocument): Promise<void>;
  /** Nobody looks any more: a key, a signal, a reader that went away. */
  readonly ended: Promise<void>;
  /** Gives back the terminal, if it has it. */
  close(): void;
}
