# For an interactive `zsh -f`: completes as a user's would, and writes each word that is offered to $OFFERS.
autoload -Uz compinit
compinit -u -D
source $SCRIPT
PROMPT='ready> '
zstyle ':completion:*' completer _complete
setopt no_list_beep no_beep

compadd() {
  # Asked to fill arrays only: those words are looked at first, and maybe offered later.
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
    builtin compadd "$@"
    return
  fi
  local -a offered
  builtin compadd -A offered "$@"
  # They are quoted for the command line.
  print -rl -- ${(Q)offered} >> $OFFERS
  builtin compadd "$@"
}

next-case() {
  print -r -- ---- >> $OFFERS
  zle kill-buffer
}
zle -N next-case
bindkey '^T' next-case
bindkey '^I' complete-word
