# bash --norc harness.bash SCRIPT LINE…: what bash offers for each line, whose last word is being typed.
source "$1"
shift

# As readline takes a line apart: at blanks, and before and after what else ends words.
split() {
  local rest=$1 word=''
  COMP_WORDS=()
  while [[ -n $rest ]]; do
    case $rest in
      ' '*)
        [[ -n $word ]] && COMP_WORDS+=("$word")
        word='' rest=${rest#' '}
        [[ -z $rest ]] && COMP_WORDS+=('')
        continue
        ;;
      [=:]*)
        case $word in
          *[!=:]*) COMP_WORDS+=("$word"); word='' ;;
        esac
        word+=${rest:0:1}
        ;;
      *)
        case $word in
          [=:]*) COMP_WORDS+=("$word"); word='' ;;
        esac
        word+=${rest:0:1}
        ;;
    esac
    rest=${rest:1}
  done
  [[ -n $word ]] && COMP_WORDS+=("$word")
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
}

# What `compopt` is asked for.
compopt() {
  [[ "$*" == '+o default' ]] && takes_files=''
  return 0
}

for line; do
  split "$line"
  COMP_LINE=$line COMP_POINT=${#line} takes_files=1
  _resque_runner
  if [[ ${#COMPREPLY[@]} -gt 0 ]]; then
    printf '%s\n' "${COMPREPLY[@]}"
  elif [[ -n $takes_files ]]; then
    # `-o default`
    compgen -f -- "${COMP_WORDS[COMP_CWORD]#=}"
  fi
  echo ----
done
