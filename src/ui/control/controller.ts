/** Decides what a key means on the current screen, and gives actions what they need. */
import type { Command, CommandReply } from '../../protocol/commands.ts';
import { type AppStore, changeView } from '../../store/app-store.ts';
import type { Opened, View } from '../../store/view.ts';
import type { ActionContext, OtherRunners, UiEnd } from '../actions/action-context.ts';
import { perform } from '../actions/perform.ts';
import { askToQuit } from '../actions/quit-actions.ts';
import type { MouseHit } from '../frame/mouse-map.ts';
import type { TerminalInput } from '../keys/key-decoder.ts';
import { typedText } from '../keys/key-reader.ts';
import type { MouseInput } from '../keys/key-sequences.ts';
import { actionOf } from '../keys/keymap.ts';
import { isTooSmall, type Size } from '../layout/layout.ts';
import { DelayedList } from '../lists/delayed-list.ts';
import { FailureList, type Send } from '../lists/failure-list.ts';
import { GroupList } from '../lists/group-list.ts';
import { OutputSearch } from '../lists/output-search.ts';
import { seenView } from '../lists/seen-view.ts';
import { contextOf } from '../lists/selection.ts';
import { StatisticsReader } from '../lists/statistics-reader.ts';
import { WaitingJobs } from '../lists/waiting-list.ts';
import { WorkerList } from '../lists/worker-list.ts';
import { JobLog, type Watch } from '../log/job-log.ts';
import { type ClipboardWrite, clipboardWrite } from '../terminal/clipboard.ts';
import { Delay } from './delay.ts';
import { dialogKey } from './dialog-keys.ts';
import { HeldKeys } from './held-keys.ts';
import { handleMouse } from './mouse.ts';
import type { TypingContext } from './prompt.ts';

export interface ControllerOptions {
  readonly store: AppStore;
  readonly send: Send;
  readonly watch: Watch;
  readonly isReadOnly: boolean;
  /** Which runner it is now, for questions about all of it: `process 4431 (/srv/app/cfg.json)`. */
  readonly runnerName: string;
  /** Left out if the screen can't leave its runner. */
  readonly runners?: OtherRunners | null;
  /** This screen started the engine, which stops with it unless it is left running. */
  readonly isOwner: boolean;
  /** False if the engine can't go on without us, as in a demo. */
  readonly canLeaveRunning: boolean;
}

/** What the controller needs of the screen. */
export interface ScreenPort {
  readonly hasColors: boolean;
  size(): Size;
  /** What is under the mouse. */
  hitAt(row: number, column: number): MouseHit | null;
  /** A key was pressed: paint soon. */
  wake(): void;
  repaint(): void;
  suspend(): void;
  page(text: readonly Buffer[]): Promise<string | null>;
  /** @returns whether the mouse is on now */
  toggleMouse(): boolean;
  /** Writes a sequence that isn't part of the picture. */
  write(sequence: string): void;
  end(end: UiEnd): void;
}

const toastMs = 4_000;
const errorToastMs = 8_000;

export class Controller implements TypingContext {
  readonly store: ActionContext['store'];
  readonly failures: FailureList;
  readonly groups: GroupList;
  readonly waiting: WaitingJobs;
  readonly workers: WorkerList;
  readonly delayed: DelayedList;
  readonly isReadOnly: boolean;
  readonly isOwner: boolean;
  readonly canLeaveRunning: boolean;
  readonly runners: OtherRunners | null;
  readonly delay = new Delay();
  readonly #options: ControllerOptions;
  readonly #screen: ScreenPort;
  readonly #statistics: StatisticsReader;
  readonly #outputSearch: OutputSearch;
  readonly #held: HeldKeys;
  #log: JobLog | null = null;
  #unanswered: readonly Command[] = [];

  constructor(options: ControllerOptions, screen: ScreenPort) {
    this.#options = options;
    this.#screen = screen;
    this.store = options.store;
    this.isReadOnly = options.isReadOnly;
    this.isOwner = options.isOwner;
    this.canLeaveRunning = options.canLeaveRunning;
    this.runners = options.runners ?? null;
    this.failures = new FailureList(options.store, options.send);
    this.groups = new GroupList(options.store, options.send);
    this.waiting = new WaitingJobs(options.store, options.send);
    this.workers = new WorkerList(options.store, options.send);
    this.delayed = new DelayedList(options.store, options.send);
    this.#statistics = new StatisticsReader(options.store, options.send);
    this.#outputSearch = new OutputSearch(options.store, options.send);
    this.#held = new HeldKeys(options.store, (key, text) => this.#key(key, text));
  }

  get runnerName(): string {
    return this.#options.runnerName;
  }

  get size(): Size {
    return this.#screen.size();
  }

  get hasColors(): boolean {
    return this.#screen.hasColors;
  }

  get log(): JobLog | null {
    return this.#log;
  }

  get unanswered(): readonly Command[] {
    return this.#unanswered;
  }

  handle(input: TerminalInput): void {
    this.#screen.wake();
    const text = typedText(input) ?? '';
    if ('paste' in input) this.#paste(text);
    else if ('key' in input) this.#key(input.key, text);
    else this.#mouse(input.mouse);
  }

  #mouse({ kind, row, column }: MouseInput): void {
    this.#settle();
    handleMouse(this, kind, this.#screen.hitAt(row, column), (key) =>
      this.#key(key, typedText({ key }) ?? ''),
    );
  }

  #key(key: string, text: string): void {
    const { view: before } = this.store.getState();
    // Whoever presses a key has seen the error.
    if (before.toast?.isError === true) changeView(this.store, { toast: null });
    this.#act(key, text);
    const { view } = this.store.getState();
    // A message goes with the tab or item it was about.
    if (view.toast === before.toast && !isSamePlace(view, before)) changeView(this.store, { toast: null });
  }

  #act(key: string, text: string): void {
    const { dialog } = this.store.getState().view;
    // If the terminal is too small for a screen, only the keys that leave work.
    const isCramped = isTooSmall(this.size) && dialog?.kind !== 'question';
    // Ctrl-C means the same everywhere, even in a prompt.
    if (key === 'ctrl+c') perform(this, 'interrupt');
    else if (key === 'ctrl+z') perform(this, 'suspend');
    else if (key === 'ctrl+l') perform(this, 'repaint');
    else if (isCramped) {
      if (key === 'q') askToQuit(this);
    } else if (dialog !== null) this.#dialogKey(key, text);
    else this.#plainKey(key, text);
  }

  /** Keys act on what is shown. */
  #settle(): void {
    if (isTooSmall(this.size)) return;
    const state = this.store.getState();
    const seen = seenView(state, this.size);
    if (seen !== state.view) changeView(this.store, seen);
  }

  #plainKey(key: string, text: string): void {
    this.#settle();
    const action = actionOf(key, contextOf(this.store.getState().view), this.isReadOnly);
    if (!this.#held.hold(key, text, action) && action !== null) perform(this, action);
  }

  #dialogKey(key: string, text: string): void {
    const { dialog } = this.store.getState().view;
    if (dialog !== null) dialogKey(this, dialog, key, text, (action) => perform(this, action));
  }

  /** Pastes go into prompts only. Pasted text must never run as keys. */
  #paste(text: string): void {
    const { dialog } = this.store.getState().view;
    if (!isTooSmall(this.size) && (dialog?.kind === 'prompt' || dialog?.kind === 'palette')) {
      this.#dialogKey('paste', text);
    }
  }

  openLog(jobId: string, over?: Opened): void {
    this.closeLog();
    this.#log = new JobLog(this.store, jobId, this.#options.watch, () => this.size);
    changeView(this.store, { opened: { kind: 'job', jobId, ...(over === undefined ? {} : { over }) } });
  }

  leave(): void {
    const over = this.store.getState().view.opened?.over;
    this.closeLog();
    if (over?.kind === 'job') this.openLog(over.jobId, over.over);
    else changeView(this.store, { opened: over ?? null });
  }

  closeLog(): void {
    this.#log?.close();
    this.#log = null;
  }

  async run(command: Command): Promise<CommandReply> {
    this.#unanswered = [...this.#unanswered, command];
    const { view } = this.store.getState();
    const reply = await this.#options.send(command);
    this.#unanswered = this.#unanswered.filter((other) => other !== command);
    this.toast(reply.message, !reply.ok, view);
    this.#screen.wake();
    return reply;
  }

  async ask(command: Command): Promise<CommandReply> {
    const reply = await this.#options.send(command);
    this.#screen.wake();
    return reply;
  }

  toast(text: string, isError = false, from: View | null = null): void {
    if (from !== null && !isError && !isSamePlace(from, this.store.getState().view)) return;
    const untilMs = Date.now() + (isError ? errorToastMs : toastMs);
    changeView(this.store, { toast: { text, isError, untilMs } });
  }

  copy(text: string): Pick<ClipboardWrite, 'isCut' | 'caveat'> {
    const write = clipboardWrite(text, process.env);
    this.#screen.write(write.sequence);
    return write;
  }

  page(text: readonly Buffer[]): Promise<string | null> {
    return this.#screen.page(text);
  }

  repaint(): void {
    this.#screen.repaint();
  }

  suspend(): void {
    this.#screen.suspend();
  }

  toggleMouse(): boolean {
    return this.#screen.toggleMouse();
  }

  end(end: UiEnd): void {
    this.#screen.end(end);
  }

  close(): void {
    this.closeLog();
    this.#held.close();
    this.delay.cancel();
    this.failures.close();
    this.groups.close();
    this.waiting.close();
    this.workers.close();
    this.delayed.close();
    this.#statistics.close();
    this.#outputSearch.close();
  }
}

/** Whether both views show the same tab, or the same item on top of it. */
function isSamePlace(a: View, b: View): boolean {
  return a.tab === b.tab && nameOf(a.opened) === nameOf(b.opened);
}

/** Two failures with one text are alike enough. */
function nameOf(opened: Opened | null): string {
  switch (opened?.kind) {
    case undefined:
      return '';
    case 'job':
      return `job ${opened.jobId}`;
    case 'queue':
      return `queue ${opened.queue}`;
    case 'failure':
      return `failure ${opened.entry.recordBase64}`;
    case 'worker':
      return `worker ${opened.worker.id}`;
    case 'delayed-job':
      return `delayed ${opened.item.key}`;
    case 'waiting-job':
      return `waiting ${opened.job.sha1}`;
  }
}
