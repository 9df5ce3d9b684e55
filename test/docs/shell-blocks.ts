/** Turns the blocks of a document into scripts with expected results. */
import { commandsOf } from './markdown.ts';

export interface ShellScript {
  readonly script: string;
  readonly exitCode: number;
}

/** @param text of a block, to be run by `sh -e` */
export function scriptOf(text: string): ShellScript {
  const last = commandsOf(text).at(-1) ?? '';
  const exitCode = Number(/(?:^|[;&] *)exit (\d+)$/.exec(last)?.[1] ?? 0);
  const lines = text.split('\n').map((line, at, all) => {
    const expected = /\s# .*?\bexits (?:with )?(\d+)\b/.exec(line)?.[1];
    if (expected !== undefined) return failingWith(line, expected);
    // A line with `$?` must run even if the line before it fails.
    if (all[at + 1]?.includes('$?') === true) return `set +e\n${line}`;
    return line.includes('$?') ? `${line}\nset -e` : line;
  });
  return { script: lines.join('\n'), exitCode };
}

function failingWith(line: string, expected: string): string {
  return [
    'set +e',
    line,
    `rr_exit=$?; set -e; [ "$rr_exit" -eq ${expected} ] || { echo "it exits $rr_exit instead of ${expected}"; exit 99; }`,
  ].join('\n');
}

export interface Exchange {
  readonly command: string;
  /** What it prints. */
  readonly shown: string;
}

/** Parses a `console` block: each `$ ` begins a command. */
export function transcriptOf(text: string): Exchange[] {
  const exchanges: { command: string; shown: string }[] = [];
  for (const line of text.split('\n')) {
    const last = exchanges.at(-1);
    if (line.startsWith('$ ')) exchanges.push({ command: line.slice(2), shown: '' });
    else if (line.startsWith('> ') && last?.shown === '') last.command += `\n${line.slice(2)}`;
    else if (last === undefined) throw new Error(`output before any command: ${line}`);
    else last.shown += `${line}\n`;
  }
  return exchanges;
}

/** Matches the output of another run: numbers and column widths may differ, and `…` matches anything. */
export function transcriptPattern(shown: string): RegExp {
  const pattern = shown
    .trimEnd()
    .replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
    .replace(/\d+/g, '\\d+')
    .replace(/ {2,}/g, ' +')
    .replaceAll('…', '[\\s\\S]*?');
  return new RegExp(`^${pattern}$`);
}
