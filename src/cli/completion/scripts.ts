/**
 * The scripts that connect a shell to `resque-runner __complete WORD…`. That command prints a line `WORD<tab>ABOUT` for
 * each word that fits, and `:files` if file paths fit too.
 */

/**
 * Works with bash 3.2 (macOS) and later, without other packages. bash also splits words at `=` and `:`. The script joins
 * these parts again, and replies only with the part that bash treats as the current word. If nothing else fits, readline
 * completes files (`-o default`), because it handles quotes and `~`.
 */
const bash = `# Completion of resque-runner for bash. In ~/.bashrc: eval "$(resque-runner completion bash)"
_resque_runner() {
  local IFS=$' \\t\\n' rest=\${COMP_LINE-} at word about files_fit='' value path
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
  local cur=\${words[\${#words[@]} - 1]} typed=\${COMP_WORDS[COMP_CWORD]-}
  case $typed in = | :) typed= ;; esac
  local joined=\${cur%"$typed"}

  while IFS=$'\\t' read -r word about; do
    if [[ $word == :files ]]; then files_fit=1; else COMPREPLY[\${#COMPREPLY[@]}]=\${word#"$joined"}; fi
  done < <("\${words[0]/#\\~/$HOME}" __complete "\${words[@]:1}" 2>/dev/null)

  if [[ -z $files_fit ]]; then
    if [[ \${#COMPREPLY[@]} -eq 0 ]]; then compopt +o default 2>/dev/null || :; fi
    return
  fi
  value=$cur
  if [[ $cur == --*=* ]]; then value=\${cur#*=}; fi
  if [[ \${#COMPREPLY[@]} -eq 0 && $joined == "\${cur%"$value"}" ]]; then return; fi
  compopt -o filenames 2>/dev/null || :
  while IFS= read -r path; do
    path=\${cur%"$value"}$path
    COMPREPLY[\${#COMPREPLY[@]}]=\${path#"$joined"}
  done < <(compgen -f -- "$value")
}
complete -o default -F _resque_runner resque-runner
`;

/** Works when sourced, and as the file `_resque-runner` on `$fpath`. */
const zsh = `#compdef resque-runner
# Completion of resque-runner for zsh. In ~/.zshrc: source <(resque-runner completion zsh)
_resque-runner() {
  local -a choices
  local line takes_files ret=1
  for line in "\${(@f)$("\${(Q)words[1]/#\\~/$HOME}" __complete "\${(@Q)words[2,CURRENT - 1]}" "$PREFIX" 2>/dev/null)}"; do
    if [[ $line == :files ]]; then
      takes_files=1
    elif [[ -n $line ]]; then
      choices+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
    fi
  done
  if (( $#choices )); then _describe resque-runner choices && ret=0; fi
  if [[ -n $takes_files ]]; then
    if [[ $PREFIX == --*=* ]]; then compset -P '*='; fi
    _files && ret=0
  fi
  return ret
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

const fish = `# Completion of resque-runner for fish:
# resque-runner completion fish > ~/.config/fish/completions/resque-runner.fish
function __resque_runner_offers
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
        if test "$line" != :files
            echo $line
        else if string match -q -- '--*=*' $current
            set -l option (string replace -r '=.*' '=' -- $current)
            for path in (__fish_complete_path (string replace -r '^[^=]*=' '' -- $current))
                echo $option$path
            end
        else
            __fish_complete_path $current
        end
    end
end
complete -c resque-runner -e
complete -c resque-runner -f -a '(__resque_runner_offers)'
`;

export const scripts = new Map([
  ['bash', bash],
  ['zsh', zsh],
  ['fish', fish],
]);
