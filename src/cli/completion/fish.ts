/**
 * Completion for fish: a `complete` for each word, with a condition that says where it fits. What a command line is
 * made of so far is found out by one function, since fish itself knows of no commands and offers flags again.
 */
import type { Completed, CompletedArgument, CompletedCommand, CompletedFlag, Kind } from './completed.ts';

export function fishCompletion({
  firstWords,
  singleWords,
  groups,
  commands,
  valuedFlags,
}: Completed): string {
  return `# Completion of resque-runner for fish:
# resque-runner completion fish > ~/.config/fish/completions/resque-runner.fish

# Prints the command, how many of its arguments are complete, and each flag that has been given; a flag that waits for
# its value doesn't count as given. That nothing is a flag after "--", fish knows.
function __resque_runner_typed
    set -l words (commandline -opc)
    set -e words[1]
    set -l command run
    if set -q words[1]
        switch $words[1]
${groups
  .map(
    ({ name, otherwise, actions }) => `            case ${name}
                set command ${quoted(otherwise)}
                set -e words[1]
                if set -q words[1]; and contains -- $words[1] ${actions.map(({ word }) => word).join(' ')}
                    set command "${name} $words[1]"
                    set -e words[1]
                end`,
  )
  .join('\n')}
            case ${singleWords.join(' ')}
                set command $words[1]
                set -e words[1]
        end
    end
    set -l count 0
    set -l given
    set -l awaited
    set -l are_flags_over
    for word in $words
        if test -n "$awaited"
            set -a given $awaited
            set awaited
        else if test -n "$are_flags_over"; or not string match -q -- '-?*' $word
            set count (math $count + 1)
        else if test "$word" = --
            set are_flags_over --
        else if contains -- $word ${valuedFlags.map(({ option }) => option).join(' ')}
            set awaited $word
        else
            set -a given (string replace -r -- '=.*' '' $word)
        end
    end
    string join \\n -- $command $count $given
end

# Whether a flag, $argv[2], of a command, $argv[1], can come next.
function __resque_runner_takes
    set -l typed (__resque_runner_typed)
    test "$typed[1]" = "$argv[1]"; and not contains -- $argv[2] $typed[3..-1]
end

# Whether an argument of a command, $argv[1], comes next: the one with the number $argv[2], or that or one after it.
function __resque_runner_at
    set -l typed (__resque_runner_typed)
    test "$typed[1]" = "$argv[1]"; or return
    if test "$argv[3]" = repeated
        test $typed[2] -ge $argv[2]
    else
        test $typed[2] -eq $argv[2]
    end
end

# Whether there is nothing yet but these words.
function __resque_runner_after
    set -l words (commandline -opc)
    test (count $words) -eq (math (count $argv) + 1); and test "$words[2..-1]" = "$argv"
end

complete -c resque-runner -e
complete -c resque-runner -f

${firstWords
  .map(
    ({ word, about }) => `complete -c resque-runner -n __resque_runner_after -a ${word} -d ${quoted(about)}`,
  )
  .join('\n')}
${groups
  .flatMap(({ name, actions }) =>
    actions.map(
      ({ word, about }) =>
        `complete -c resque-runner -n '__resque_runner_after ${name}' -a ${word} -d ${quoted(about)}`,
    ),
  )
  .join('\n')}
${commands.map(commandLines).join('\n')}
`;
}

function commandLines({ name, flags, arguments: args }: CompletedCommand): string {
  return [
    '',
    ...flags.map((flag) => flagLine(name, flag)),
    ...args.flatMap((argument, at) => argumentLine(name, argument, at)),
  ].join('\n');
}

function flagLine(command: string, { option, about, value }: CompletedFlag): string {
  const condition = `__resque_runner_takes ${quoted(command)} ${option}`;
  const takes = value === null ? '' : kindOptions(value.kind, ' -r');
  return `complete -c resque-runner -n ${quoted(condition)} -l ${option.slice(2)}${takes} -d ${quoted(about)}`;
}

/** None where nothing can be offered. */
function argumentLine(command: string, { kind, isRepeated }: CompletedArgument, at: number): string[] {
  if (kind === 'anything') return [];
  const position = `__resque_runner_at ${quoted(command)} ${at}${isRepeated ? ' repeated' : ''}`;
  // On an empty line the commands are enough.
  const condition = command === 'run' ? `${position}; and test -n (commandline -ct)` : position;
  return [`complete -c resque-runner -n ${quoted(condition)}${kindOptions(kind, '')}`];
}

function kindOptions(kind: Kind, requires: string): string {
  if (kind === 'file') return `${requires} -F`;
  return `${requires} -f${kind === 'anything' ? '' : ` -a ${quoted(kind.join(' '))}`}`;
}

/** fish's own quoting: between single quotes only these two can be escaped. */
function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
