/**
 * Takes over the terminal and restores it however the program ends: normally, by a signal, by an uncaught error, by
 * `process.exit`.
 *
 *     left ──enter()──▶ entered ──leave(), exit, signal, fault──▶ left
 *                        │    ▲
 *        Ctrl-Z, SIGTSTP │    │ SIGCONT, or nobody stopped us
 *                        ▼    │
 *                       suspended
 *
 * It makes no decisions. After a signal it asks the program what to do. It doesn't handle faults either, so they are
 * reported as usual, on the normal screen.
 *
 * Raw mode is set here and not by Ink: no component may use `useInput`, `useFocus` or `setRawMode` of Ink.
 */
import type { FrameSink } from './frame-sink.ts';
import type { TerminalOutput } from './terminal-output.ts';

export type EndSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGQUIT';

export interface ScreenGuardOptions {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly output: Pick<TerminalOutput, 'writeNow' | 'setBlocking'>;
  /** Paints only while it is open. */
  readonly canvas: Pick<FrameSink, 'open' | 'close'>;
  /**
   * A signal asks the program to end, or the terminal is gone, which counts as SIGHUP. The terminal is restored already;
   * the program must exit. Called for each signal, so that a second one can mean more.
   */
  onSignal(signal: EndSignal): void;
  /** After a suspension, once the screen is ours again. */
  onResume?(): void;
}

const endSignals: readonly EndSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];

/** Alternate screen, empty, without a cursor; pastes in brackets; nothing wraps at the right edge. */
export const enterSequence = '\u001B[?1049h\u001B[?25l\u001B[?2004h\u001B[?7l\u001B[0m\u001B[2J\u001B[H';
/** And back. A frame that was cut off may have left an update open. */
const leaveSequence = '\u001B[?2026l\u001B[0m\u001B[?7h\u001B[?2004l\u001B[?1049l\u001B[?25h';

/** How soon we are back where SIGTSTP has no effect; after a real stop this time doesn't run. */
const notStoppedMs = 50;

export class ScreenGuard {
  readonly #options: ScreenGuardOptions;
  #state: 'left' | 'entered' | 'suspended' = 'left';
  #resumeTimer: NodeJS.Timeout | undefined;
  /** SIGHUP, the end of stdin and errors of both streams all say the same. */
  #hasHungUp = false;

  readonly #onExit = () => {
    // Nobody need be told any more that the terminal has gone.
    this.#hasHungUp = true;
    this.leave();
  };
  readonly #onFault = () => this.leave();
  readonly #onStop = () => (this.#state === 'entered' ? this.suspend() : this.#stop());
  readonly #onContinue = () => this.#takeBack();
  readonly #onGone = () => this.#end('SIGHUP');
  readonly #onEndSignal = (signal: NodeJS.Signals) => this.#end(signal as EndSignal);

  constructor(options: ScreenGuardOptions) {
    this.#options = options;
    for (const signal of endSignals) process.on(signal, this.#onEndSignal);
    process.on('SIGTSTP', this.#onStop);
    process.on('SIGCONT', this.#onContinue);
    process.on('exit', this.#onExit);
    // Called before whatever handles the fault, for rejections too, and without handling it.
    process.on('uncaughtExceptionMonitor', this.#onFault);
    options.stdin.on('end', this.#onGone);
    options.stdin.on('error', this.#onGone);
    options.stdout.on('error', this.#onGone);
  }

  enter(): void {
    if (this.#state === 'entered') return;
    clearTimeout(this.#resumeTimer);
    const { stdin, output, canvas } = this.#options;
    // First, since it stops us where we are in the background: nothing may be painted over another's screen.
    stdin.setRawMode(true);
    output.setBlocking(false);
    output.writeNow(enterSequence);
    this.#state = 'entered';
    canvas.open();
  }

  /** Works in handlers of `exit` and signals too, and more than once. */
  leave(): void {
    clearTimeout(this.#resumeTimer);
    this.#giveBack('left');
  }

  /** Gives the terminal back and stops, as Ctrl-Z does it to other programs; returns long after, at `fg`. */
  suspend(): void {
    if (this.#state !== 'entered') return;
    this.#giveBack('suspended');
    this.#stop();
    this.#resumeTimer = setTimeout(this.#onContinue, notStoppedMs);
  }

  /** Leaves, and listens to nothing any more. */
  dispose(): void {
    this.leave();
    for (const signal of endSignals) process.off(signal, this.#onEndSignal);
    process.off('SIGTSTP', this.#onStop);
    process.off('SIGCONT', this.#onContinue);
    process.off('exit', this.#onExit);
    process.off('uncaughtExceptionMonitor', this.#onFault);
    this.#options.stdin.off('end', this.#onGone);
    // The listeners for errors stay: that of a terminal which has gone would end the program.
  }

  #giveBack(next: 'left' | 'suspended'): void {
    const wasEntered = this.#state === 'entered';
    // First, since a terminal that has gone makes us leave while we leave.
    this.#state = next;
    if (!wasEntered) return;
    const { stdin, output, canvas } = this.#options;
    canvas.close();
    output.writeNow(leaveSequence);
    output.setBlocking(true);
    stdin.setRawMode(false);
  }

  /**
   * Only without a listener SIGTSTP stops us. It has no effect where no shell waits for stopped jobs, and then
   * nobody would send SIGCONT either.
   */
  #stop(): void {
    process.off('SIGTSTP', this.#onStop);
    // The whole group, as a terminal does it: under npm, npm has to stop with us for the shell to come back.
    process.kill(0, 'SIGTSTP');
    process.on('SIGTSTP', this.#onStop);
  }

  /** After `fg`; also after a stop that no program can see coming (SIGSTOP), which left the terminal to a shell. */
  #takeBack(): void {
    if (this.#state === 'left') return;
    // Raw mode again in either case: what libuv believes to be set may have been changed by the shell.
    this.#options.stdin.setRawMode(false);
    this.#state = 'suspended';
    this.enter();
    // Of a resize in the meantime only the shell was told. This makes Node look at the size.
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
