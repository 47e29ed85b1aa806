#!/usr/bin/env bash
# duckdb 2.0.1 for Python.
#
# In a CSV a column of version numbers with three parts is read as dates where each part could be one: 12.5.1 becomes the
# first of May 2012. A column of `Inf` alone is read as timestamps at infinity, not as a number or a text. Neither is
# told. `all_varchar = true`, or `types`, keeps them.
#
# Seen: version DATE 2012-05-01, limit TIMESTAMP WITH TIME ZONE infinity; with all_varchar 12.5.1 and Inf.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv tools
tools/bin/pip install --quiet --disable-pip-version-check duckdb==2.0.1
printf 'id,version,most\n1,12.5.1,Inf\n2,12.5.1,Inf\n' > releases.csv
cat > show.py <<'PY'
import duckdb

types = {name: kind for name, kind, *_ in duckdb.sql("describe select * from 'releases.csv'").fetchall()}
values = duckdb.sql("select version::varchar, most::varchar from 'releases.csv' limit 1").fetchall()[0]
kept = duckdb.sql("select version, most from read_csv('releases.csv', all_varchar = true) limit 1").fetchall()[0]
print(types['version'], values[0], types['most'], values[1], *kept, sep='|')
PY
seen=$(tools/bin/python show.py)
echo "$seen"
[ "$seen" = 'DATE|2012-05-01|TIMESTAMP WITH TIME ZONE|infinity|12.5.1|Inf' ]
