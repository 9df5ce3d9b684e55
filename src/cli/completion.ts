/** `resque-runner completion SHELL`: prints what makes a shell complete all commands and flags. */
import { visibleWithin } from '../wording/visible.ts';
import type { RunCommand } from './command-line/command-spec.ts';
import { nearestWord } from './command-line/nearest-word.ts';
import { bashCompletion } from './completion/bash.ts';
import { type CommandLine, completed } from './completion/completed.ts';
import { fishCompletion } from './completion/fish.ts';
import { zshCompletion } from './completion/zsh.ts';
import { exitCodes, UsageError } from './exit-codes.ts';
import { print } from './output.ts';

const completions = new Map([
  ['bash', bashCompletion],
  ['zsh', zshCompletion],
  ['fish', fishCompletion],
]);

/** More than this is no word that anyone mistyped. */
const longestWord = 30;

export function completionOf(commandLine: CommandLine): RunCommand {
  return async ({ invocation }) => {
    const [shell = ''] = invocation.input;
    const completion = completions.get(shell);
    if (completion === undefined) throw new UsageError(unknownShell(shell));
    await print(completion(completed(commandLine)));
    return exitCodes.clean;
  };
}

function unknownShell(shell: string): string {
  const shells = [...completions.keys()];
  // csh and tcsh look like slips of "zsh", but they are shells of their own.
  const nearest = shell.endsWith('csh') ? null : nearestWord(shell.slice(0, longestWord), shells);
  const hint =
    nearest === null
      ? `the shell must be ${shells.slice(0, -1).join(', ')} or ${shells.at(-1)}`
      : `did you mean "${nearest}"?`;
  return `there is no completion for "${visibleWithin(shell, 60)}"; ${hint}`;
}
