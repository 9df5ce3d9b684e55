/**
 * The user interface on a terminal: takes over the terminal, runs, and restores the terminal however it ends.
 */
import { setFlagsFromString } from 'node:v8';
import type { UiEnd } from './actions/action-context.ts';
import { FrameSink } from './terminal/frame-sink.ts';
import { runPager } from './terminal/pager.ts';
import { ScreenGuard } from './terminal/screen-guard.ts';
import { TerminalOutput } from './terminal/terminal-output.ts';
import { hasTitle } from './terminal/title.ts';
import { hasColors } from './text/line.ts';
import { type UiOptions, UserInterface } from './user-interface.tsx';

export interface TerminalUiOptions extends UiOptions {
  /** False if the terminal keeps the mouse, as with `--no-mouse`. */
  readonly hasMouse: boolean;
}

export interface TerminalStreams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream & { readonly fd: number };
}

/**
 * A busy log of 200,000 lines drops old lines as fast as new ones arrive. Without this option, V8 lets the heap grow to
 * several times the size of the kept lines before it collects garbage.
 */
function stayLean(): void {
  setFlagsFromString('--heap-growing-percent=25');
}

/** Runs until the user leaves, the engine has stopped, or the link is lost. Restores the terminal. */
export async function runTerminalUi(
  options: TerminalUiOptions,
  { stdin, stdout }: TerminalStreams,
): Promise<UiEnd> {
  stayLean();
  const output = new TerminalOutput(stdout);
  const sink = new FrameSink(output);
  const ui = new UserInterface(options, {
    stdin,
    sink,
    hasColors: hasColors(process.env),
    hasTitle: hasTitle(process.env),
    suspend: () => guard.suspend(),
    page: (text) => guard.lend(() => runPager(text, process.env)),
    toggleMouse: () => guard.toggleMouse(),
  });
  const guard = new ScreenGuard({
    stdin,
    stdout,
    output,
    canvas: sink,
    hasMouse: options.hasMouse,
    onResume: () => ui.resume(),
    onSignal: (signal) => ui.end({ kind: 'signal', signal }),
  });
  guard.enter();
  try {
    return await ui.run();
  } finally {
    guard.dispose();
    sink.dispose();
  }
}
