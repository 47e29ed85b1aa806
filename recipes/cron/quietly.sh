#!/bin/sh
# quietly.sh <log> <command> [<argument> ...]: runs a command for cron, which mails whatever a job prints.
# What the command says goes to the log. It is printed, and so mailed, only when the command fails, and then once:
# not again while the next calls fail in the same words.
set -u
log=$1
shift

said=$(mktemp) || exit 1
trap 'rm -f "$said"' EXIT
code=0
"$@" > "$said" 2>&1 || code=$?

# Two files of a megabyte at most.
if [ -e "$log" ] && [ "$(wc -c < "$log")" -gt 1000000 ]; then mv "$log" "$log.1"; fi
{ echo "== $(date) exit code $code"; cat "$said"; } >> "$log"

if [ "$code" -eq 0 ]; then
  rm -f "$log.trouble"
elif ! cmp -s "$said" "$log.trouble"; then
  cp "$said" "$log.trouble"
  echo "Exit code $code, from: $*"
  cat "$said"
fi
exit "$code"
