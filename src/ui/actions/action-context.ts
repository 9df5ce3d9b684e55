import type { Command, CommandReply } from '../../protocol/commands.ts';
import type { AppStore } from '../../store/app-store.ts';
import type { Opened, Tab, View } from '../../store/view.ts';
import { isCompact, type Size, smallestWhole } from '../layout/layout.ts';
import type { DelayedList } from '../lists/delayed-list.ts';
import type { FailureList } from '../lists/failure-list.ts';
import type { GroupList } from '../lists/group-list.ts';
import type { WaitingJobs } from '../lists/waiting-list.ts';
import type { WorkerList } from '../lists/worker-list.ts';
import type { JobLog } from '../log/job-log.ts';
import { tabNames } from '../panels/words.ts';
import type { ClipboardWrite } from '../terminal/clipboard.ts';
import type { EndSignal } from '../terminal/screen-guard.ts';

/** How the user left. The caller decides what happens to the engine. */
export type UiEnd =
  /** Leaves an engine that this screen didn't start, or that should keep running. */
  | { readonly kind: 'detached' }
  /** The engine has stopped, as asked here or elsewhere. */
  | { readonly kind: 'stopped' }
  /** The link to the engine broke. */
  | { readonly kind: 'lost'; readonly reason: string }
  | { readonly kind: 'signal'; readonly signal: EndSignal };

/** A runner that an attached screen can switch to. */
export interface RunnerChoice {
  readonly socket: string;
  /** `process 4431` */
  readonly label: string;
  /** Its config and queues. */
  readonly detail: string;
}

/** The way from an attached screen to other runners. */
export interface OtherRunners {
  /** Runners of this user on this host, without the present one. */
  list(): Promise<readonly RunnerChoice[]>;
  /** @returns why that isn't possible; `null` if the screen shows that runner now */
  switchTo(socket: string): Promise<string | null>;
}

/** What an action may use. Actions change the view and send commands. They don't draw. */
export interface ActionContext {
  readonly store: AppStore;
  readonly failures: FailureList;
  readonly groups: GroupList;
  readonly waiting: WaitingJobs;
  readonly workers: WorkerList;
  readonly delayed: DelayedList;
  readonly isReadOnly: boolean;
  readonly isOwner: boolean;
  readonly canLeaveRunning: boolean;
  /** `process 4431 (/srv/app/cfg.json)` */
  readonly runnerName: string;
  /** `null` if the screen can't leave its runner. */
  readonly runners: OtherRunners | null;
  readonly size: Size;
  readonly hasColors: boolean;
  /** The log that is open. */
  readonly log: JobLog | null;
  /** @param over what comes back after it; left out for the tab */
  openLog(jobId: string, over?: Opened): void;
  closeLog(): void;
  /** Back to what was open before, or to the tab. */
  leave(): void;
  /** Sent by `run`, without a reply yet. The model doesn't reflect them. */
  readonly unanswered: readonly Command[];
  /** Sends a command and shows the reply. */
  run(command: Command): Promise<CommandReply>;
  /** Sends a command without showing the reply. */
  ask(command: Command): Promise<CommandReply>;
  /** @param from the view that it is about: if the user has left that, only an error is shown */
  toast(text: string, isError?: boolean, from?: View): void;
  /** Sends a text to the clipboard of the user's terminal. */
  copy(text: string): Pick<ClipboardWrite, 'isCut' | 'caveat'>;
  /** Shows a text in the user's pager. @returns why that failed; `null` if the user has left it */
  page(text: readonly Buffer[]): Promise<string | null>;
  repaint(): void;
  suspend(): void;
  /** @returns whether the mouse is on now */
  toggleMouse(): boolean;
  end(end: UiEnd): void;
}

/** Small terminals have room for the queues only. @returns false after saying so */
export function hasRoomFor(context: ActionContext, tab: Tab): boolean {
  if (tab === 'queues' || !isCompact(context.size)) return true;
  const { columns, rows } = smallestWhole;
  context.toast(`${tabNames[tab]} needs a terminal of ${columns}×${rows}`, true);
  return false;
}
