#!/bin/sh
# Sees to it that reviews.csv gets its answers, in answers.csv beside it. Made to be called again and again, by cron,
# a timer or CI: it fetches what is ready, and submits a version of reviews.csv that was not submitted yet.
# Ends with 0 while all is well, 1 on trouble, and 3 once when rows have no answer.
# `answers.sh again` writes answers.csv anew from the answers that are there.
set -u
cd "$(dirname "$0")" || exit 1

# Each version of reviews.csv, and of this order, has an output of its own, beside loom's state. That it is there says
# that it is done.
[ -r reviews.csv ] || { echo "There is no $PWD/reviews.csv." >&2; exit 1; }
version=$(cat "${0##*/}" reviews.csv | cksum | tr ' ' -)
finished=${LOOM_HOME:-$HOME/.loom}/answers/$version.csv
(umask 077 && mkdir -p "$(dirname "$finished")") || exit 1

any_pending() { loom list --output-format json | grep -Eq '"status": "(queued|validating|in_progress|unknown)"'; }

code=0
new=
if [ ! -e "$finished" ]; then
  loom fetch || code=$?
  # One batch at a time: then the answers of the earlier version are cached, and only rows that are new are sent.
  # Through stdin loom keeps a copy, so reviews.csv may change while its batch runs.
  if [ ! -e "$finished" ] && ! any_pending; then
    loom run --file - --format csv --col text --provider openai --model gpt-4o-mini \
      --output "$finished" < reviews.csv || code=$?
  fi
  [ ! -e "$finished" ] || new=yes
fi
if [ -e "$finished" ] && { [ -n "$new" ] || [ "${1:-}" = again ]; }; then cp "$finished" answers.csv || exit 1; fi
exit "$code"
