/** The flags that say which failures are meant. */
import type { FailureFilter } from '../../protocol/commands.ts';
import { type Flags, optionOf } from '../command-line/flags.ts';

const filterFlags = ['queue', 'class', 'exception', 'exit', 'text'] as const;

/** Holds for every failure. */
export const everything: FailureFilter = {
  queue: null,
  jobClass: null,
  exception: null,
  exit: null,
  text: null,
};

export function filterOf({ queue, class: jobClass, exception, exit, text }: Flags): FailureFilter {
  return { queue, jobClass, exception, exit, text };
}

/** As they were typed: `--queue`, `mail`, … */
export function filterWords(flags: Flags): string[] {
  return filterFlags.flatMap((name) => {
    const value = flags[name];
    return value === null ? [] : [optionOf(name), value];
  });
}
