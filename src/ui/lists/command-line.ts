/** Reads what is typed after `:`, such as `pause mail`, and says how it could go on. Pure. */
import { nearestWord } from '../../messages/nearest-word.ts';
import type { AppState } from '../../store/app-store.ts';
import type { Tab } from '../../store/view.ts';
import { type CommandName, type CommandSpec, commandsFor } from '../keys/commands.ts';
import { completedFilter, filterProblem } from './completions.ts';
import { shownTabs } from './selection.ts';

/** What is to be done. */
export type Order =
  /** `queue`: also the name of an entry; `null`: all queues. */
  | { readonly kind: 'pause' | 'resume' | 'reset'; readonly queue: string | null }
  | { readonly kind: 'slots'; readonly runner: string; readonly slots: string }
  | { readonly kind: 'retry' | 'delete'; readonly filter: string }
  | { readonly kind: 'reload' }
  | { readonly kind: 'bell'; readonly isOn: boolean }
  | { readonly kind: 'go'; readonly place: { readonly tab: Tab } | { readonly queue: string } };

/** A line that the typed one could become. */
export interface CommandOffer {
  readonly text: string;
  /** Whether it can be run, or needs more. */
  readonly isWhole: boolean;
}

const everything = 'all';
const switches = ['on', 'off'] as const;

interface Split {
  readonly name: CommandName;
  readonly takes: CommandSpec['takes'];
  readonly rest: string;
}

/** @returns `null` if the line doesn't begin with the name of a command and a space */
function split(line: string, isReadOnly: boolean): Split | null {
  const [, word = '', rest = ''] = /^\s*(\S+)\s+(.*)$/s.exec(line) ?? [];
  const command = commandsFor(isReadOnly).find(({ name }) => name === word);
  return command === undefined ? null : { name: command.name, takes: command.takes, rest: rest.trimStart() };
}

/** @returns `null` if the line doesn't begin with the name of a command and a space */
export function commandOffers(
  line: string,
  state: AppState,
  isReadOnly: boolean,
): readonly CommandOffer[] | null {
  const command = split(line, isReadOnly);
  if (command === null) return null;
  const { name, takes, rest } = command;
  switch (takes) {
    case 'nothing':
      return [{ text: name, isWhole: true }];
    case 'queue':
      return startingWith(rest, [...targetNames(state), everything]).map((queue) => ({
        text: `${name} ${queue}`,
        isWhole: true,
      }));
    case 'switch':
      return startingWith(rest, switches).map((word) => ({ text: `${name} ${word}`, isWhole: true }));
    case 'place':
      return startingWith(rest, [...shownTabs(state), ...queueNames(state)]).map((place) => ({
        text: `${name} ${place}`,
        isWhole: true,
      }));
    case 'slots': {
      const [queue = '', count = ''] = rest.split(/\s+/);
      if (count !== '') return [{ text: `${name} ${queue} ${count}`, isWhole: true }];
      return startingWith(queue, targetNames(state)).map((each) => ({
        text: `${name} ${each} `,
        isWhole: false,
      }));
    }
    case 'failures': {
      const { text, choices } = completedFilter(rest, 'failures', state);
      const start = rest.slice(0, rest.search(/\S*$/));
      const longer = choices.length === 0 && text !== rest ? [text] : choices.map((choice) => start + choice);
      return [
        ...(rest.trim() === '' || rest.endsWith(':') ? [] : [{ text: `${name} ${rest}`, isWhole: true }]),
        ...longer
          .filter((each) => each.trim() !== rest.trim())
          .map((each) => ({
            text: `${name} ${each}`,
            isWhole: false,
          })),
      ];
    }
  }
}

/** @returns the problem, for the user, if it can't be done */
export function readCommandLine(line: string, state: AppState, isReadOnly: boolean): Order | string {
  const command = split(`${line} `, isReadOnly);
  if (command === null) return unknownCommand(line, isReadOnly);
  const { name, rest } = command;
  const words = rest.split(/\s+/).filter(Boolean);
  const [first = ''] = words;
  switch (name) {
    case 'reload':
      return { kind: 'reload' };
    case 'bell':
      return first === 'on' || first === 'off'
        ? { kind: 'bell', isOn: first === 'on' }
        : 'bell needs on or off';
    case 'pause':
    case 'resume':
    case 'reset':
      if (targetNames(state).includes(first)) return { kind: name, queue: first };
      return first === everything ? { kind: name, queue: null } : unknownQueue(first, targetNames(state));
    case 'slots': {
      const { queues, runners } = state.model;
      const runner = queues.find((queue) => queue.name === first)?.runner ?? first;
      if (!runners.some(({ key }) => key === runner)) return unknownQueue(first, targetNames(state));
      return { kind: 'slots', runner, slots: words[1] ?? '' };
    }
    case 'retry':
    case 'delete': {
      const filter = rest.trim();
      if (filter === '') return `${name} needs a filter, such as exception:Timeout`;
      return filterProblem(filter, 'failures') ?? { kind: name, filter };
    }
    case 'go': {
      const tab = shownTabs(state).find((each) => each === first.toLowerCase());
      if (tab !== undefined) return { kind: 'go', place: { tab } };
      if (queueNames(state).includes(first)) return { kind: 'go', place: { queue: first } };
      return noSuch('tab or queue', first, [...shownTabs(state), ...queueNames(state)]);
    }
  }
}

function unknownCommand(line: string, isReadOnly: boolean): string {
  const [word = ''] = line.trim().split(/\s+/);
  return noSuch(
    'command',
    word,
    commandsFor(isReadOnly).map(({ name }) => name),
  );
}

function unknownQueue(word: string, known: readonly string[]): string {
  return noSuch('queue', word, known);
}

function noSuch(what: string, word: string, known: readonly string[]): string {
  if (word === '') return `which ${what}?`;
  // Names of queues may be longer than what is worth a search.
  const near = nearestWord(word.slice(0, 60), known);
  return near === null ? `no ${what} "${word}"` : `no ${what} "${word}"; did you mean ${near}?`;
}

function queueNames({ model }: AppState): readonly string[] {
  return model.queues.map(({ name }) => name);
}

/** Queues and entries of several queues. */
function targetNames(state: AppState): readonly string[] {
  return [...new Set([...queueNames(state), ...state.model.runners.map(({ key }) => key)])];
}

/** An equal one comes first. */
function startingWith(word: string, known: readonly string[]): readonly string[] {
  const found = known.filter((each) => each.toLowerCase().startsWith(word.trim().toLowerCase()));
  return [...found.filter((each) => each === word.trim()), ...found.filter((each) => each !== word.trim())];
}
