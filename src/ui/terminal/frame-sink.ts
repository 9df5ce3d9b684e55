/**
 * Stands in for stdout before Ink. Ink 6 clears the whole screen and the scrollback for each frame that is as high
 * as the terminal, and its incremental rendering lets lines drift. With `debug: true` it hands over each frame as
 * a whole instead, also where CI is set; what is different from the last frame is painted here, row by row at
 * absolute positions, as one synchronized update.
 *
 *     closed ──open()──▶ open ──close()──▶ closed        open() and repaint() paint all rows
 *
 * Frames that come faster than they can be painted are left out: of several within one turn of the event loop, or
 * while the terminal is slow, the newest is painted.
 */
import { EventEmitter } from 'node:events';
import type { RenderOptions } from 'ink';
import { paintedRow } from './painted-row.ts';

/** What is needed of `TerminalOutput`. */
export interface FrameOutput {
  readonly columns: number;
  readonly rows: number;
  onResize(listener: () => void): () => void;
  write(text: string, onDone?: () => void): void;
}

export interface FrameStats {
  /** That were painted. */
  readonly frames: number;
  readonly bytes: number;
  /** That were never painted, since a newer one came first. */
  readonly skipped: number;
}

/**
 * Whatever another program or a stray sequence left behind, this makes the terminal as we need it: plain characters
 * (not lines and corners), the whole screen to scroll, no wrapping at the right edge, no cursor.
 */
const terminalModes = '\u001B(B\u000F\u001B[r\u001B[?7l\u001B[?25l\u001B[0m';
const beginUpdate = '\u001B[?2026h';
const endUpdate = '\u001B[?2026l';

/** Ink shows the cursor when it ends; the screen guard sees to that. */
const noFrame = /^(?:\u001B\[\?\d+[hl])*$/;

export class FrameSink extends EventEmitter<{ resize: [] }> {
  /** Ink asks. */
  readonly isTTY = true;
  readonly #output: FrameOutput;
  readonly #stopWatching: () => void;
  /** The newest frame. */
  #frame: string | null = null;
  /** Its rows, as they are on the screen; `null` where it isn't known what is there. */
  #shown: readonly string[] | null = null;
  #isOpen = false;
  #isScheduled = false;
  /** The terminal hasn't taken the last frame yet. */
  #isBusy = false;
  /** Of the frames before the newest, how many were painted. */
  #isPainted = true;
  #stats = { frames: 0, bytes: 0, skipped: 0 };

  constructor(output: FrameOutput) {
    super();
    // Each component that looks at the size listens.
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

  /** As Ink calls a stream. */
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

  /** Begins to paint: the alternate screen is there. */
  open(): void {
    this.#isOpen = true;
    this.#isBusy = false;
    this.repaint();
  }

  /** Paints nothing any more, until opened again. */
  close(): void {
    this.#isOpen = false;
  }

  /** Paints every row, as if nothing were known about the screen. */
  repaint(): void {
    this.#shown = null;
    this.#schedule();
  }

  /** Sends a sequence that is no frame, such as one for the clipboard, between frames. */
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

/** The options with which Ink's frames reach the terminal through the sink, and nothing else of Ink does. */
export function inkOptions(sink: FrameSink, stdin: NodeJS.ReadStream): RenderOptions {
  return {
    // Ink writes, asks for `columns`, `rows`, `isTTY` and listens for `resize`; it needs nothing else of a stream.
    stdout: sink as unknown as NodeJS.WriteStream,
    stdin,
    // Hands over whole frames, one per commit.
    debug: true,
    // Ctrl-C is a key like others.
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
