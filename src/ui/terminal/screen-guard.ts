/**
 * Takes over the terminal and restores it however the program ends: normally, by a signal, by an uncaught error, by
 * `process.exit`.
 *
 *     left ──enter()──▶ entered ──leave(), exit, signal, fault──▶ left
 *                        │    ▲
 *        Ctrl-Z, SIGTSTP │    │ SIGCONT, or the stop had no effect
 *                        ▼    │
 *                       suspended
 *
 *     entered ──lend()──▶ lent ──the other program has ended──▶ entered
 *
 * It makes no decisions. After a signal it asks the program what to do. It doesn't handle faults either, so they are
 * reported as usual, on the normal screen.
 *
 * Raw mode is set here and not by Ink: no component may use `useInput`, `useFocus` or `setRawMode` of Ink.
 */
import type { FrameSink } from './frame-sink.ts';
import type { TerminalOutput } from './terminal-output.ts';
import { keepTitle, restoreTitle } from './title.ts';

export type EndSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGQUIT';

export interface ScreenGuardOptions {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly output: Pick<TerminalOutput, 'writeNow' | 'setBlocking'>;
  /** The sink paints only while it is open. */
  readonly canvas: Pick<FrameSink, 'open' | 'close' | 'send'>;
  /** Whether the terminal reports the mouse at first. */
  readonly hasMouse: boolean;
  /**
   * A signal asks the program to end, or the terminal is gone, which counts as SIGHUP. The terminal is restored already;
   * the program must exit. Called for each signal, so that a second one can mean more.
   */
  onSignal(signal: EndSignal): void;
  /** Called after a suspension, when the screen is back. */
  onResume?(): void;
}

const endSignals: readonly EndSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];

/** Keeps the title and switches to an empty alternate screen without a cursor, with bracketed paste and without line wrapping. */
export const enterSequence = `${keepTitle}\u001B[?1049h\u001B[?25l\u001B[?2004h\u001B[?7l\u001B[0m\u001B[2J\u001B[H`;
/** Reports clicks and the wheel, but not moves, with decimal coordinates (SGR). */
const mouseOn = '\u001B[?1000h\u001B[?1006h';
const mouseOff = '\u001B[?1006l\u001B[?1000l';
/** The reverse. Also ends a synchronized update that a cut-off frame may have left open. */
const leaveSequence = `\u001B[?2026l${mouseOff}\u001B[0m\u001B[?7h\u001B[?2004l\u001B[?1049l\u001B[?25h${restoreTitle}`;

/** When to return if SIGTSTP has no effect. This time doesn't run while the process is stopped. */
const notStoppedMs = 50;

export class ScreenGuard {
  readonly #options: ScreenGuardOptions;
  #hasMouse: boolean;
  #state: 'left' | 'entered' | 'suspended' | 'lent' = 'left';
  #resumeTimer: NodeJS.Timeout | undefined;
  /** SIGHUP, the end of stdin and errors of both streams all mean that the terminal is gone. */
  #hasHungUp = false;

  readonly #onExit = () => {
    // Later reports that the terminal is gone don't matter.
    this.#hasHungUp = true;
    this.leave();
  };
  readonly #onFault = () => this.leave();
  readonly #onStop = () => (this.#state === 'entered' ? this.suspend() : this.#stop());
  readonly #onContinue = () => {
    // The program that has the terminal goes on.
    if (this.#state !== 'lent') this.#takeBack();
  };
  readonly #onGone = () => this.#end('SIGHUP');
  readonly #onEndSignal = (signal: NodeJS.Signals) => {
    // Keys of the terminal send these to the program that has it, and to this one.
    if (this.#state === 'lent' && (signal === 'SIGINT' || signal === 'SIGQUIT')) return;
    this.#end(signal as EndSignal);
  };

  constructor(options: ScreenGuardOptions) {
    this.#options = options;
    this.#hasMouse = options.hasMouse;
    for (const signal of endSignals) process.on(signal, this.#onEndSignal);
    process.on('SIGTSTP', this.#onStop);
    process.on('SIGCONT', this.#onContinue);
    process.on('exit', this.#onExit);
    // Runs before the fault's handlers, also for rejections, and doesn't handle the fault.
    process.on('uncaughtExceptionMonitor', this.#onFault);
    options.stdin.on('end', this.#onGone);
    options.stdin.on('error', this.#onGone);
    options.stdout.on('error', this.#onGone);
  }

  enter(): void {
    if (this.#state === 'entered') return;
    clearTimeout(this.#resumeTimer);
    const { stdin, output, canvas } = this.#options;
    // First, because it stops a background process: nothing may be painted over another program's screen.
    stdin.setRawMode(true);
    output.setBlocking(false);
    output.writeNow(this.#hasMouse ? enterSequence + mouseOn : enterSequence);
    this.#state = 'entered';
    canvas.open();
  }

  /** Works in handlers of `exit` and signals too, and more than once. */
  leave(): void {
    clearTimeout(this.#resumeTimer);
    this.#giveBack('left');
  }

  /** Gives the terminal back and stops the process, like Ctrl-Z. Returns after `fg`. */
  suspend(): void {
    if (this.#state !== 'entered') return;
    this.#giveBack('suspended');
    this.#stop();
    this.#resumeTimer = setTimeout(this.#onContinue, notStoppedMs);
  }

  /** @returns whether the mouse is on now */
  toggleMouse(): boolean {
    this.#hasMouse = !this.#hasMouse;
    this.#options.canvas.send(this.#hasMouse ? mouseOn : mouseOff);
    return this.#hasMouse;
  }

  /**
   * Gives the terminal to another program, such as a pager, and takes it back. Nothing may read from the terminal meanwhile.
   *
   * @param use runs the program
   */
  async lend<Result>(use: () => Promise<Result>): Promise<Result> {
    this.#giveBack('lent');
    try {
      return await use();
    } finally {
      this.#takeBack();
    }
  }

  /** Leaves the screen and removes all listeners. */
  dispose(): void {
    this.leave();
    for (const signal of endSignals) process.off(signal, this.#onEndSignal);
    process.off('SIGTSTP', this.#onStop);
    process.off('SIGCONT', this.#onContinue);
    process.off('exit', this.#onExit);
    process.off('uncaughtExceptionMonitor', this.#onFault);
    this.#options.stdin.off('end', this.#onGone);
    // The error listeners stay: without them, an error of a closed terminal would end the program.
  }

  #giveBack(next: 'left' | 'suspended' | 'lent'): void {
    const wasEntered = this.#state === 'entered';
    // First, because a closed terminal calls this again from within.
    this.#state = next;
    if (!wasEntered) return;
    const { stdin, output, canvas } = this.#options;
    canvas.close();
    output.writeNow(leaveSequence);
    output.setBlocking(true);
    stdin.setRawMode(false);
  }

  /**
   * SIGTSTP stops the process only without a listener. It has no effect if no shell waits for stopped jobs; then there is no
   * SIGCONT either.
   */
  #stop(): void {
    process.off('SIGTSTP', this.#onStop);
    // The whole process group, like a terminal: under npm, npm must stop too, or the shell doesn't return.
    process.kill(0, 'SIGTSTP');
    process.on('SIGTSTP', this.#onStop);
  }

  /** After `fg`, also after SIGSTOP, which left the terminal to a shell without notice; or after another program. */
  #takeBack(): void {
    if (this.#state === 'left') return;
    // Set raw mode again in both cases: the shell may have changed it without libuv noticing.
    this.#options.stdin.setRawMode(false);
    this.#state = 'suspended';
    this.enter();
    // Only the shell was notified of a resize in the meantime. This makes Node read the size again.
    process.emit('SIGWINCH', 'SIGWINCH');
    this.#options.onResume?.();
  }

  #end(signal: EndSignal): void {
    if (signal === 'SIGHUP') {
      if (this.#hasHungUp) return;
      this.#hasHungUp = true;
    }
    this.leave();
    this.#options.onSignal(signal);
  }
}
