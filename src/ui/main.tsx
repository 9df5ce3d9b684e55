/**
 * The user interface as a whole: takes the terminal, shows the store, sends what keys ask for, and gives the
 * terminal back as it was, however it ends.
 */
import { setFlagsFromString } from 'node:v8';
import { render } from 'ink';
import { createStore } from 'zustand/vanilla';
import { Controller } from './actions/controller.ts';
import { App } from './app.tsx';
import { FrameClock } from './frame-clock.ts';
import { compose } from './screens/compose.ts';
import { noPicture, type Picture, pictureOf, reuse } from './screens/picture.ts';
import type { UiEnd, UiOptions } from './session/ui-options.ts';
import { hasColors } from './terminal/colors.ts';
import { FrameSink } from './terminal/frame-sink.ts';
import { inkOptions } from './terminal/ink-options.ts';
import { KeyReader } from './terminal/key-reader.ts';
import { ScreenGuard } from './terminal/screen-guard.ts';
import { TerminalOutput } from './terminal/terminal-output.ts';

/**
 * A log of 200,000 lines whose oldest go as new ones come is garbage at the rate of the flood, and V8 would let
 * the heap grow to several times what is kept before it collects.
 */
function stayLean(): void {
  setFlagsFromString('--heap-growing-percent=25');
}

/** Runs until the person leaves, the engine has stopped or the link is gone; the terminal is then as before. */
export async function runTerminalUi(options: UiOptions): Promise<UiEnd> {
  stayLean();
  const { store, stdin, stdout, isReadOnly, runnerUser, lost } = options;
  let end: (how: UiEnd) => void = () => {};
  const ended = new Promise<UiEnd>((resolve) => {
    end = resolve;
  });
  const output = new TerminalOutput(stdout);
  const sink = new FrameSink(output);
  const pictures = createStore<Picture>(() => noPicture);
  const colors = hasColors(process.env);
  const size = () => ({ columns: sink.columns, rows: sink.rows });

  const paint = () => {
    const { columns, rows } = size();
    const state = store.getState();
    const panels = compose({
      state,
      size: { columns, rows },
      nowMs: Date.now(),
      log: controller.log,
      isReadOnly,
      runnerUser,
    });
    const before = pictures.getState();
    const picture = reuse(before, pictureOf(panels, columns, rows, colors));
    if (picture !== before) pictures.setState(picture, true);
  };
  const clock = new FrameClock(paint);
  const guard = new ScreenGuard({
    stdin,
    stdout,
    output,
    canvas: sink,
    onResume: () => clock.wake(),
    onSignal: (signal) => end({ kind: 'signal', signal }),
  });
  const controller = new Controller(options, {
    size,
    wake: () => clock.wake(),
    repaint: () => sink.repaint(),
    suspend: () => guard.suspend(),
    write: (sequence) => sink.send(sequence),
    end,
  });
  const keys = new KeyReader(stdin, (input) => controller.handle(input));
  const unsubscribe = store.subscribe(({ model }) => {
    clock.dirty();
    if (model.engine?.isStopped === true) end({ kind: 'stopped' });
  });
  sink.on('resize', () => clock.wake());
  void lost.then((reason) => end({ kind: 'lost', reason }));

  guard.enter();
  keys.start();
  paint();
  const ink = render(<App pictures={pictures} />, inkOptions(sink, stdin));
  try {
    // After an error in a component Ink is done, and says so here only.
    return await Promise.race([ended, ink.waitUntilExit().then(() => ended)]);
  } finally {
    unsubscribe();
    clock.stop();
    controller.close();
    keys.stop();
    ink.unmount();
    guard.dispose();
    sink.dispose();
  }
}
