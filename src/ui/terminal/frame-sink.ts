/**
 * Replaces stdout for Ink. Ink 6 clears the whole screen and the scrollback for each frame that is as high as the terminal,
 * and lines drift with its incremental rendering. With `debug: true`, Ink passes on each frame as a whole, even if CI is
 * set. This class paints the rows that differ from the last frame, at absolute positions, as one synchronized update.
 *
 *     closed ──open()──▶ open ──close()──▶ closed        open() and repaint() paint all rows
 *
 * It drops frames that arrive faster than it can paint them: only the newest frame of a turn of the event loop, or of the
 * time that the terminal is slow, is painted.
 */
import { EventEmitter } from 'node:events';
import type { RenderOptions } from 'ink';
import { paintedRow } from './painted-row.ts';

/** The part of `TerminalOutput` that this file uses. */
export interface FrameOutput {
  readonly columns: number;
  readonly rows: number;
  onResize(listener: () => void): () => void;
  write(text: string, onDone?: () => void): void;
}

export interface FrameStats {
  /** Painted frames. */
  readonly frames: number;
  readonly bytes: number;
  /** Frames that were never painted, because a newer one replaced them. */
  readonly skipped: number;
}

/**
 * Resets what another program or a stray sequence may have changed: plain characters instead of line drawing, no scrolling
 * region, no wrapping at the right edge, no cursor.
 */
const terminalModes = '\u001B(B\u000F\u001B[r\u001B[?7l\u001B[?25l\u001B[0m';
const beginUpdate = '\u001B[?2026h';
const endUpdate = '\u001B[?2026l';

/** Ink shows the cursor when it ends. The screen guard does that. */
const noFrame = /^(?:\u001B\[\?\d+[hl])*$/;

export class FrameSink extends EventEmitter<{ resize: [] }> {
  /** Ink reads it. */
  readonly isTTY = true;
  readonly #output: FrameOutput;
  readonly #stopWatching: () => void;
  /** The newest frame. */
  #frame: string | null = null;
  /** The rows that are on the screen; `null` if unknown. */
  #shown: readonly string[] | null = null;
  #isOpen = false;
  #isScheduled = false;
  /** The terminal hasn't taken the last frame yet. */
  #isBusy = false;
  /** Painted frames before the newest one. */
  #isPainted = true;
  #stats = { frames: 0, bytes: 0, skipped: 0 };

  constructor(output: FrameOutput) {
    super();
    // Every component that uses the size listens.
    this.setMaxListeners(0);
    this.#output = output;
    this.#stopWatching = output.onResize(() => {
      this.repaint();
      this.emit('resize');
    });
  }

  get columns(): number {
    return this.#output.columns;
  }

  get rows(): number {
    return this.#output.rows;
  }

  get stats(): FrameStats {
    return { ...this.#stats };
  }

  /** The signature that Ink calls. */
  write(frame: string, encoding?: unknown, callback?: () => void): boolean {
    if (!noFrame.test(frame)) {
      if (!this.#isPainted) this.#stats.skipped += 1;
      this.#frame = frame;
      this.#isPainted = false;
      this.#schedule();
    }
    const onWritten = typeof encoding === 'function' ? encoding : callback;
    onWritten?.();
    return true;
  }

  /** Starts painting, once the alternate screen is active. */
  open(): void {
    this.#isOpen = true;
    this.#isBusy = false;
    this.repaint();
  }

  /** Stops painting until it is opened again. */
  close(): void {
    this.#isOpen = false;
  }

  /** Paints every row again. */
  repaint(): void {
    this.#shown = null;
    this.#schedule();
  }

  /** Sends a sequence that is not a frame, such as one for the clipboard, between frames. */
  send(sequence: string): void {
    if (this.#isOpen) this.#output.write(sequence);
  }

  dispose(): void {
    this.close();
    this.#stopWatching();
    this.removeAllListeners();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#paint();
    });
  }

  #paint(): void {
    if (!this.#isOpen || this.#isBusy || this.#frame === null) return;
    const { columns, rows } = this.#output;
    const next = this.#frame.split('\n').slice(0, rows);
    const painted =
      this.#shown === null ? paintedWhole(next, columns, rows) : changes(this.#shown, next, columns);
    this.#shown = next;
    this.#isPainted = true;
    if (painted === '') return;
    const update = `${beginUpdate}${painted}${endUpdate}`;
    this.#stats.frames += 1;
    this.#stats.bytes += Buffer.byteLength(update);
    this.#isBusy = true;
    this.#output.write(update, () => {
      this.#isBusy = false;
      if (!this.#isPainted || this.#shown === null) this.#schedule();
    });
  }
}

/** Options for Ink: only its frames reach the terminal, through the sink. */
export function inkOptions(sink: FrameSink, stdin: NodeJS.ReadStream): RenderOptions {
  return {
    // Ink writes, reads `columns`, `rows` and `isTTY`, and listens for `resize`. It needs nothing else of a stream.
    stdout: sink as unknown as NodeJS.WriteStream,
    stdin,
    // Passes on whole frames, one per commit.
    debug: true,
    // Ctrl-C is an ordinary key.
    exitOnCtrlC: false,
    // Has no effect in debug mode; set so that nobody relies on it.
    patchConsole: false,
    // Otherwise INK_SCREEN_READER=true would change what Ink renders.
    isScreenReaderEnabled: false,
  };
}

function paintedWhole(lines: readonly string[], columns: number, rows: number): string {
  const painted = lines.map((line, row) => rowAt(row) + paintedRow(line, columns)).join('');
  const below = lines.length < rows ? `${rowAt(lines.length)}\u001B[J` : '';
  return terminalModes + painted + below;
}

function changes(before: readonly string[], after: readonly string[], columns: number): string {
  let painted = '';
  for (let row = 0; row < Math.max(before.length, after.length); row += 1) {
    const line = after[row] ?? '';
    if (line !== (before[row] ?? '')) painted += rowAt(row) + paintedRow(line, columns);
  }
  return painted;
}

function rowAt(row: number): string {
  return `\u001B[${row + 1};1H`;
}
