/**
 * Frames: what engine and screen send each other over the link, one JSON object a line.
 *
 *     client                    server (the engine's process)
 *       │ ◀──────────── hello ──│  at once
 *       │── hello ────────────▶ │  or `refused` and the end, if the versions differ
 *       │ ◀───────── snapshot ──│  events begin in the same tick
 *       │ ◀─────────── events ──│  numbered; another snapshot instead if the client is too slow
 *       │── command ──────────▶ │
 *       │ ◀──────────── reply ──│  exactly one each
 *       │── watch ────────────▶ │
 *       │ ◀─────────── output ──│  first the kept output, then new output
 */
import type { Command, CommandReply } from './commands.ts';
import type { EngineEvent } from './events.ts';
import type { OutputBatch } from './job.ts';
import type { Snapshot } from './snapshot.ts';

/** Raised for every change of frames, events, commands or snapshots. A peer of another version is refused. */
export const protocolVersion = 4;

/** Bytes of a client's frame. A client with a longer one is disconnected. */
export const clientFrameLimit = 4 * 1024 * 1024;
/** The same for a server's frame: a snapshot of a thousand queues takes about 1 MB. */
export const serverFrameLimit = 64 * 1024 * 1024;

export interface ServerHello {
  readonly type: 'hello';
  readonly protocol: number;
  /** Of the program. */
  readonly version: string;
  readonly pid: number;
  /** Absolute path; `null` if there is none. */
  readonly configFile: string | null;
  readonly workerHost: string;
  /** Keys of the pools. */
  readonly runners: readonly string[];
  readonly startedAtMs: number;
  /** The end of this client's connection stops the engine, unless the client disowns it. */
  readonly isOwner: boolean;
  /** As of this hello. */
  readonly health: HealthView;
}

/** Why the runner isn't healthy; empty if it is. */
export interface HealthView {
  readonly notAlive: readonly string[];
  readonly notReady: readonly string[];
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
       * `null`: no output of this job is kept (any more), or the client gave up the watch. Every watch ends with exactly one
       * such frame, or with a batch that `isEnd`.
       */
      readonly batch: OutputBatch | null;
    };

export type ClientFrame =
  | {
      readonly type: 'hello';
      readonly protocol: number;
      /** The client's name for the log: `ann@pts/3`. */
      readonly name: string;
      readonly isReadOnly: boolean;
    }
  | { readonly type: 'command'; readonly id: number; readonly command: Command }
  | { readonly type: 'watch'; readonly jobId: string }
  | { readonly type: 'unwatch'; readonly jobId: string }
  /** The owner lets the engine continue without it. */
  | { readonly type: 'disown' };
