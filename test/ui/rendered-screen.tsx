/** The components of the screen with a state that the test makes up, rendered by Ink for no terminal. */
import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { type Instance, render } from 'ink';
import stripAnsi from 'strip-ansi';
import { onTestFinished } from 'vitest';
import { createStore } from 'zustand/vanilla';
import type { AppState } from '../../src/store/app-store.ts';
import { App } from '../../src/ui/app.tsx';
import { MouseMap } from '../../src/ui/frame/mouse-map.ts';
import type { Frame } from '../../src/ui/frame/use-frame.ts';
import type { Size } from '../../src/ui/layout/layout.ts';
import { type FrameSink, inkOptions } from '../../src/ui/terminal/frame-sink.ts';

export interface RenderedOptions extends Partial<Size> {
  readonly nowMs?: number;
  readonly isReadOnly?: boolean;
}

/** Ends with the test. */
export class RenderedScreen {
  /** How often Ink has painted the whole screen. */
  paints = 0;
  readonly mouse = new MouseMap();
  readonly #frames;
  readonly #ink: Instance;
  #painted = '';

  constructor(state: AppState, options: RenderedOptions = {}) {
    const { columns = 120, rows = 36, nowMs = 0, isReadOnly = false } = options;
    this.#frames = createStore<Frame>(() => ({ ...state, size: { columns, rows }, nowMs, log: null }));
    const stdout = Object.assign(new EventEmitter(), {
      columns,
      rows,
      isTTY: true,
      write: (text: string) => {
        this.paints += 1;
        this.#painted = text;
        return true;
      },
    });
    this.#ink = render(
      <App
        frames={this.#frames}
        isReadOnly={isReadOnly}
        runnerUser={null}
        hasColors={true}
        mouse={this.mouse}
      />,
      inkOptions(stdout as unknown as FrameSink, new PassThrough() as unknown as NodeJS.ReadStream),
    );
    onTestFinished(() => this.#ink.unmount());
  }

  /** Shows a frame in which this has changed. */
  async show(change: Partial<Frame>): Promise<void> {
    this.#frames.setState(change);
    // React renders in a microtask.
    await new Promise(setImmediate);
  }

  rowTexts(): string[] {
    return stripAnsi(this.#painted).split('\n');
  }
}
