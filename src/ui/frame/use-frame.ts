/**
 * What components select from. The app's store changes with every event, thousands of times a second. `UserInterface` copies
 * its state here when the frame clock asks for a frame, so components render a few times a second at most, and only those
 * whose selection has changed.
 */
import { createContext, useContext } from 'react';
import { useStore } from 'zustand/react';
import { useShallow } from 'zustand/react/shallow';
import type { StoreApi } from 'zustand/vanilla';
import type { AppState } from '../../store/app-store.ts';
import { remembered } from '../../store/selectors.ts';
import type { Size } from '../layout/layout.ts';
import type { JobLog } from '../log/job-log.ts';
import type { MouseMap } from './mouse-map.ts';

export interface Frame extends AppState {
  /** The same object while the size is the same. */
  readonly size: Size;
  readonly nowMs: number;
  /** The open log. It changes in place, so select `openLog` with it: that changes with each of its changes. */
  readonly log: JobLog | null;
}

/** What stays the same while the screen is open. */
export interface ScreenProps {
  readonly frames: StoreApi<Frame>;
  readonly isReadOnly: boolean;
  /** `null` if the runner belongs to the user of the screen. */
  readonly runnerUser: string | null;
  readonly hasColors: boolean;
  /** Where the canvases register. */
  readonly mouse: MouseMap;
}

export const ScreenContext = createContext<ScreenProps | null>(null);

export function useScreen(): ScreenProps {
  const screen = useContext(ScreenContext);
  if (screen === null) throw new Error('this component is outside of a screen');
  return screen;
}

/**
 * Renders the component again when the selected value changes, or a member of it if it is an object or array. The selector
 * must bear any frame: a component that is about to disappear may see one more.
 */
export function useFrame<Selected>(select: (frame: Frame) => Selected): Selected {
  // Without `remembered`, a new object inside of the selection would look like a change: React would render forever.
  return useStore(useScreen().frames, remembered(useShallow(select)));
}

const calmMs = 5_000;

/** A time for what only grows older: it changes every five seconds, so that a panel isn't rendered every second for it. */
export function calmTime(ms: number): number {
  return Math.floor(ms / calmMs) * calmMs;
}
