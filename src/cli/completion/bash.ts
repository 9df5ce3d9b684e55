/**
 * Completion for bash, from 3.2 on, which macOS has: no associative arrays, and what `compopt` would do is done only
 * where it is there. Nothing else has to be installed.
 *
 * bash takes `=` and `:` for ends of words too: the words are put together again as they were typed, and of a reply
 * only what bash takes for the current word is given.
 *
 * Files are left to readline (`-o default`, where there is no reply), which knows of quotes and `~`.
 */
import { type Completed, type CompletedCommand, type Kind, quoted } from './completed.ts';

export function bashCompletion({
  firstWords,
  singleWords,
  groups,
  commands,
  valuedFlags,
}: Completed): string {
  return `# Completion of resque-runner for bash. In ~/.bashrc: eval "$(resque-runner completion bash)"
_resque_runner() {
  local IFS=$' \\t\\n' rest=\${COMP_LINE-} at word value='' joined typed kind flags arguments
  local -a words
  COMPREPLY=()

  for ((at = 0; at <= COMP_CWORD; at += 1)); do
    word=\${COMP_WORDS[at]-}
    if [[ $at -eq 0 || -z \${COMP_LINE-} || $rest == [[:space:]]* ]]; then
      words[\${#words[@]}]=$word
    else
      words[\${#words[@]} - 1]=\${words[\${#words[@]} - 1]}$word
    fi
    rest=\${rest#"\${rest%%[![:space:]]*}"}
    rest=\${rest#"$word"}
  done
  local last=$((\${#words[@]} - 1))
  local cur=\${words[last]-}
  typed=\${COMP_WORDS[COMP_CWORD]-}
  case $typed in = | :) typed= ;; esac
  joined=\${cur%"$typed"}

  local command=run first=1
  if [[ $last -gt 1 ]]; then
    case \${words[1]} in
${[
  ...groups.map(({ name, otherwise }) => `      ${name}) command=${quoted(otherwise)} first=2 ;;`),
  `      ${singleWords.join(' | ')}) command=\${words[1]} first=2 ;;`,
].join('\n')}
    esac
  fi
  if [[ $last -gt 2 ]]; then
    case "\${words[1]} \${words[2]}" in
      ${groups
        .flatMap(({ name, actions }) => actions.map(({ word }) => quoted(`${name} ${word}`)))
        .join(' | ')}) command="\${words[1]} \${words[2]}" first=3 ;;
    esac
  fi

  # What has been typed before the current word: flags, how many arguments, and whether a flag waits for its value.
  local given=' ' count=0 are_flags_over='' awaited=''
  for ((at = first; at < last; at += 1)); do
    word=\${words[at]}
    if [[ -n $awaited ]]; then
      awaited=''
    elif [[ -n $are_flags_over || $word != -?* ]]; then
      count=$((count + 1))
    elif [[ $word == -- ]]; then
      are_flags_over=1
    else
      given="$given\${word%%=*} "
      case $word in ${valuedFlags.map(({ option }) => option).join(' | ')}) awaited=$word ;; esac
    fi
  done

  case $command in
${commands.map(commandCase).join('\n')}
  esac

  if [[ -n $awaited ]]; then
    _resque_runner_kind "$awaited"
    _resque_runner_offer "$kind" "$cur"
    return
  fi
  if [[ -z $are_flags_over && $cur == --*=* ]]; then
    value=\${cur#*=}
    _resque_runner_kind "\${cur%%=*}"
    _resque_runner_offer "$kind" "$value" "\${cur%"$value"}"
    return
  fi
  if [[ -z $are_flags_over && $cur == -* ]]; then
    _resque_runner_flags
    return
  fi
  if [[ $last -eq 1 ]]; then
    _resque_runner_offer ${quoted(firstWords.map(({ word }) => word).join(' '))} "$cur"
    # A config may be meant as well. Where no command fits, readline looks for files.
    if [[ \${#COMPREPLY[@]} -eq 0 ]]; then
      _resque_runner_offer file "$cur"
    elif [[ -n $cur ]]; then
      _resque_runner_add_files "$cur"
    fi
    return
  fi
  case "\${words[1]} $last" in
${groups
  .map(
    ({ name, actions }) =>
      `    '${name} 2') _resque_runner_offer ${quoted(actions.map(({ word }) => word).join(' '))} "$cur"; return ;;`,
  )
  .join('\n')}
  esac
  kind=none
  for word in $arguments; do
    kind=\${word%...}
    if [[ $count -eq 0 || $word == *... ]]; then break; fi
    count=$((count - 1))
    kind=none
  done
  # Where arguments could have come, two quick tabs behind the last would add dashes to it.
  if [[ -z $arguments && -z $are_flags_over ]]; then
    _resque_runner_flags
  else
    _resque_runner_offer "\${kind//|/ }" "$cur"
  fi
}

# What the value of a flag is.
_resque_runner_kind() {
  case $1 in
${valuedFlags.map(({ option, kind }) => `    ${option}) kind=${quoted(kindOf(kind))} ;;`).join('\n')}
    *) kind=none ;;
  esac
}

# The flags of the command that aren't there yet.
_resque_runner_flags() {
  local option left=''
  for option in $flags; do
    case $given in *" $option "*) ;; *) left="$left $option" ;; esac
  done
  if [[ -n $left ]]; then _resque_runner_offer "$left" "$cur"; else _resque_runner_offer none; fi
}

# $1: file, anything, none, or the words to choose from; $2: how it begins; $3: what stands before it in the same word
_resque_runner_offer() {
  local choice
  case $1 in
    file)
      if [[ -n \${3-} && $joined != "$3" ]]; then _resque_runner_add_files "$2" "$3"; fi
      return
      ;;
    anything | none) ;;
    *)
      for choice in $1; do
        if [[ $choice == "$2"* ]]; then
          choice=\${3-}$choice
          COMPREPLY[\${#COMPREPLY[@]}]=\${choice#"$joined"}
        fi
      done
      if [[ \${#COMPREPLY[@]} -gt 0 || $last -eq 1 ]]; then return; fi
      ;;
  esac
  # No files instead.
  compopt +o default 2>/dev/null || :
}

_resque_runner_add_files() {
  local path
  compopt -o filenames 2>/dev/null || :
  while IFS= read -r path; do
    path=\${2-}$path
    COMPREPLY[\${#COMPREPLY[@]}]=\${path#"$joined"}
  done < <(compgen -f -- "$1")
}

complete -o default -F _resque_runner resque-runner
`;
}

function commandCase({ name, flags, arguments: args }: CompletedCommand): string {
  const kinds = args.map(({ kind, isRepeated }) => kindOf(kind, '|') + (isRepeated ? '...' : ''));
  return `    ${quoted(name)})
      flags=${quoted(flags.map(({ option }) => option).join(' '))}
      arguments=${quoted(kinds.join(' '))}
      ;;`;
}

function kindOf(kind: Kind, separator = ' '): string {
  return typeof kind === 'string' ? kind : kind.join(separator);
}
