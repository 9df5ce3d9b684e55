/**
 * Frames: what engine and user interface send each other over the link, one JSON object a line.
 *
 *     client                    server (the engine's process)
 *       │ ◀──────────── hello ──│  at once
 *       │── hello ────────────▶ │  or `refused`, and the end, where the versions don't fit
 *       │ ◀───────── snapshot ──│  in the same tick the events begin
 *       │ ◀─────────── events ──│  numbered; another snapshot instead where the client was too slow
 *       │── command ──────────▶ │
 *       │ ◀──────────── reply ──│  exactly one each
 *       │── watch ────────────▶ │
 *       │ ◀─────────── output ──│  what is kept of it first, then what comes
 *
 * A frame of a type that the other side doesn't know is skipped: it may be from a later version.
 */
import type { Command, CommandReply } from './commands.ts';
import type { EngineEvent } from './events.ts';
import type { OutputBatch } from './output.ts';
import type { Snapshot } from './snapshot.ts';

/** Rises with every change that an older side can't skip. */
export const protocolVersion = 2;

/** Bytes of a frame's line; a client that sends a longer one is cut off. */
export const clientFrameLimit = 4 * 1024 * 1024;
/** The same for what a server sends: a snapshot of a thousand queues is about 1 MB. */
export const serverFrameLimit = 64 * 1024 * 1024;

export interface ServerHello {
  readonly type: 'hello';
  readonly protocol: number;
  /** Of the program. */
  readonly version: string;
  readonly pid: number;
  /** Absolute path; `null` where there is none. */
  readonly configFile: string | null;
  readonly workerHost: string;
  /** Keys of the config's runners. */
  readonly runners: readonly string[];
  readonly startedAtMs: number;
  /** This client's connection is the one whose end stops the engine, until it disowns it. */
  readonly isOwner: boolean;
}

export type ServerFrame =
  | ServerHello
  | { readonly type: 'refused'; readonly message: string }
  | { readonly type: 'snapshot'; readonly snapshot: Snapshot }
  | { readonly type: 'events'; readonly events: readonly EngineEvent[] }
  | { readonly type: 'reply'; readonly id: number; readonly reply: CommandReply }
  | {
      readonly type: 'output';
      readonly jobId: string;
      /**
       * `null`: nothing is kept of this job's output (any longer), or the watch was given up. Every watch ends with
       * exactly one such frame, or with a batch that `isEnd`.
       */
      readonly batch: OutputBatch | null;
    };

export type ClientFrame =
  | {
      readonly type: 'hello';
      readonly protocol: number;
      /** Who looks, for the record: `ann@pts/3`. */
      readonly name: string;
      readonly isReadOnly: boolean;
    }
  | { readonly type: 'command'; readonly id: number; readonly command: Command }
  | { readonly type: 'watch'; readonly jobId: string }
  | { readonly type: 'unwatch'; readonly jobId: string }
  /** The owner leaves the engine running by choice. */
  | { readonly type: 'disown' };
