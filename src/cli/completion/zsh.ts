/**
 * Completion for zsh: a function for `_arguments` to work from. It can be sourced, or lie on `$fpath` as
 * `_resque-runner`.
 */
import {
  type Completed,
  type CompletedArgument,
  type CompletedCommand,
  type CompletedFlag,
  type CompletedGroup,
  type CompletedWord,
  type Kind,
  quoted,
} from './completed.ts';

export function zshCompletion({ firstWords, singleWords, groups, commands }: Completed): string {
  return `#compdef resque-runner
# Completion of resque-runner for zsh. In ~/.zshrc: source <(resque-runner completion zsh)

_resque-runner() {
  local curcontext=$curcontext state line ret=1
  local -A opt_args
  local -a choices

  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
    choices=(
${describedWords(firstWords, '      ')}
    )
    _describe -t commands command choices && ret=0
    # A config may be meant as well.
    [[ -n $words[2] ]] && _files && ret=0
    return ret
  fi

  # What a function that is called does to words and CURRENT is lost when it returns.
  local command=run
  case $words[2] in
${groups.map(groupCase).join('\n')}
    (${singleWords.join('|')})
      command=$words[2]
      shift words; (( CURRENT -= 1 ))
      ;;
  esac

  case $command in
${commands.map(commandCase).join('\n')}
  esac
}

if (( ! $+functions[compdef] )); then
  autoload -Uz compinit && compinit
fi
if [[ \${funcstack[1]} == _resque-runner ]]; then
  _resque-runner "$@"
else
  compdef _resque-runner resque-runner
fi
`;
}

function groupCase({ name, otherwise, actions }: CompletedGroup): string {
  return `    (${name})
      shift words; (( CURRENT -= 1 ))
      if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
        choices=(
${describedWords(actions, '          ')}
        )
        _describe -t commands action choices && ret=0
        return ret
      fi
      case $words[2] in
        (${actions.map(({ word }) => word).join('|')}) command="${name} $words[2]"; shift words; (( CURRENT -= 1 )) ;;
        (*) command=${quoted(otherwise)} ;;
      esac
      ;;`;
}

/** For `_describe`, which splits at the first colon. */
function describedWords(words: readonly CompletedWord[], indent: string): string {
  return words.map(({ word, about }) => `${indent}${quoted(`${escapedColons(word)}:${about}`)}`).join('\n');
}

function commandCase({ name, flags, arguments: args }: CompletedCommand): string {
  const specs = [...flags.map(flagSpec), ...args.map(argumentSpec)];
  return `    (${quoted(name)})
      _arguments -S \\
${specs.map((spec) => `        ${quoted(spec)}`).join(' \\\n')}
      ;;`;
}

/** `--config=[about]:FILE:_files`; the `=` stands for both ways to write a value. */
function flagSpec({ option, about, value }: CompletedFlag): string {
  const described = `[${about.replace(/[\\[\]]/g, '\\$&')}]`;
  if (value === null) return option + described;
  return `${option}=${described}:${escapedColons(value.name)}:${action(value.kind)}`;
}

function argumentSpec({ name, kind, isOptional, isRepeated }: CompletedArgument): string {
  const position = isRepeated ? '*:' : isOptional ? '::' : ':';
  return `${position}${escapedColons(name)}:${action(kind)}`;
}

/** For `_arguments`. A blank shows only what is meant. */
function action(kind: Kind): string {
  if (kind === 'file') return '_files';
  return kind === 'anything' ? ' ' : `(${kind.join(' ')})`;
}

function escapedColons(text: string): string {
  return text.replaceAll(':', '\\:');
}
