/** All keys that work with the current focus, from the keymap. */
import type { ReactNode } from 'react';
import { useFrame, useScreen } from '../frame/use-frame.ts';
import {
  type Binding,
  type BindingGroup,
  bindingGroups,
  bindingsAt,
  type Context,
  type Focus,
  hintSentence,
} from '../keys/keymap.ts';
import type { Size } from '../layout/layout.ts';
import { focusOf } from '../lists/focus.ts';
import { columns } from '../text/columns.ts';
import { cell, type Line, lineOf, span } from '../text/line.ts';
import { wrapWords } from '../text/wrap.ts';
import { blank, boxInnerWidth, boxRows, DialogBox, lastBoxTop } from './dialog-box.tsx';

const groupTitles: Readonly<Record<BindingGroup, string>> = {
  move: 'MOVE',
  act: 'ACT',
  log: 'LOG',
  program: 'PROGRAM',
};
const contextTitles: Readonly<Record<Context, string>> = {
  queues: 'Queues',
  failures: 'Failures',
  groups: 'Failures in groups',
  jobs: 'Jobs',
  events: 'Events',
  queue: 'A queue',
  workers: 'Workers',
  delayed: 'Delayed',
  job: 'Job',
  failure: 'Failure',
  worker: 'Worker',
  'delayed-job': 'Delayed job',
  'waiting-job': 'Waiting job',
};
const paneTitles: Readonly<Record<NonNullable<Focus['pane']>, string>> = {
  queues: '',
  about: '',
  running: ' · Running jobs',
  failures: ' · Recent failures',
  waiting: ' · Waiting jobs',
  groups: ' · Failures',
};
const widest = 100;
const leastForTwo = 70;
const gapColumns = 3;

export function Help({ top }: { readonly top: number }): ReactNode {
  const { isReadOnly } = useScreen();
  const size = useFrame((frame) => frame.size);
  const focus = useFrame((frame) => focusOf(frame, frame.size));
  const bindings = bindingsAt(focus, isReadOnly);
  const pane = focus.pane === null ? '' : paneTitles[focus.pane];
  return (
    <DialogBox
      width={widest}
      title={[
        span(`Help · ${contextTitles[focus.context]}${pane}`, { bold: true }),
        ...(bindings.some(({ asks }) => asks === true) ? [span('   ● asks first', { dim: true })] : []),
      ]}
      foot={[span(hintSentence('help'))]}
      top={top}
      content={() => helpLines(bindings, size)}
    />
  );
}

/** The last position of scrolling. */
export function lastHelpTop(focus: Focus, size: Size, isReadOnly: boolean): number {
  return lastBoxTop(helpLines(bindingsAt(focus, isReadOnly), size).length, size);
}

interface Row {
  readonly keys: string;
  readonly text: string;
}

/** A part of the help with its title. */
type Section = readonly [BindingGroup, readonly Row[]];

function helpLines(bindings: readonly Binding[], size: Size): Line[] {
  const width = boxInnerWidth(widest, size);
  const sections = bindingGroups
    .map((group): Section => [group, rowsOf(bindings.filter((binding) => binding.group === group))])
    .filter(([, own]) => own.length > 0);
  return width < leastForTwo ? column(sections, width) : twoColumns(sections, width, boxRows(size));
}

/** The second column begins with a section, or amid one if all of it is visible only then. */
function twoColumns(sections: readonly Section[], width: number, rows: number): Line[] {
  const half = Math.floor((width - gapColumns) / 2);
  const lines = column(sections, half);
  const starts = sections.map((_, at) => column(sections.slice(0, at), half).length);
  const heightAt = (start: number) => Math.max(start, lines.length - start);
  const best = starts.reduce((one, other) => (heightAt(other) < heightAt(one) ? other : one));
  const start = heightAt(best) <= rows ? best : Math.ceil(lines.length / 2);
  return Array.from({ length: heightAt(start) }, (_, row) => {
    const left = row < start ? lines[row] : undefined;
    return lineOf(width, [
      ...(left ?? blank(half)),
      span(' '.repeat(gapColumns)),
      ...(lines[start + row] ?? []),
    ]);
  });
}

function column(sections: readonly Section[], width: number): Line[] {
  return sections.flatMap(([group, rows]) => [
    lineOf(width, [span(groupTitles[group], { bold: true })]),
    ...rows.flatMap((row) => rowLines(row, keyColumns(rows), width)),
  ]);
}

function rowLines({ keys, text }: Row, keyWidth: number, width: number): Line[] {
  return wrapWords(text, width - keyWidth).map((line, at) =>
    lineOf(width, [cell(at === 0 ? keys : '', keyWidth, { color: 'cyan' }), span(line)]),
  );
}

function rowsOf(bindings: readonly Binding[]): Row[] {
  const rows: Row[] = [];
  for (const { shown, label, inHelp, asks } of bindings) {
    const last = rows.at(-1);
    if (inHelp !== undefined && last?.text === inHelp) {
      rows[rows.length - 1] = { ...last, keys: `${last.keys} ${shown}` };
    } else {
      rows.push({ keys: shown, text: inHelp ?? (asks === true ? `● ${label}` : label) });
    }
  }
  return rows;
}

/** Columns for keys and the gap after them. */
function keyColumns(rows: readonly Row[]): number {
  return 2 + Math.max(0, ...rows.map(({ keys }) => columns(keys)));
}
