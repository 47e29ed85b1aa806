#!/usr/bin/env bash
# csvkit 2.2.0 (agate 1.14.2).
#
# Tools of csvkit that guess types (csvsort, csvjson, csvsql, csvstat) write a column of `3/4` as a date of the year 2001, a
# column of `50%` as the number 50, and one of `1` alone as True. `NA` becomes empty, also with `--no-inference` (-I), which
# keeps the rest; it takes `--blanks` as well.
#
# Seen, of csvsort: True,2001-03-04,50, and with -I 1,3/4,50%, and with -I --blanks 1,3/4,50%,NA.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv tools
tools/bin/pip install --quiet --disable-pip-version-check csvkit==2.2.0 agate==1.14.2
printf 'id,ratio,share,note\n1,3/4,50%%,NA\n' > shares.csv
sort_by_id() { tools/bin/csvsort "$@" -c id shares.csv | tail -n 1; }
seen=$(sort_by_id; sort_by_id -I; sort_by_id -I --blanks)
echo "$seen"
[ "$seen" = $'True,2001-03-04,50,\n1,3/4,50%,\n1,3/4,50%,NA' ]
