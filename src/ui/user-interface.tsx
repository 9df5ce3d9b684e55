/**
 * The user interface between a store and a terminal: shows the store and carries out keys. It gets the streams of the terminal
 * from its caller, so a test can run it in its own process.
 */
import { render } from 'ink';
import { createStore, type StoreApi } from 'zustand/vanilla';
import { changeView } from '../store/app-store.ts';
import type { UiEnd } from './actions/action-context.ts';
import { App } from './app.tsx';
import { Attention } from './attention/attention.ts';
import { Controller, type ControllerOptions } from './control/controller.ts';
import { FrameClock } from './frame/frame-clock.ts';
import { MouseMap } from './frame/mouse-map.ts';
import type { Frame } from './frame/use-frame.ts';
import { KeyReader } from './keys/key-reader.ts';
import type { Size } from './layout/layout.ts';
import { QueueSorter } from './lists/queue-order.ts';
import { seenView } from './lists/seen-view.ts';
import { type FrameSink, inkOptions } from './terminal/frame-sink.ts';

export interface UiOptions extends ControllerOptions {
  /**
   * Resolves when the link to the engine has ended, with the reason, and so does the screen. `null` if the screen stays: it
   * shows the store's `away` until another runner answers.
   */
  readonly lost: Promise<string> | null;
  /** Name of the runner's user; `null` if that is the user of the screen. */
  readonly runnerUser: string | null;
  /** Neither bell nor title on trouble, until the user turns them on. */
  readonly isQuiet: boolean;
}

export interface UiTerminal {
  readonly stdin: NodeJS.ReadStream;
  readonly sink: FrameSink;
  readonly hasColors: boolean;
  readonly hasTitle: boolean;
  /** Gives the terminal back to the shell, as Ctrl-Z does. */
  suspend(): void;
  /** Shows a text in the user's pager. @returns why that failed; `null` if the user has left it */
  page(text: readonly Buffer[]): Promise<string | null>;
  /** @returns whether the mouse is on now */
  toggleMouse(): boolean;
}

export class UserInterface {
  readonly #options: UiOptions;
  readonly #terminal: UiTerminal;
  readonly #controller: Controller;
  readonly #frames: StoreApi<Frame>;
  readonly #keys: KeyReader;
  /** Resolves when no pager has the terminal. */
  #paging: Promise<unknown> = Promise.resolve();
  readonly #mouse = new MouseMap();
  readonly #sorter = new QueueSorter();
  readonly #clock = new FrameClock(() => this.#show());
  readonly #attention: Attention;
  readonly #ended: Promise<UiEnd>;
  #end: (how: UiEnd) => void = () => {};

  constructor(options: UiOptions, terminal: UiTerminal) {
    this.#options = options;
    this.#terminal = terminal;
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    const { sink, hasTitle } = terminal;
    if (options.isQuiet) changeView(options.store, { isBellOn: false });
    this.#attention = new Attention({ write: (sequence) => sink.send(sequence), hasTitle });
    this.#controller = new Controller(options, {
      size: () => ({ columns: sink.columns, rows: sink.rows }),
      hitAt: (row, column) => this.#mouse.at(row, column),
      wake: () => this.wake(),
      repaint: () => sink.repaint(),
      suspend: () => terminal.suspend(),
      hasColors: terminal.hasColors,
      page: (text) => this.#page(text),
      toggleMouse: () => terminal.toggleMouse(),
      write: (sequence) => sink.send(sequence),
      end: (how) => this.end(how),
    });
    this.#keys = new KeyReader(terminal.stdin, (input) => this.#controller.handle(input));
    this.#frames = createStore(() => this.#frameOf({ columns: sink.columns, rows: sink.rows }));
  }

  /** Shows the current state soon: the terminal may show something unexpected. */
  wake(): void {
    this.#clock.wake();
  }

  /** The screen is back after a suspension. */
  resume(): void {
    this.#attention.forget();
    this.wake();
  }

  end(how: UiEnd): void {
    this.#end(how);
  }

  /** Runs until `end`, or until the engine has stopped or the link is lost. @throws what a component throws */
  async run(): Promise<UiEnd> {
    const { store, lost } = this.#options;
    const { stdin, sink } = this.#terminal;
    const unsubscribe = store.subscribe(({ model }) => {
      this.#clock.dirty();
      if (lost !== null && model.engine?.isStopped === true) this.end({ kind: 'stopped' });
    });
    sink.on('resize', () => this.wake());
    void lost?.then((reason) => this.end({ kind: 'lost', reason }));
    this.#keys.start();
    this.#show();
    const app = (
      <App
        frames={this.#frames}
        isReadOnly={this.#options.isReadOnly}
        runnerUser={this.#options.runnerUser}
        hasColors={this.#terminal.hasColors}
        mouse={this.#mouse}
      />
    );
    const ink = render(app, inkOptions(sink, stdin));
    try {
      // Ink reports an error in a component only here.
      const how = await Promise.race([this.#ended, ink.waitUntilExit().then(() => this.#ended)]);
      // What the program prints at its end must not appear in the pager. A signal ends the pager, too.
      if (how.kind !== 'signal') await this.#paging;
      return how;
    } finally {
      unsubscribe();
      this.#clock.stop();
      this.#controller.close();
      this.#keys.stop();
      ink.unmount();
    }
  }

  async #page(text: readonly Buffer[]): Promise<string | null> {
    this.#keys.stop();
    const paging = this.#terminal.page(text);
    this.#paging = paging;
    try {
      return await paging;
    } finally {
      this.#keys.start();
      this.wake();
    }
  }

  /** Lets the components see the current state. */
  #show(): void {
    this.#sortQueues();
    const { columns, rows } = this.#terminal.sink;
    const { model, view } = this.#options.store.getState();
    this.#attention.look(model, view.isBellOn, performance.now());
    const { size } = this.#frames.getState();
    const isSameSize = size.columns === columns && size.rows === rows;
    this.#frames.setState(this.#frameOf(isSameSize ? size : { columns, rows }), true);
  }

  /** Once for each frame, so that keys act on the order that is seen. */
  #sortQueues(): void {
    const { store } = this.#options;
    const { model, view } = store.getState();
    const order = this.#sorter.next(model, view.queues.sort, Date.now());
    if (order !== view.queues.order) changeView(store, { queues: { ...view.queues, order } });
  }

  #frameOf(size: Size): Frame {
    const { log } = this.#controller;
    log?.showUnfinished();
    const state = this.#options.store.getState();
    return { ...state, view: seenView(state, size), size, nowMs: Date.now(), log };
  }
}
