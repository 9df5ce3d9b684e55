#!/bin/sh
# Compresses or deletes files: {"class":"Compress","args":["a.log","b.log"]}. Copy it and put your own jobs in `case`.
set -eu
gzip='' part='' exception=CommandFailed error='' where='^case '

compress() {
  where='^compress()' number=0
  for path; do
    number=$((number + 1))
    printf 'compressing %d of %d: %s\n' "$number" $# "$path" >&2
    if [ -f "$path" ] && [ ! -s "$path" ]; then fail EmptyFile "$path is empty"; fi
    part=$path.gz.part
    gzip <"$path" >"$part" & # In the background: a trap waits for programs in the foreground.
    gzip=$!
    wait "$gzip"
    gzip=''
    mv -f -- "$part" "$path.gz" # Atomic, so the job can run again however this run ended.
  done
}

delete() {
  where='^delete()'
  rm -- "$@"
}

fail() {
  exception=$1 error=$2 where="fail $1 "
  exit 1
}

# Runs whenever the script ends. sh has no backtrace: this names `fail`, or the function in which a command failed.
conclude() {
  code=$?
  [ -z "$part" ] || rm -f -- "$part"
  case $code in # 0 would mean that the job is done; 143 is 128 + TERM.
  0) exit 0 ;;
  143) exception=Stopped error='stopped by TERM, nothing half done is left' ;;
  *) error=${error:-a command failed with exit code $code} code=1 ;;
  esac
  line=$(sed -n "/$where/=" "$0" | head -n 1)
  printf '{"exception":"%s","error":"%s","backtrace":["%s"]}\n' \
    "$exception" "$(json_text "$error")" "$(json_text "$0:$line")" >&2
  exit "$code"
}

json_text() {
  printf %s "$1" | LC_ALL=C sed 's/[\\"]/\\&/g; $!s/$/\\n/' | tr -d '\000-\037'
}

trap conclude EXIT
job=$(cat)
if command -v jq >/dev/null; then
  words=$(printf %s "$job" | jq -r '@sh "\(.class | strings) \(.args | arrays)"') || words=''
else
  # sed can read plain text in the usual order. Anything else is rejected: reading it would be guesswork.
  plain='"[^"\\]*"'
  words=$(printf %s "$job" | tr '\n' ' ' |
    sed -nE "s/^ *\{ *\"class\": *($plain) *, *\"args\": *\[(( *$plain *,?)*) *\] *(,[^\\\\]*)?\} *\$/\1 \2/p" |
    grep -o '"[^"]*"' | sed "s/'/'\\\\''/g; s/\"/'/g" | tr '\n' ' ')
fi
[ -n "$words" ] || fail InvalidJob 'there is no class with args that can be read; without jq, only plain text can'
eval "set -- $words" # Each word is quoted.
class=$1
shift
trap 'kill $gzip 2>/dev/null || :; exit 143' TERM # Not earlier: before the job there is nothing to clean up.

case $class in
Compress) compress "$@" ;;
Delete) delete "$@" ;;
*) fail UnknownClass "this script has no job of class $class" ;;
esac
